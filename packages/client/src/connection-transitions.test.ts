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
  type EventKind,
  type Facts,
  initialState,
  type StateKind,
} from './connection-state.ts'
import { transition } from './connection-transitions.ts'

const half = (): number => 0.5
const at = (nowMs: number, random = half) => ({ nowMs, random })
const facts: Facts = {
  ...initialState({ canRenew: true, canFallBack: true }).facts,
  wanted: true,
  failures: null,
}
const live = { sinceMs: 0, lastFrameMs: 10_000, drain: null }
const states = {
  idle: { kind: 'idle', facts: { ...facts, wanted: false } },
  renewing: { kind: 'renewing', facts, dueMs: 20_000 },
  connecting: { kind: 'connecting', facts, dueMs: 15_000 },
  greeting: { kind: 'greeting', facts, dueMs: 15_000 },
  ready: { kind: 'ready', facts, ...live },
  probing: { kind: 'probing', facts, dueMs: 12_000, ...live },
  waiting: { kind: 'waiting', facts, dueMs: 20_000, earliestMs: 10_000 },
  offline: { kind: 'offline', facts, dueMs: 310_000, earliestMs: 10_000 },
  fallback: { kind: 'fallback', facts, sinceMs: 0, lastFrameMs: 10_000 },
  stopped: { kind: 'stopped', facts: { ...facts, wanted: false }, closeCode: 4501 },
  closed: { kind: 'closed', facts: { ...facts, wanted: false } },
} as const satisfies { readonly [Kind in StateKind]: Extract<ConnectionState, { kind: Kind }> }
const events = {
  wanted: { kind: 'wanted' },
  unwanted: { kind: 'unwanted' },
  opened: { kind: 'opened' },
  ready: { kind: 'ready' },
  frame: { kind: 'frame' },
  drain: { kind: 'drain', leaveWithinMs: 6_000 },
  lost: { kind: 'lost', code: 1006, reason: '' },
  due: { kind: 'due' },
  online: { kind: 'online' },
  offline: { kind: 'offline' },
  visible: { kind: 'visible' },
  hidden: { kind: 'hidden' },
  token: { kind: 'token' },
  token_refused: { kind: 'token_refused', cause: new Error('signed out') },
  close: { kind: 'close' },
} as const satisfies { readonly [Kind in EventKind]: Extract<ConnectionEvent, { kind: Kind }> }

/** Where each state goes with each event, and with which effects; what is not named stays as it is. */
const expected: { readonly [State in StateKind]: Partial<Record<EventKind, string>> } = {
  idle: { wanted: 'connecting open', close: 'closed drop' },
  renewing: {
    token: 'connecting open',
    token_refused: 'stopped drop fail',
    lost: 'waiting drop',
    due: 'waiting drop',
    close: 'closed drop',
  },
  connecting: {
    opened: 'greeting greet',
    lost: 'waiting drop',
    due: 'waiting drop',
    token_refused: 'stopped drop fail',
    close: 'closed drop',
  },
  greeting: { ready: 'ready', lost: 'waiting drop', due: 'waiting drop', close: 'closed drop' },
  ready: {
    lost: 'waiting drop',
    due: 'waiting drop',
    online: 'probing probe',
    visible: 'probing probe',
    offline: 'probing probe',
    close: 'closed drop',
  },
  probing: { frame: 'ready', lost: 'waiting drop', due: 'waiting drop', close: 'closed drop' },
  waiting: { due: 'connecting open', offline: 'offline', close: 'closed drop' },
  offline: { due: 'connecting open', online: 'waiting', close: 'closed drop' },
  fallback: {
    lost: 'waiting drop',
    token_refused: 'stopped drop fail',
    unwanted: 'idle drop',
    online: 'waiting drop',
    close: 'closed drop',
  },
  stopped: { wanted: 'connecting open', close: 'closed drop' },
  closed: {},
}

describe('the table', () => {
  const cells = Object.values(states).flatMap((state) =>
    Object.values(events).map((event) => [state, event] as const),
  )
  test.each(cells)('%o with %o', (state, event) => {
    const step = transition(state, event, at(11_000))
    const told = [step.state.kind, ...step.effects.map(({ kind }) => kind)].join(' ')
    expect(told).toBe(expected[state.kind][event.kind] ?? state.kind)
  })
})

const lose = (state: ConnectionState, code: number, reason = '', nowMs = 11_000) =>
  transition(state, { kind: 'lost', code, reason }, at(nowMs))
const delayOf = ({ state }: { readonly state: ConnectionState }, nowMs = 11_000): number => {
  if (state.kind !== 'waiting') throw new Error(`${state.kind} is not waiting`)
  return state.dueMs - nowMs
}

describe('after a close', () => {
  test('4500 and up and 1000 stop, with the code', () => {
    const stopping = Object.keys(closeCodes)
      .map(Number)
      .filter((code) => lose(states.ready, code).state.kind === 'stopped')
    expect(stopping).toEqual([1000, 4500, 4501, 4503, 4505, 4506, 4526])
    expect(lose(states.ready, 4503, '{"r":"revoked"}').effects).toContainEqual({
      kind: 'fail',
      closeCode: 4503,
      reason: '{"r":"revoked"}',
      cause: null,
    })
  })

  test('unknown codes follow their range', () => {
    expect([4499, 4999, 3000].map((code) => lose(states.ready, code).state.kind)).toEqual([
      'waiting',
      'stopped',
      'waiting',
    ])
  })

  test('a protocol fault is tried once more, and other losses before it do not count', () => {
    const worn = { ...states.greeting, facts: { ...facts, attempt: 4 } }
    const once = lose(worn, 1007)
    expect(once.state).toMatchObject({ kind: 'waiting', facts: { faults: 1 } })
    expect(lose({ ...states.greeting, facts: once.state.facts }, 1002).state.kind).toBe('stopped')
  })

  test('a drain spreads the return over its hint and does not grow the series', () => {
    const step = lose(states.ready, 1012, '{"r":"drain","ms":1000}')
    expect(delayOf(step)).toBe(500)
    expect(step.state.facts.attempt).toBe(0)
    expect(delayOf(lose(states.ready, 4040))).toBe(1_000)
  })

  test('a server that was cut off while it drained is given the time it named', () => {
    const draining = transition(states.ready, events.drain, at(11_000)).state
    // Its 1012 may be under way when the time is over.
    expect(dueMs(draining)).toBe(18_000)
    expect(delayOf(lose(draining, 1006))).toBe(3_000)
    expect(delayOf(transition(draining, events.due, at(18_000)), 18_000)).toBe(3_000)
  })

  test('the hint of an overloaded server is a floor, and no trigger goes below it', () => {
    const step = lose(states.ready, 1013, '{"r":"overloaded","ms":7000}')
    expect(delayOf(step)).toBe(7_250)
    for (const event of [events.online, events.visible])
      expect(delayOf(transition(step.state, event, at(12_000)))).toBe(7_000)
    expect(delayOf(lose(states.ready, 4029, '{"r":"rate","ms":3000}'))).toBe(3_250)
  })

  test('the floor outlives going offline', () => {
    const waiting = lose(states.ready, 1013, '{"r":"overloaded","ms":7000}').state
    const away = transition(waiting, events.offline, at(12_000)).state
    expect(delayOf(transition(away, events.online, at(12_500)))).toBe(7_000)
  })

  test('an expired token is renewed once, and again after healthy time', () => {
    const renewing = lose(states.greeting, 4001)
    expect(renewing.effects.map(({ kind }) => kind)).toEqual(['drop', 'renew'])
    const again = transition(renewing.state, events.token, at(12_000)).state
    expect(again.kind).toBe('connecting')
    expect(lose(again, 4001).state.kind).toBe('stopped')
    const later = { ...states.ready, facts: again.facts, sinceMs: 12_000 }
    expect(lose(later, 4001, '', 41_999).state.kind).toBe('stopped')
    expect(lose(later, 4001, '', 42_000).state.kind).toBe('renewing')
    const fixed = { ...states.greeting, facts: { ...facts, canRenew: false } }
    expect(lose(fixed, 4001).state.kind).toBe('stopped')
  })

  test('a position in doubt: at once, with a reset where the server says so, and not in a circle', () => {
    const first = lose(states.ready, 4010, '{"r":"snapshot"}')
    expect(delayOf(first)).toBe(0)
    expect(first.effects.at(-1)).toEqual({ kind: 'reset' })
    expect(lose(states.ready, 4010, '{"r":"gap"}').effects).not.toContainEqual({ kind: 'reset' })
    expect(delayOf(lose({ ...states.greeting, facts: first.state.facts }, 4010))).toBe(500)
  })

  test('thirty healthy seconds begin the series anew, and less does not', () => {
    const worn: Facts = { ...facts, attempt: 6 }
    const ready = { ...states.ready, facts: worn, sinceMs: 0 }
    expect(delayOf(lose(ready, 1006, '', 29_999), 29_999)).toBe(10_000)
    expect(delayOf(lose(ready, 1006, '', 30_000), 30_000)).toBe(250)
  })

  test('a hidden page may take five minutes, a visible one twenty seconds', () => {
    const worn: Facts = { ...facts, attempt: 20 }
    expect(delayOf(lose({ ...states.greeting, facts: worn }, 1006))).toBe(10_000)
    expect(delayOf(lose({ ...states.greeting, facts: { ...worn, hidden: true } }, 1006))).toBe(150_000)
  })
})

describe('a page that wakes', () => {
  test('[C4] any frame is a sign of life, and its time is what counts', () => {
    const later = transition(states.ready, events.frame, at(44_000)).state
    expect(dueMs(later)).toBe(79_000)
    const answered = transition(states.probing, events.frame, at(11_500)).state
    expect(dueMs(answered)).toBe(46_500)
  })

  test('[C4] gives up a connection whose last frame is 35 s old, and asks a younger one', () => {
    expect(transition(states.ready, events.visible, at(44_999)).state).toMatchObject({
      kind: 'probing',
      dueMs: 46_999,
    })
    const step = transition(states.ready, events.visible, at(45_000))
    expect(delayOf(step, 45_000)).toBe(250)
    expect(step.effects).toEqual([{ kind: 'drop', code: 1000 }])
  })

  test('does not wait out a long backoff', () => {
    const waiting: ConnectionState = { ...states.waiting, dueMs: 300_000 }
    expect(delayOf(transition(waiting, events.visible, at(11_000)))).toBe(250)
    expect(delayOf(transition({ ...waiting, dueMs: 11_010 }, events.online, at(11_000)))).toBe(10)
  })
})

describe('without WebSockets', () => {
  test('three losses before the first ready lead to server-sent events; where they fail, there is one more try', () => {
    let state: ConnectionState = { ...states.connecting, facts: { ...facts, failures: 0 } }
    const seen: string[] = []
    for (const event of ['lost', 'due', 'due', 'due', 'due', 'lost', 'due', 'lost'] as const) {
      const step = transition(state, events[event], at(11_000))
      state = step.state
      seen.push([state.kind, ...step.effects.map(({ kind }) => kind)].join(' '))
    }
    const [retry, open] = ['waiting drop', 'connecting open']
    expect(seen).toEqual([
      retry,
      open,
      retry,
      open,
      'fallback drop fall_back',
      retry,
      open,
      'fallback drop fall_back',
    ])
  })

  test('a client that was ready once stays with them, and one that has nothing else too', () => {
    for (const changed of [{ failures: null }, { failures: 9, canFallBack: false }]) {
      const step = lose({ ...states.connecting, facts: { ...facts, ...changed } }, 1006)
      expect(step.state.kind).toBe('waiting')
    }
  })
})

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
          if (!state.facts.wanted || ['fallback', 'stopped', 'closed'].includes(state.kind)) return
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
