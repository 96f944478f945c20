import { closeCodes, retryAfterClose } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffLimits } from './backoff.ts'
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  connectionLimits,
  dueMs,
  type Facts,
  initialState,
} from './connection-state.ts'
import { at, events, states } from './connection-states.test-support.ts'
import { transition } from './connection-transitions.ts'

/** What a driver would see: whether a transport is open, over any history of a wanted client. */
const anyEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Object.values(events)) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lost' as const),
      code: fc.constantFrom(...Object.keys(closeCodes).map(Number), 3000, 4499, 4999),
      reason: fc.constantFrom('', '{"r":"x","ms":45000}', '{"r":"snapshot"}', 'nonsense'),
    }),
  },
)
const history = fc.array(
  fc.record({
    event: anyEvent,
    afterMs: fc.nat(60_000),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { minLength: 1, maxLength: 120 },
)
const abilities = fc.record({ canRenew: fc.boolean(), canFallBack: fc.boolean() })

interface Seen {
  readonly before: ConnectionState
  readonly event: ConnectionEvent
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
  readonly nowMs: number
}

interface Happening {
  readonly event: ConnectionEvent
  readonly afterMs: number
  readonly chance: number
}

function walk(
  able: Pick<Facts, 'canRenew' | 'canFallBack'>,
  steps: readonly Happening[],
  look: (seen: Seen) => void,
): void {
  let state = initialState(able)
  let nowMs = 0
  for (const { event, afterMs, chance } of steps) {
    // A deadline is told when it has passed; a state without one is told nothing.
    const deadline = event.kind === 'due' ? dueMs(state) : 0
    if (deadline === null) continue
    nowMs = Math.max(nowMs + (event.kind === 'due' ? 0 : afterMs), deadline)
    const before = Object.freeze(state)
    Object.freeze(before.facts)
    const step = transition(
      before,
      event,
      at(nowMs, () => chance),
    )
    look({ before, event, ...step, nowMs })
    state = step.state
  }
}

describe('over any history', () => {
  test('[C1] a transport is opened only when none is open', () => {
    fc.assert(
      fc.property(abilities, history, (able, steps) => {
        let open = false
        walk(able, steps, ({ effects, state }) => {
          for (const { kind } of effects) {
            if (kind === 'drop') open = false
            if (kind === 'open' || kind === 'fall_back') {
              expect(open).toBe(false)
              open = true
            }
          }
          const carried = ['connecting', 'greeting', 'ready', 'probing', 'fallback'].includes(state.kind)
          expect(open).toBe(carried)
        })
      }),
      { numRuns: 500 },
    )
  })

  test('[C2] who is wanted is never stuck', () => {
    fc.assert(
      fc.property(abilities, history, (able, steps) => {
        walk(able, steps, ({ state, nowMs, before, event }) => {
          if (!state.facts.wanted || ['stopped', 'closed'].includes(state.kind)) return
          expect(state.kind).not.toBe('idle')
          const deadline = dueMs(state) ?? Number.POSITIVE_INFINITY
          expect(deadline - nowMs).toBeLessThanOrEqual(backoffLimits.hiddenCeilingMs + 45_000)
          // And with its deadline it goes on to another state.
          if (event.kind === 'due' && before.kind !== 'idle') expect(state.kind).not.toBe(before.kind)
        })
      }),
      { numRuns: 500 },
    )
  })

  test('[C3] nothing is opened before the time that the server named', () => {
    fc.assert(
      fc.property(abilities, history, (able, steps) => {
        let floorMs = 0
        walk(able, steps, ({ before, event, state, effects, nowMs }) => {
          const hinted = event.kind === 'lost' && retryAfterClose(event.code) === 'after_hint'
          const waits = state.kind === 'waiting' || state.kind === 'offline'
          if (hinted && waits && before.kind !== state.kind && event.reason.includes('45000'))
            floorMs = nowMs + 45_000
          if (state.kind === 'waiting') expect(state.dueMs).toBeGreaterThanOrEqual(state.earliestMs)
          if (effects.some(({ kind }) => kind === 'open')) {
            const waited = before.kind === 'waiting' || before.kind === 'offline'
            expect(nowMs).toBeGreaterThanOrEqual(waited ? floorMs : 0)
            floorMs = 0
          }
        })
      }),
      { numRuns: 500 },
    )
  })

  test('closed is the end, and nothing but a follower leaves stopped', () => {
    fc.assert(
      fc.property(abilities, history, (able, steps) => {
        walk(able, steps, ({ before, event, state, effects }) => {
          if (before.kind === 'closed') expect([state.kind, effects.length]).toEqual(['closed', 0])
          if (before.kind === 'stopped' && state.kind !== 'stopped')
            expect(['wanted', 'close']).toContain(event.kind)
        })
      }),
    )
  })

  test('limits are those of the protocol', () => {
    expect(connectionLimits).toMatchObject({
      connectMs: 5_000,
      readyMs: 5_000,
      silenceMs: 35_000,
      probeMs: 2_000,
    })
    expect(dueMs(states.ready)).toBe(45_000)
  })
})
