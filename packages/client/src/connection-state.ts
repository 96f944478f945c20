/**
 * When to open the one connection, when to give it up, when to try again: all of it decided here, without a clock,
 * a socket or a random source. connection.ts acts.
 *
 *            wanted            opened            ready
 *    idle ───────────▶ connecting ─────▶ greeting ─────▶ ready ◀──frame──┐
 *     ▲                 ▲      │             │            │  └─ visible, online, offline ─▶ probing
 *     │              due│      └─────────────┴── lost ────┴────────────────────────────────────┘
 *     │                 │                     │
 *     └── unwanted ── waiting ◀───────────────┼──▶ renewing (4001)   ──token──▶ connecting
 *                       ▲  online             ├──▶ stopped (4500+, 1000)
 *                     offline ◀───────────────┤
 *                                             └──▶ fallback (never ready, three times)
 *
 * C1  At most one transport is open: whatever leaves a state that has one says `drop`.
 * C2  A state that is wanted is never stuck: it has a deadline, or its transport has one, or it is stopped.
 * C3  What the server asked for is a floor that no trigger of the browser goes below.
 * C4  Whether a connection lives is judged by the time of its last frame. A page's timers sleep, its clock does not.
 */
import { retryAfterClose } from '@holdfast/protocol'
import { backoffLimits, backoffMs, readCloseReason } from './backoff.ts'

export const connectionLimits = {
  /** From the first byte to an open socket, the credentials included. */
  connectMs: 5_000,
  /** From the open socket to `ready`. */
  readyMs: 5_000,
  /** The server speaks every 25 s ± 20 % at least; after this long without a frame the connection is dead. */
  silenceMs: 35_000,
  /** For the answer to a question asked because a page woke up. */
  probeMs: 2_000,
  /** For a token from the caller, who may have to ask somebody. */
  renewMs: 10_000,
  /** After the moment until which a drain was announced, for its 1012 to arrive: it says when to come back. */
  drainGraceMs: 1_000,
  /** A platform that says it is offline may be wrong (virtual machines, odd networks). */
  offlineMs: 5 * 60_000,
  /** Connections lost before the first `ready` of this client, until it tries server-sent events. */
  failuresBeforeFallback: 3,
} as const

/** What outlives a single connection. */
export interface Facts {
  /** The caller can make a new token; server-sent events can be tried. */
  readonly canRenew: boolean
  readonly canFallBack: boolean
  /** Somebody follows something. */
  readonly wanted: boolean
  readonly hidden: boolean
  readonly offline: boolean
  /** n of the backoff: losses in a row since a healthy connection. */
  readonly attempt: number
  /** Of these, closes that blame the protocol. */
  readonly faults: number
  /** A new token was asked for since a healthy connection. */
  readonly renewed: boolean
  /** Connections lost before the first `ready`; null: there was one. */
  readonly failures: number | null
}

interface Live {
  readonly sinceMs: number
  readonly lastFrameMs: number
  /** The server said that it is about to stop. */
  readonly drain: { readonly leaveWithinMs: number; readonly untilMs: number } | null
}

export type ConnectionState = { readonly facts: Facts } & (
  | { readonly kind: 'idle' }
  | { readonly kind: 'renewing'; readonly dueMs: number }
  | { readonly kind: 'connecting'; readonly dueMs: number }
  /** hello is said; what is sent now is read after it. */
  | { readonly kind: 'greeting'; readonly dueMs: number }
  | ({ readonly kind: 'ready' } & Live)
  | ({ readonly kind: 'probing'; readonly dueMs: number } & Live)
  | { readonly kind: 'waiting'; readonly dueMs: number; readonly earliestMs: number }
  | { readonly kind: 'offline'; readonly dueMs: number; readonly earliestMs: number }
  | { readonly kind: 'fallback'; readonly sinceMs: number; readonly lastFrameMs: number }
  | { readonly kind: 'stopped'; readonly closeCode: number }
  | { readonly kind: 'closed' }
)

export type ConnectionEvent =
  /** The first follower came; the last one went. */
  | { readonly kind: 'wanted' }
  | { readonly kind: 'unwanted' }
  | { readonly kind: 'opened' }
  | { readonly kind: 'ready' }
  /** Any frame at all, told before what it says. */
  | { readonly kind: 'frame' }
  | { readonly kind: 'drain'; readonly leaveWithinMs: number }
  /** The transport ended, or said what it must not. */
  | { readonly kind: 'lost'; readonly code: number; readonly reason: string }
  /** The deadline of the state has passed. */
  | { readonly kind: 'due' }
  | { readonly kind: 'online' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'visible' }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'token' }
  | { readonly kind: 'token_refused'; readonly cause: unknown }
  /** The caller is done. */
  | { readonly kind: 'close' }

export type ConnectionEffect =
  | { readonly kind: 'open' }
  | { readonly kind: 'greet' }
  /** Close whatever transport is open. */
  | { readonly kind: 'drop'; readonly code: number }
  /** Ask something that has to be answered. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'renew' }
  /** Follow over server-sent events. */
  | { readonly kind: 'fall_back' }
  /** The server doubts the places of everybody who has one: they have to read a snapshot. */
  | { readonly kind: 'reset' }
  /** Nothing comes anymore: tell every follower. */
  | { readonly kind: 'fail'; readonly closeCode: number; readonly reason: string; readonly cause: unknown }

export interface Moment {
  readonly nowMs: number
  /** 0 ≤ x < 1 */
  readonly random: () => number
}

export interface Step {
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
}

export type StateKind = ConnectionState['kind']
export type EventKind = ConnectionEvent['kind']
type StateOf<Kind extends StateKind> = Extract<ConnectionState, { kind: Kind }>
type EventOf<Kind extends EventKind> = Extract<ConnectionEvent, { kind: Kind }>
type Handler<State extends StateKind, Event extends EventKind> = (
  state: StateOf<State>,
  event: EventOf<Event>,
  moment: Moment,
) => Step
/** Every cell has to be there: a new state or event does not compile until all of them are thought of. */
type Table = Readonly<{ [State in StateKind]: Readonly<{ [Event in EventKind]: Handler<State, Event> }> }>

export function initialState(abilities: Pick<Facts, 'canRenew' | 'canFallBack'>): ConnectionState {
  return {
    kind: 'idle',
    facts: {
      ...abilities,
      wanted: false,
      hidden: false,
      offline: false,
      attempt: 0,
      faults: 0,
      renewed: false,
      failures: 0,
    },
  }
}

/** When the state has to be told `due`; null: never. */
export function dueMs(state: ConnectionState): number | null {
  switch (state.kind) {
    case 'ready':
      return Math.min(
        state.lastFrameMs + connectionLimits.silenceMs,
        state.drain?.untilMs ?? Number.POSITIVE_INFINITY,
      )
    case 'renewing':
    case 'connecting':
    case 'greeting':
    case 'probing':
    case 'waiting':
    case 'offline':
      return state.dueMs
    case 'idle':
    case 'fallback':
    case 'stopped':
    case 'closed':
      return null
    default:
      return state satisfies never
  }
}

const stay = (state: ConnectionState): Step => ({ state, effects: [] })
const withFacts =
  (facts: Partial<Facts>) =>
  (state: ConnectionState): Step =>
    stay({ ...state, facts: { ...state.facts, ...facts } })

/** What every state without a plan of its own does about the world around it. */
const noted = {
  wanted: withFacts({ wanted: true }),
  unwanted: withFacts({ wanted: false }),
  online: withFacts({ offline: false }),
  offline: withFacts({ offline: true }),
  visible: withFacts({ hidden: false }),
  hidden: withFacts({ hidden: true }),
} as const
/** Echoes of a transport or a question that this state no longer has. */
const echoes = {
  opened: stay,
  ready: stay,
  frame: stay,
  drain: stay,
  lost: stay,
  due: stay,
  token: stay,
  token_refused: stay,
} as const
const drop: ConnectionEffect = { kind: 'drop', code: 1000 }
const end = ({ facts }: ConnectionState): Step => ({
  state: { kind: 'closed', facts: { ...facts, wanted: false } },
  effects: [drop],
})

function connect(facts: Facts, { nowMs }: Moment): Step {
  return {
    state: { kind: 'connecting', facts, dueMs: nowMs + connectionLimits.connectMs },
    effects: [{ kind: 'open' }],
  }
}

function stop(facts: Facts, closeCode: number, reason: string, cause: unknown = null): Step {
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
function wait(facts: Facts, delayMs: number, floorMs: number, { nowMs }: Moment): Step {
  const earliestMs = nowMs + floorMs
  const effects = [drop]
  // Without followers and without a hint to respect there is nothing to wait for.
  if (!facts.wanted && floorMs === 0) return { state: { kind: 'idle', facts }, effects }
  return facts.offline
    ? { state: { kind: 'offline', facts, dueMs: nowMs + connectionLimits.offlineMs, earliestMs }, effects }
    : { state: { kind: 'waiting', facts, dueMs: nowMs + delayMs, earliestMs }, effects }
}

type Transported = 'connecting' | 'greeting' | 'ready' | 'probing' | 'fallback'

/** The connection is gone, or as good as gone. */
function lose(
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
      if (live !== null || facts.failures === null || state.kind === 'fallback')
        return again(facts.attempt, ms)
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
const gone = (state: StateOf<Transported>, _event: ConnectionEvent, moment: Moment): Step =>
  lose(state, silent, moment)
const refused = (state: ConnectionState, { cause }: EventOf<'token_refused'>): Step =>
  stop(state.facts, 4501, '', cause)
const isStale = (lastFrameMs: number, nowMs: number): boolean =>
  nowMs - lastFrameMs >= connectionLimits.silenceMs

/** The world changed: is the connection still there? Old news say no, fresh news are asked again. */
function check(state: StateOf<'ready'>, changed: Partial<Facts>, moment: Moment): Step {
  const facts = { ...state.facts, ...changed }
  if (isStale(state.lastFrameMs, moment.nowMs)) return replace({ ...state, facts }, moment)
  return {
    state: { ...state, kind: 'probing', facts, dueMs: moment.nowMs + connectionLimits.probeMs },
    effects: [{ kind: 'probe' }],
  }
}

/** Dead, and no fault of a server: back within half a second. */
function replace(state: StateOf<'ready' | 'probing'>, moment: Moment): Step {
  return wait(state.facts, moment.random() * backoffLimits.wakeJitterMs, 0, moment)
}

/** There is hope: no longer wait than a jitter, and never less than the floor (C3). */
function hurry(
  facts: Facts,
  before: { readonly dueMs: number; readonly earliestMs: number },
  { nowMs, random }: Moment,
): Step {
  const { earliestMs } = before
  const soonMs = Math.max(earliestMs, nowMs + random() * backoffLimits.wakeJitterMs)
  return stay({ kind: 'waiting', facts, earliestMs, dueMs: Math.min(before.dueMs, soonMs) })
}

const retryNow = (state: StateOf<'waiting' | 'offline'>, _event: ConnectionEvent, moment: Moment): Step =>
  state.facts.wanted ? connect(state.facts, moment) : stay({ kind: 'idle', facts: state.facts })

/** Nobody could be asked for a token: it is asked for again with the next 4001. */
function unrenewed({ facts }: StateOf<'renewing'>, _event: ConnectionEvent, moment: Moment): Step {
  const { attempt } = facts
  const delayMs = backoffMs(attempt, 0, moment.random)
  return wait({ ...facts, attempt: attempt + 1, renewed: false }, delayMs, 0, moment)
}

const table: Table = {
  idle: {
    ...noted,
    ...echoes,
    wanted: ({ facts }, _event, moment) => connect({ ...facts, wanted: true }, moment),
    close: end,
  },
  renewing: {
    ...noted,
    ...echoes,
    token: ({ facts }, _event, moment) => connect(facts, moment),
    token_refused: refused,
    lost: unrenewed,
    due: unrenewed,
    close: end,
  },
  connecting: {
    ...noted,
    ...echoes,
    opened: ({ facts }, _event, { nowMs }) => ({
      state: { kind: 'greeting', facts, dueMs: nowMs + connectionLimits.readyMs },
      effects: [{ kind: 'greet' }],
    }),
    lost: lose,
    due: gone,
    token_refused: refused,
    close: end,
  },
  greeting: {
    ...noted,
    ...echoes,
    ready: ({ facts }, _event, { nowMs }) =>
      stay({
        kind: 'ready',
        facts: { ...facts, failures: null },
        sinceMs: nowMs,
        lastFrameMs: nowMs,
        drain: null,
      }),
    lost: lose,
    due: gone,
    close: end,
  },
  ready: {
    ...noted,
    ...echoes,
    frame: (state, _event, { nowMs }) => stay({ ...state, lastFrameMs: nowMs }),
    drain: (state, { leaveWithinMs }, { nowMs }) =>
      stay({
        ...state,
        drain: { leaveWithinMs, untilMs: nowMs + leaveWithinMs + connectionLimits.drainGraceMs },
      }),
    lost: lose,
    due: gone,
    online: (state, _event, moment) => check(state, { offline: false }, moment),
    visible: (state, _event, moment) => check(state, { hidden: false }, moment),
    // Not believed before it is tried: a network may be gone, or only the platform's idea of it.
    offline: (state, _event, moment) => check(state, { offline: true }, moment),
    close: end,
  },
  probing: {
    ...noted,
    ...echoes,
    frame: ({ facts, sinceMs, drain: announced }, _event, { nowMs }) =>
      stay({ kind: 'ready', facts, sinceMs, drain: announced, lastFrameMs: nowMs }),
    lost: lose,
    due: (state, _event, moment) => replace(state, moment),
    close: end,
  },
  waiting: {
    ...noted,
    ...echoes,
    due: retryNow,
    online: (state, _event, moment) => hurry({ ...state.facts, offline: false }, state, moment),
    visible: (state, _event, moment) => hurry({ ...state.facts, hidden: false }, state, moment),
    offline: ({ facts, earliestMs }, _event, { nowMs }) =>
      stay({
        kind: 'offline',
        facts: { ...facts, offline: true },
        earliestMs,
        dueMs: Math.max(earliestMs, nowMs + connectionLimits.offlineMs),
      }),
    close: end,
  },
  offline: {
    ...noted,
    ...echoes,
    due: retryNow,
    online: (state, _event, moment) => hurry({ ...state.facts, offline: false }, state, moment),
    close: end,
  },
  fallback: {
    ...noted,
    ...echoes,
    frame: (state, _event, { nowMs }) => stay({ ...state, lastFrameMs: nowMs }),
    lost: lose,
    token_refused: refused,
    unwanted: ({ facts }) => ({
      state: { kind: 'idle', facts: { ...facts, wanted: false } },
      effects: [drop],
    }),
    // Another network may let WebSockets through.
    online: ({ facts }, _event, moment) => wait({ ...facts, offline: false }, 0, 0, moment),
    visible: (state, _event, moment) =>
      isStale(state.lastFrameMs, moment.nowMs)
        ? wait({ ...state.facts, hidden: false }, 0, 0, moment)
        : noted.visible(state),
    close: end,
  },
  stopped: {
    ...noted,
    ...echoes,
    wanted: ({ facts }, _event, moment) => connect({ ...facts, wanted: true }, moment),
    close: end,
  },
  closed: {
    ...echoes,
    wanted: stay,
    unwanted: stay,
    online: stay,
    offline: stay,
    visible: stay,
    hidden: stay,
    close: stay,
  },
}

export function transition(state: ConnectionState, event: ConnectionEvent, moment: Moment): Step {
  // Each cell takes its own state and event; that the two belong to the cell is what the lookup says.
  const cell = table[state.kind][event.kind] as (
    state: ConnectionState,
    event: ConnectionEvent,
    moment: Moment,
  ) => Step
  return cell(state, event, moment)
}
