import { type CloseCode, position, systemIdMaker, threadStream } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Principal } from '../principal.ts'
import { realtimeLimits } from './limits.ts'
import type { SessionContext, SessionEffect, SessionEvent, SessionState } from './session-state.ts'
import { startSession, stepSession } from './session-transitions.ts'

const makeId = systemIdMaker()
const ann: Principal = { kind: 'user', userId: makeId('user') }
const bob: Principal = { kind: 'user', userId: makeId('user') }
const stream = threadStream(makeId('thread'))
const at = (nowMs: number, chance = 0.5, listening = true): SessionContext => ({
  nowMs,
  chance,
  listening,
  limits: realtimeLimits,
})
const hello: SessionEvent = { kind: 'hello', frame: { type: 'hello', instance: 'a' } }
const known = (expiresAtMs: number | null = null): SessionEvent => ({
  kind: 'authenticated',
  principal: ann,
  expiresAtMs,
})

/** The session after these events, all at time 0, and what the last one caused. */
function sessionAfter(events: readonly SessionEvent[], context = at(0)) {
  let step = startSession(context)
  for (const event of events) step = stepSession(step.next, event, context)
  return { state: step.next, effects: step.effects }
}
const closing = (effects: readonly SessionEffect[]): CloseCode | undefined =>
  effects.flatMap((effect) => (effect.do === 'close' ? [effect.code] : []))[0]
const ready = [hello, known()]

describe('every way out has its code', () => {
  const drain: SessionEvent = { kind: 'drain', leaveWithinMs: 10, leaveAfterMs: 5 }
  const ways: readonly [string, readonly SessionEvent[], CloseCode][] = [
    ['nobody says hello in time, perhaps because we are slow', [{ kind: 'hello_overdue' }], 4008],
    ['hello shows nobody', [hello, { kind: 'refused' }], 4501],
    ['the user has as many connections as one may have', [hello, { kind: 'crowded' }], 4505],
    ['the same instance came again', [...ready, { kind: 'superseded' }], 4506],
    ['the credentials were revoked', [...ready, { kind: 'revoked' }], 4503],
    ['the token expired', [...ready, { kind: 'auth_expired' }], 4001],
    ['a renewal that is not valid', [...ready, { kind: 'auth', auth: 'x' }, { kind: 'refused' }], 4501],
    [
      '[S4] a renewal of another user',
      [...ready, { kind: 'authenticated', principal: bob, expiresAtMs: null }],
      4503,
    ],
    ['no pong', [...ready, { kind: 'ping_due' }, { kind: 'pong_overdue' }], 4008],
    ['a stream made no progress', [...ready, { kind: 'stalled' }], 4008],
    ['a gap in a stream', [...ready, { kind: 'failed', code: 4010 }], 4010],
    ['a fault', [...ready, { kind: 'failed', code: 1011 }], 1011],
    ['a store that is not ready', [...ready, { kind: 'failed', code: 1013 }], 1013],
    ['its time is over', [...ready, { kind: 'lifetime_over' }], 4040],
    ['the server stops', [...ready, drain, { kind: 'leave_due' }], 1012],
    ['the server stops before hello', [drain, { kind: 'leave_due' }], 1012],
  ]
  test.each(ways)('%s', (_name, events, code) => {
    const { state, effects } = sessionAfter(events)
    expect([state.kind, closing(effects)]).toEqual(['closed', code])
  })
})

test('lifetime and heartbeat are random within their bounds', () => {
  for (const chance of [0, 0.25, 0.5, 0.999]) {
    const { effects } = sessionAfter(ready, at(0, chance))
    const inMs = (timer: string): number =>
      effects.flatMap((effect) => (effect.do === 'plan' && effect.timer === timer ? [effect.inMs] : []))[0] ??
      0
    expect(inMs('lifetime_over')).toBeGreaterThanOrEqual(50 * 60_000)
    expect(inMs('lifetime_over')).toBeLessThanOrEqual(58 * 60_000)
    expect(inMs('ping_due')).toBeGreaterThanOrEqual(20_000)
    expect(inMs('ping_due')).toBeLessThanOrEqual(30_000)
  }
})

test('a token is asked for before it ends; one that is renewed moves the end', () => {
  const plans = (events: readonly SessionEvent[]) =>
    sessionAfter(events, at(1_000)).effects.flatMap((effect) =>
      effect.do === 'plan' && effect.timer.startsWith('auth') ? [[effect.timer, effect.inMs]] : [],
    )
  expect(plans([hello, known(301_000)])).toEqual([
    ['auth_closing', 240_000],
    ['auth_expired', 300_000],
  ])
  expect(plans([hello, known(301_000), known(901_000)])).toEqual([
    ['auth_closing', 840_000],
    ['auth_expired', 900_000],
  ])
  // One that lives for less than authSoonMs: at half its time, not again and again.
  expect(plans([hello, known(31_000)])).toEqual([
    ['auth_closing', 15_000],
    ['auth_expired', 30_000],
  ])
  const soon = sessionAfter([hello, known(31_000), { kind: 'auth_closing' }], at(1_000)).effects
  expect(soon).toEqual([{ do: 'auth_soon', withinMs: 30_000 }])
})

describe('a client that may have answered', () => {
  const deaf = at(0, 0.5, false)
  const pinged = [...ready, { kind: 'ping_due' }] as const

  test('and has not been heard yet is waited for again', () => {
    const { next, effects } = stepSession(sessionAfter(pinged).state, { kind: 'pong_overdue' }, deaf)
    expect(effects).toEqual([{ do: 'plan', timer: 'pong_overdue', inMs: realtimeLimits.pongWithinMs }])
    expect(closing(stepSession(next, { kind: 'pong_overdue' }, at(0)).effects)).toBe(4008)
    const { state } = sessionAfter(ready)
    expect(stepSession(state, { kind: 'stalled' }, deaf)).toEqual({ next: state, effects: [] })
  })

  test('shows by an ack that it lives; its late pong costs nothing, and the next one is waited for', () => {
    const acked = stepSession(sessionAfter(pinged).state, { kind: 'advanced' }, at(0))
    expect(acked.effects).toEqual([{ do: 'forget', timer: 'pong_overdue' }])
    const answered = stepSession(acked.next, { kind: 'pong', n: 1 }, at(0)).next
    expect(answered).toEqual({ ...sessionAfter(pinged).state, pongAwaited: false })
    expect(stepSession(answered, { kind: 'ping_due' }, at(0)).effects).toContainEqual({
      do: 'plan',
      timer: 'pong_overdue',
      inMs: realtimeLimits.pongWithinMs,
    })
  })
})

test('a second drain changes nothing', () => {
  const drain: SessionEvent = { kind: 'drain', leaveWithinMs: 10, leaveAfterMs: 5 }
  expect(sessionAfter([...ready, drain]).effects).toContainEqual({ do: 'plan', timer: 'leave_due', inMs: 5 })
  expect(sessionAfter([...ready, drain, drain]).effects).toEqual([])
})

describe('[S3] commands', () => {
  const sub: SessionEvent = { kind: 'sub', stream, after: 'head' }

  test('60 at once, then 4029 with the time to wait', () => {
    const { state } = sessionAfter([...ready, ...Array.from({ length: 59 }, () => sub)])
    expect(state.kind).toBe('ready')
    const step = stepSession(state, sub, at(0))
    expect(step.effects).toEqual([{ do: 'close', code: 4029, reason: { r: 'rate_limited', ms: 50 } }])
  })

  test('20 a second for as long as one likes', () => {
    let { state } = sessionAfter(ready)
    for (let count = 0; count < 1_000; count += 1) state = stepSession(state, sub, at(count * 50)).next
    expect(state.kind).toBe('ready')
  })

  test('an ack costs nothing while it opens the window, and one command when it does not', () => {
    const ack: SessionEvent = { kind: 'ack', stream, seq: position(1) }
    let { state } = sessionAfter(ready)
    for (let count = 0; count < 1_000; count += 1) state = stepSession(state, ack, at(0)).next
    expect(state.kind).toBe('ready')
    for (let count = 0; count < 60; count += 1) state = stepSession(state, { kind: 'idle_frame' }, at(0)).next
    expect(state.kind).toBe('closed')
  })
})

const anyEvent: fc.Arbitrary<SessionEvent> = fc.constantFrom<SessionEvent>(
  hello,
  known(),
  known(60_000),
  { kind: 'sub', stream, after: 'start' },
  { kind: 'unsub', stream },
  { kind: 'ack', stream, seq: position(1) },
  { kind: 'auth', auth: 'x' },
  { kind: 'pong', n: 1 },
  { kind: 'bad_frame', why: 'x' },
  { kind: 'idle_frame' },
  { kind: 'advanced' },
  { kind: 'stalled' },
  { kind: 'refused' },
  { kind: 'drain', leaveWithinMs: 10, leaveAfterMs: 5 },
  { kind: 'gone' },
  { kind: 'ping_due' },
  { kind: 'pong_overdue' },
  { kind: 'auth_closing' },
  { kind: 'recheck_due' },
  { kind: 'lifetime_over' },
  { kind: 'hello_overdue' },
)

test('[S1] [S2] under any events nothing is done for nobody, and nothing after the one close', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      let state: SessionState = startSession(at(0)).next
      let greeted = false
      let closes = 0
      for (const [index, event] of events.entries()) {
        const step = stepSession(state, event, at(index * 10))
        for (const effect of step.effects) {
          if (effect.do === 'greet') greeted = true
          if (['subscribe', 'acknowledge', 'ping', 'renew', 'announce_drain'].includes(effect.do))
            expect(greeted).toBe(true)
          if (effect.do === 'close') closes += 1
        }
        if (state.kind === 'closed') expect(step).toEqual({ next: { kind: 'closed' }, effects: [] })
        state = step.next
      }
      expect(closes).toBeLessThanOrEqual(1)
    }),
    { numRuns: 2_000 },
  )
})
