import { expect, test } from 'vitest'
import { createSlots } from './slots.ts'

const never = new AbortController().signal

test('no more at once than there are slots, first come first served', async () => {
  const slots = createSlots(2)
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const started: number[] = []
  const runs = gates.map((gate, index) =>
    slots.run(never, async () => {
      started.push(index)
      await gate.promise
    }),
  )
  expect(started).toEqual([0, 1])
  gates[1]?.resolve()
  await runs[1]
  expect(started).toEqual([0, 1, 2])
  for (const gate of gates) gate.resolve()
  await Promise.all(runs)
  expect(started).toEqual([0, 1, 2, 3])
})

test('who stops waiting gives up the place, and a failure frees its slot', async () => {
  const slots = createSlots(1)
  const gate = Promise.withResolvers<void>()
  const first = slots.run(never, async () => await gate.promise)
  const gone = new AbortController()
  const second = slots.run(gone.signal, async () => 'second')
  const third = slots.run(never, async () => 'third')
  gone.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  gate.reject(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  expect(await third).toBe('third')
})
