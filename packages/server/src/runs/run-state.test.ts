import { describe, expect, test } from 'vitest'
import type { RunState, RunStep } from './run-state.ts'
import { stepRun } from './run-state.ts'

const queued: RunState = { kind: 'queued', leaseEpoch: 4 }
const running: RunState = { kind: 'running', leaseEpoch: 5, leaseExpiresAtMs: 1_000 }
const ended: RunState = { kind: 'ended', outcome: 'completed' }

const early: RunStep = { kind: 'claim', nowMs: 999, leaseMs: 3_000 }
const late: RunStep = { kind: 'claim', nowMs: 1_000, leaseMs: 3_000 }
const release: RunStep = { kind: 'release' }
const complete: RunStep = { kind: 'end', outcome: 'completed' }
const cancel: RunStep = { kind: 'end', outcome: 'cancelled' }
const fail: RunStep = { kind: 'end', outcome: 'failed' }

describe('[R1] the life of a run', () => {
  test.each<[string, RunState, RunStep, RunState | string]>([
    [
      'a queued run is claimed under the next epoch',
      queued,
      early,
      { kind: 'running', leaseEpoch: 5, leaseExpiresAtMs: 3_999 },
    ],
    ['a queued run has nothing to release', queued, release, 'not_running'],
    ['a queued run cannot complete', queued, complete, 'not_running'],
    ['a queued run can be cancelled', queued, cancel, { kind: 'ended', outcome: 'cancelled' }],
    ['a queued run can fail', queued, fail, { kind: 'ended', outcome: 'failed' }],
    ['a lease that holds is respected', running, early, 'leased'],
    [
      'a lease that expired is taken over',
      running,
      late,
      { kind: 'running', leaseEpoch: 6, leaseExpiresAtMs: 4_000 },
    ],
    ['a released run queues again under its epoch', running, release, { kind: 'queued', leaseEpoch: 5 }],
    ['a running run completes', running, complete, { kind: 'ended', outcome: 'completed' }],
    ['a running run is cancelled', running, cancel, { kind: 'ended', outcome: 'cancelled' }],
    ['a running run fails', running, fail, { kind: 'ended', outcome: 'failed' }],
    ['an ended run is never claimed', ended, late, 'ended'],
    ['an ended run is never released', ended, release, 'ended'],
    ['[R4] an ended run never ends again', ended, cancel, 'ended'],
  ])('%s', (_, state, step, expected) => {
    const result = stepRun(state, step)
    expect(result).toEqual(
      typeof expected === 'string' ? { ok: false, why: expected } : { ok: true, next: expected },
    )
  })
})
