/** The moves between the states of connection-state.ts, each with its reasons. */
import { retryAfterClose } from '@holdfast/protocol'
import { backoffLimits, backoffMs, readCloseReason } from './backoff.ts'
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  connectionLimits,
  type EventOf,
  type Facts,
  type Moment,
  type StateOf,
  type Step,
} from './connection-state.ts'

export const stay = (state: ConnectionState): Step => ({ state, effects: [] })
export const withFacts =
  (facts: Partial<Facts>) =>
  (state: ConnectionState): Step =>
    stay({ ...state, facts: { ...state.facts, ...facts } })

export const drop: ConnectionEffect = { kind: 'drop', code: 1000 }
export const end = ({ facts }: ConnectionState): Step => ({
  state: { kind: 'closed', facts: { ...facts, wanted: false } },
  effects: [drop],
})

export function connect(facts: Facts, { nowMs }: Moment): Step {
  return {
    state: { kind: 'connecting', facts, dueMs: nowMs + connectionLimits.connectMs, hasToken: false },
    effects: [{ kind: 'open' }],
  }
}

export function stop(facts: Facts, closeCode: number, reason: string, cause: unknown = null): Step {
  return {
    // Whoever asks again begins anew.
    state: {
      kind: 'stopped',
      facts: { ...facts, wanted: false, attempt: 0, faults: 0, renewed: false },
      closeCode,
    },
    effects: [drop, { kind: 'fail', closeCode, reason, cause }],
  }
}

/** @param floorMs what the server asked for, part of `delayMs` */
export function wait(facts: Facts, delayMs: number, floorMs: number, { nowMs }: Moment): Step {
  const earliestMs = nowMs + floorMs
  const effects = [drop]
  // Without followers and without a hint to respect there is nothing to wait for.
  if (!facts.wanted && floorMs === 0) return { state: { kind: 'idle', facts }, effects }
  return {
    state: facts.offline
      ? { kind: 'offline', facts, dueMs: offlineUntilMs(earliestMs, nowMs), earliestMs }
      : { kind: 'waiting', facts, dueMs: nowMs + delayMs, earliestMs },
    effects,
  }
}

/** C3 also where the platform says that it is offline. */
export const offlineUntilMs = (earliestMs: number, nowMs: number): number =>
  Math.max(earliestMs, nowMs + connectionLimits.offlineMs)

type Transported = 'connecting' | 'greeting' | 'ready' | 'probing' | 'fallback'

/** The connection is gone, or as good as gone. */
export function lose(
  state: StateOf<Transported>,
  { code, reason }: { readonly code: number; readonly reason: string },
  moment: Moment,
): Step {
  const { nowMs, random } = moment
  const live = state.kind === 'ready' || state.kind === 'probing' ? state : null
  const sinceMs = 'sinceMs' in state ? state.sinceMs : nowMs
  const healthy = nowMs - sinceMs >= backoffLimits.healthyMs
  const facts: Facts = healthy ? { ...state.facts, attempt: 0, faults: 0, renewed: false } : state.facts
  const ceilingMs = facts.hidden ? backoffLimits.hiddenCeilingMs : backoffLimits.ceilingMs
  const again = (attempt: number, floorMs: number, changed: Partial<Facts> = {}): Step =>
    wait(
      { ...facts, attempt: attempt + 1, ...changed },
      backoffMs(attempt, floorMs, random, ceilingMs),
      floorMs,
      moment,
    )
  const { r, ms = 0 } = readCloseReason(reason)
  const retry = retryAfterClose(code)
  switch (retry) {
    case 'never':
      return stop(facts, code, reason)
    case 'after_refresh':
      // Once: a second refusal of a new token is not about its age.
      return facts.canRenew && !facts.renewed
        ? {
            state: {
              kind: 'renewing',
              facts: { ...facts, renewed: true },
              dueMs: nowMs + connectionLimits.renewMs,
            },
            effects: [drop, { kind: 'renew' }],
          }
        : stop(facts, code, reason)
    case 'once':
      return facts.faults > 0 ? stop(facts, code, reason) : again(facts.attempt, ms, { faults: 1 })
    case 'soon': {
      // Asked to go and to come back: no fault, so the series does not grow; the hint is a spread, not a floor.
      if (code !== 4010) return wait(facts, random() * (ms || backoffLimits.soonMs), 0, moment)
      // At once, but a server that doubts us every time is not asked in a circle.
      const step =
        facts.attempt === 0 ? wait({ ...facts, attempt: 1 }, 0, 0, moment) : again(facts.attempt, 0)
      return r === 'snapshot' ? { ...step, effects: [...step.effects, { kind: 'reset' }] } : step
    }
    case 'after_hint':
      return again(facts.attempt, ms)
    case 'backoff': {
      // A server that said it would stop was cut off before it could close: that is its drain.
      if (live?.drain) return wait(facts, random() * live.drain.leaveWithinMs, 0, moment)
      // What says nothing about WebSockets is not counted: there was one, or none was tried.
      const untried = state.kind === 'fallback' || (state.kind === 'connecting' && !state.hasToken)
      if (live !== null || facts.failures === null || untried) return again(facts.attempt, ms)
      const failures = facts.failures + 1
      const fallsBack = facts.canFallBack && failures >= connectionLimits.failuresBeforeFallback
      return fallsBack
        ? {
            state: { kind: 'fallback', facts: { ...facts, failures }, sinceMs: nowMs, lastFrameMs: nowMs },
            effects: [drop, { kind: 'fall_back' }],
          }
        : again(facts.attempt, ms, { failures })
    }
    default:
      return retry satisfies never
  }
}

const silent = { code: 1006, reason: '' } as const
export const gone = (state: StateOf<Transported>, _event: ConnectionEvent, moment: Moment): Step =>
  lose(state, silent, moment)
export const refused = (state: ConnectionState, { cause }: EventOf<'token_refused'>): Step =>
  stop(state.facts, 4501, '', cause)
export const isStale = (lastFrameMs: number, nowMs: number): boolean =>
  nowMs - lastFrameMs >= connectionLimits.silenceMs

/** The world changed: is the connection still there? Old news say no, fresh news are asked again. */
export function check(state: StateOf<'ready'>, changed: Partial<Facts>, moment: Moment): Step {
  const facts = { ...state.facts, ...changed }
  if (isStale(state.lastFrameMs, moment.nowMs)) return replace({ ...state, facts }, moment)
  return {
    state: { ...state, kind: 'probing', facts, dueMs: moment.nowMs + connectionLimits.probeMs },
    effects: [{ kind: 'probe' }],
  }
}

/** Dead, and no fault of a server: back within half a second. */
export function replace(state: StateOf<'ready' | 'probing'>, moment: Moment): Step {
  return wait(state.facts, moment.random() * backoffLimits.wakeJitterMs, 0, moment)
}

/** There is hope: no longer wait than a jitter, and never less than the floor (C3). */
export function hurry(
  facts: Facts,
  before: { readonly dueMs: number; readonly earliestMs: number },
  { nowMs, random }: Moment,
): Step {
  const { earliestMs } = before
  const soonMs = Math.max(earliestMs, nowMs + random() * backoffLimits.wakeJitterMs)
  return stay({ kind: 'waiting', facts, earliestMs, dueMs: Math.min(before.dueMs, soonMs) })
}

export const retryNow = (
  state: StateOf<'waiting' | 'offline'>,
  _event: ConnectionEvent,
  moment: Moment,
): Step => (state.facts.wanted ? connect(state.facts, moment) : stay({ kind: 'idle', facts: state.facts }))

/** Nobody could be asked for a token: it is asked for again with the next 4001. */
export function unrenewed({ facts }: StateOf<'renewing'>, _event: ConnectionEvent, moment: Moment): Step {
  const { attempt } = facts
  const delayMs = backoffMs(attempt, 0, moment.random)
  return wait({ ...facts, attempt: attempt + 1, renewed: false }, delayMs, 0, moment)
}
