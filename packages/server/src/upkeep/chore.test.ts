import { expect, test } from 'vitest'
import { type ChoreOptions, startChore } from './chore.ts'

/** Work whose each time is let go by hand. */
function byHand(options: Partial<ChoreOptions> = {}) {
  const begun: { end(error?: Error): void; readonly signal: AbortSignal }[] = []
  const waiting: (() => void)[] = []
  const warnings: string[] = []
  const chore = startChore({
    name: 'tidying',
    everyMs: 1_000_000,
    work: (signal) =>
      new Promise<void>((resolve, reject) => {
        begun.push({ signal, end: (error) => (error === undefined ? resolve() : reject(error)) })
        for (const wake of waiting.splice(0)) wake()
      }),
    logger: { info: () => {}, warn: (_, message) => void warnings.push(message) },
    ...options,
  })
  const times = async (count: number) => {
    while (begun.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    const last = begun.at(-1)
    if (last === undefined) throw new Error('Nothing has begun')
    return last
  }
  return { chore, begun, warnings, times }
}

test('comes again by itself, from the end of one time to the next', async () => {
  const { chore, times } = byHand({ everyMs: 1 })
  ;(await times(1)).end()
  const second = await times(2)
  const closed = chore[Symbol.asyncDispose]()
  second.end()
  await closed
})

test('woken while it works it works once more, however often; never twice at a time', async () => {
  const { chore, begun, times } = byHand()
  chore.wake()
  const first = await times(1)
  for (let count = 0; count < 3; count += 1) chore.wake()
  expect(begun).toHaveLength(1)
  first.end()
  ;(await times(2)).end()
  // Had it kept the other two, the third would begin before this one.
  await new Promise((resolve) => setImmediate(resolve))
  expect(begun).toHaveLength(2)
  await chore[Symbol.asyncDispose]()
})

test('what fails is told, and comes again', async () => {
  const { chore, warnings, times } = byHand()
  chore.wake()
  ;(await times(1)).end(new Error('no'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual(['tidying failed; trying again in 1000000 ms'])
  chore.wake()
  ;(await times(2)).end()
  await chore[Symbol.asyncDispose]()
})

test('its end stops the work and waits for it, says nothing of it, and nothing comes after', async () => {
  const { chore, begun, warnings, times } = byHand({ everyMs: 1 })
  const first = await times(1)
  const closed = chore[Symbol.asyncDispose]()
  expect(first.signal.aborted).toBe(true)
  first.end(new Error('stopped'))
  await closed
  chore.wake()
  expect([begun.length, warnings]).toEqual([1, []])
})
