import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { plantedBugs } from './bugs.ts'
import { hunt } from './hunt.ts'
import { withEdits } from './plant.ts'

/** Bugs of the slice: one of each trial that needs no processes and no network, chosen for the class they show. */
const slice = [
  'reads before it registers',
  'knows a stream by all but the last character of its id',
  'leaves the old pump running when a stream is asked for again',
  'ignores the epoch of a cursor',
  'applies an event again (client, < for <=)',
  'appends without asking for the lease (missing fence)',
]

describe('planted bugs', () => {
  test('each finds its place in the code of today, once', () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(12)
    for (const { edits } of plantedBugs)
      for (const [file, own] of Map.groupBy(edits, ({ file }) => file)) {
        const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
        expect(withEdits(own, source)).not.toBe(source)
      }
  })

  test('one whose text is gone, or there twice, fails loudly', () => {
    const edit = { file: 'a.ts', from: 'x', to: 'y' }
    expect(() => withEdits([edit], 'abc')).toThrow('finds it 0 times')
    expect(() => withEdits([edit], 'x x')).toThrow('finds it 2 times')
  })

  test.each(plantedBugs.filter(({ name }) => slice.includes(name)))('$name: caught', async (bug) => {
    expect(await hunt(bug, bug.trial)).not.toEqual([])
  })

  test('without a bug the runs show nothing', async () => {
    expect(await hunt(null, 'runs')).toEqual([])
  })
})
