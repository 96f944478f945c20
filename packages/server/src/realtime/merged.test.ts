import { expect, test } from 'vitest'
import { merged } from './merged.ts'

/** A task whose runs end when the test says so. */
function heldTask() {
  const runs: PromiseWithResolvers<void>[] = []
  const ask = merged(() => {
    const run = Promise.withResolvers<void>()
    runs.push(run)
    return run.promise
  })
  return { runs, ask }
}

test('who asks while it runs is answered by one run more, that began after the question', async () => {
  const { runs, ask } = heldTask()
  const answered: string[] = []
  const asked = ['first', 'second', 'third'].map((name) => ask().then(() => answered.push(name)))
  expect(runs).toHaveLength(1)
  runs[0]?.resolve()
  await asked[0]
  await expect.poll(() => runs.length).toBe(2)
  expect(answered).toEqual(['first'])
  const fourth = ask()
  runs[1]?.resolve()
  await Promise.all(asked)
  await expect.poll(() => runs.length).toBe(3)
  runs[2]?.resolve()
  await fourth
  const fifth = ask()
  expect(runs).toHaveLength(4)
  runs[3]?.resolve()
  await fifth
})

test('a run that fails is the failure of those it was for, and the next one runs all the same', async () => {
  const { runs, ask } = heldTask()
  const [first, second] = [ask(), ask()]
  runs[0]?.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await expect.poll(() => runs.length).toBe(2)
  runs[1]?.resolve()
  await second
})
