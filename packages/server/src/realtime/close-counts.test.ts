import { expect, test } from 'vitest'
import { closeCountLimits, createCloseCounts } from './close-counts.ts'

test('closes are counted by code and forgotten after an hour', () => {
  let now = 1_000_000
  const counts = createCloseCounts(() => now)
  counts.note(1000)
  counts.note(1012)
  now += closeCountLimits.windowMs / 2
  counts.note(1000)
  expect([...counts.counts()]).toEqual([
    [1000, 2],
    [1012, 1],
  ])
  now += closeCountLimits.windowMs / 2 + closeCountLimits.stepMs
  expect([...counts.counts()]).toEqual([[1000, 1]])
  now += closeCountLimits.windowMs
  expect([...counts.counts()]).toEqual([])
})
