import { expect, test } from 'vitest'
import { sampleUsage } from './sample-usage.ts'

test('the same seed gives the same rows, another seed others', () => {
  const first = [...sampleUsage({ rows: 50, seed: 7 })]
  expect([...sampleUsage({ rows: 50, seed: 7 })]).toEqual(first)
  expect([...sampleUsage({ rows: 50, seed: 8 })]).not.toEqual(first)
})

test('one header, then the rows that were asked for, in the order of time, each with every column', () => {
  const [header, ...rows] = [...sampleUsage({ rows: 400 })].map((line) => line.trimEnd().split(','))
  expect(rows).toHaveLength(400)
  for (const row of rows) expect(row).toHaveLength(header?.length ?? 0)
  const times = rows.map((row) => row[1] ?? '')
  expect(times.toSorted()).toEqual(times)
})
