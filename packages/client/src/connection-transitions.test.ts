import { closeCodes } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import {
  type ConnectionState,
  dueMs,
  type EventKind,
  type Facts,
  type StateKind,
} from './connection-state.ts'
import { at, events, facts, states } from './connection-states.test-support.ts'
import { transition } from './connection-transitions.ts'

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
    due: 'connecting drop open',
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

  test('the floor is one also where the platform says that it is offline', () => {
    const away = { ...states.ready, facts: { ...facts, offline: true } }
    const step = lose(away, 1013, '{"r":"overloaded","ms":900000}')
    expect(step.state).toMatchObject({ kind: 'offline', dueMs: 911_000 })
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
      // A socket is tried once the token is there.
      state = transition(state, events.token, at(11_000)).state
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

  test('a token that does not come tells nothing of WebSockets, however often it is waited for', () => {
    let state: ConnectionState = { ...states.connecting, hasToken: false, facts: { ...facts, failures: 0 } }
    for (let time = 0; time < 9; time += 1) {
      state = transition(state, time % 2 === 0 ? events.due : events.lost, at(11_000)).state
      expect([state.kind, state.facts.failures]).toEqual(['waiting', 0])
      state = transition(state, events.due, at(11_000)).state
    }
  })

  test('a client that was ready once stays with them, and one that has nothing else too', () => {
    for (const changed of [{ failures: null }, { failures: 9, canFallBack: false }]) {
      const step = lose({ ...states.connecting, facts: { ...facts, ...changed } }, 1006)
      expect(step.state.kind).toBe('waiting')
    }
  })
})
