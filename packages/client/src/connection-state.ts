/**
 * When to open the one connection, when to give it up, when to try again: all of it decided without a clock, a socket
 * or a random source. Here is what there is to decide about; connection-transitions.ts is the table, connection-moves.ts
 * what its cells do, and connection.ts acts.
 *
 *            wanted            opened            ready
 *    idle ───────────▶ connecting ─────▶ greeting ─────▶ ready ◀──frame──┐
 *     ▲                 ▲      │             │            │  └─ visible, online, offline ─▶ probing
 *     │              due│      └─────────────┴── lost ────┴────────────────────────────────────┘
 *     │                 │                     │
 *     └── unwanted ── waiting ◀───────────────┼──▶ renewing (4001)   ──token──▶ connecting
 *                       ▲  online             ├──▶ stopped (4500+, 1000)
 *                     offline ◀───────────────┤
 *                                             └──▶ fallback (never ready, three times) ──five minutes──▶ connecting
 *
 * C1  At most one transport is open: whatever leaves a state that has one says `drop`.
 * C2  A state that is wanted is never stuck: it has a deadline, or its transport has one, or it is stopped.
 * C3  What the server asked for is a floor that no trigger of the browser goes below.
 * C4  Whether a connection lives is judged by the time of its last frame. A page's timers sleep, its clock does not.
 */
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
  /** Of server-sent events, until a WebSocket is tried again: they carry less, and the server may only have been away. */
  fallbackMs: 5 * 60_000,
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
  /** `hasToken`: false while the caller is still asked for it, which tells nothing of WebSockets. */
  | { readonly kind: 'connecting'; readonly dueMs: number; readonly hasToken: boolean }
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
  /** The caller has given one. */
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
export type StateOf<Kind extends StateKind> = Extract<ConnectionState, { kind: Kind }>
export type EventOf<Kind extends EventKind> = Extract<ConnectionEvent, { kind: Kind }>
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
    case 'fallback':
      return state.sinceMs + connectionLimits.fallbackMs
    case 'idle':
    case 'stopped':
    case 'closed':
      return null
    default:
      return state satisfies never
  }
}
