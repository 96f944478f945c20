import { expect, test } from 'vitest'
import { createRecorder } from '../history/recorder.ts'
import { viewOf } from '../history/view.ts'
import { compareSamples } from './comparison.ts'

/** Twenty pairs of equal times, in which so many runs a block failed. */
function compared(failed: { readonly candidate: number; readonly stable: number }) {
  const recorder = createRecorder()
  for (let pair = 1; pair <= 20; pair += 1)
    for (const side of ['candidate', 'stable'] as const)
      for (const metric of ['acknowledged', 'whole run'])
        recorder.fact('sample', {
          pair,
          side,
          metric,
          values: [100 + pair, 100 - pair, 100],
          discarded: false,
          failed: failed[side],
        })
  return compareSamples(viewOf(recorder.lines))
}

test('runs that end alike', () => {
  expect(compared({ candidate: 0, stable: 0 })).toMatchObject({ violations: [], situations: 20 })
  expect(compared({ candidate: 1, stable: 1 })).toMatchObject({
    violations: [],
    notes: ['20 of 80 runs did not end in time, 20 of 80 of the stable build'],
  })
})

test('a candidate whose runs fail more often is worse, however quick the others are', () => {
  expect(compared({ candidate: 1, stable: 0 }).violations.map(({ what }) => what)).toEqual([
    '20 of 80 runs did not end in time, 0 of 60 of the stable build',
  ])
})
