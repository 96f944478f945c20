/** The answer of every state of session-state.ts to every event: complete by type. */
import type { CloseCode, CloseReason } from '@holdfast/protocol'
import { fullBucket, takeCommand } from './command-bucket.ts'
import type {
  EventOf,
  SessionContext,
  SessionEffect,
  SessionEvent,
  SessionState,
  SessionStep,
  StateOf,
} from './session-state.ts'

type Rule<State extends SessionState, Event extends SessionEvent> = (
  state: State,
  event: Event,
  context: SessionContext,
) => SessionStep
type Row<State extends SessionState> = { readonly [Kind in SessionEvent['kind']]: Rule<State, EventOf<Kind>> }
type Open = Exclude<SessionState, { kind: 'closed' }>
type InSession = StateOf<'ready' | 'draining'>

export function startSession({ limits, nowMs }: SessionContext): SessionStep {
  return {
    next: { kind: 'awaiting_hello', bucket: fullBucket(limits, nowMs), badFrames: 0 },
    effects: [{ do: 'plan', timer: 'hello_overdue', inMs: limits.helloWithinMs }],
  }
}

export function stepSession(state: SessionState, event: SessionEvent, context: SessionContext): SessionStep {
  // The table is indexed by both kinds at once, which TypeScript cannot follow; its own type makes it complete.
  const row = table[state.kind] as Row<SessionState>
  const rule = row[event.kind] as Rule<SessionState, SessionEvent>
  return rule(state, event, context)
}

const stay = (state: SessionState, ...effects: readonly SessionEffect[]): SessionStep => ({
  next: state,
  effects,
})
const ignore = (state: SessionState): SessionStep => stay(state)
const end = (code: CloseCode, reason: CloseReason): SessionStep => ({
  next: { kind: 'closed' },
  effects: [{ do: 'close', code, reason }],
})
const ends = (code: CloseCode, r: string) => (): SessionStep => end(code, { r })
const gone = (): SessionStep => ({ next: { kind: 'closed' }, effects: [] })

/** S3 */
function charged<State extends Open, Event extends SessionEvent>(
  rule: Rule<State, Event>,
): Rule<State, Event> {
  return (state, event, context) => {
    const taken = takeCommand(state.bucket, context.limits, context.nowMs)
    if (!taken.ok) return end(4029, { r: 'rate_limited', ms: taken.waitMs })
    return rule({ ...state, bucket: taken.bucket }, event, context)
  }
}

/** One bad message does not end a session. */
function refuse(
  state: Open,
  { why, ref }: { readonly why: string; readonly ref?: string | undefined },
  { limits }: SessionContext,
): SessionStep {
  const badFrames = state.badFrames + 1
  if (badFrames >= limits.badFramesPerConnection) return end(4500, { r: 'bad_frames' })
  return stay({ ...state, badFrames }, { do: 'refuse', code: 'bad_request', message: why, ref })
}
const outOfTurn = (why: string): Rule<Open, SessionEvent> =>
  charged((state, event, context) => refuse(state, { why, ref: event.kind }, context))

/** A moment between 80 % and 120 % of the interval. */
const heartbeat = ({ limits, chance }: SessionContext): SessionEffect => ({
  do: 'plan',
  timer: 'ping_due',
  inMs: limits.heartbeatMs * (0.8 + 0.4 * chance),
})

/**
 * Asks for new credentials in time; where there is less time than that, when half of it is over: at once would be again
 * and again for tokens that never live so long.
 */
function planRenewal(
  expiresAtMs: number | null,
  { nowMs, limits }: SessionContext,
): readonly SessionEffect[] {
  const leftMs = expiresAtMs === null ? Number.POSITIVE_INFINITY : Math.max(expiresAtMs - nowMs, 0)
  // The connection ends before; and a timer of many days would be due at once (2³¹ ms).
  if (leftMs > limits.lifetimeMostMs)
    return [
      { do: 'forget', timer: 'auth_closing' },
      { do: 'forget', timer: 'auth_expired' },
    ]
  return [
    { do: 'plan', timer: 'auth_closing', inMs: Math.max(leftMs - limits.authSoonMs, leftMs / 2) },
    { do: 'plan', timer: 'auth_expired', inMs: leftMs },
  ]
}

/** What ends a session in any state that is open. */
const always = {
  superseded: ends(4506, 'superseded'),
  revoked: ends(4503, 'revoked'),
  stalled: (state: Open, _event: SessionEvent, { listening }: SessionContext): SessionStep =>
    // An ack may be waiting to be read; whoever says `stalled` goes on counting.
    listening ? end(4008, { r: 'too_slow' }) : stay(state),
  failed: (_state: Open, { code }: EventOf<'failed'>, { limits }: SessionContext): SessionStep => {
    switch (code) {
      case 1011:
        return end(code, { r: 'server_error' })
      case 1013:
        return end(code, { r: 'overloaded', ms: limits.comeBackMs })
      case 4010:
        return end(code, { r: 'position_in_doubt' })
    }
  },
  crowded: ends(4505, 'connection_limit'),
  auth_expired: ends(4001, 'token_expired'),
  lifetime_over: ends(4040, 'lifetime'),
  leave_due: (_state: Open, _event: SessionEvent, { chance, limits }: SessionContext): SessionStep =>
    end(1012, { r: 'drain', ms: Math.round(limits.drainHintMs * (0.25 + 0.75 * chance)) }),
  pong_overdue: (state: Open, _event: SessionEvent, { listening, limits }: SessionContext): SessionStep =>
    // The pong may be waiting to be read.
    listening
      ? end(4008, { r: 'no_pong' })
      : stay(state, { do: 'plan', timer: 'pong_overdue', inMs: limits.pongWithinMs }),
  gone,
} as const

/** Before anybody is known there is nobody to announce a drain to. */
const leaveSilently = (state: Open, { leaveAfterMs }: EventOf<'drain'>): SessionStep =>
  stay(state, { do: 'plan', timer: 'leave_due', inMs: leaveAfterMs })

const badFrame = charged<Open, EventOf<'bad_frame'>>(refuse)
const idleFrame = charged<Open, EventOf<'idle_frame'>>(ignore)

const beforeHello = outOfTurn('The first frame is hello')
const unknown = {
  ...always,
  sub: beforeHello,
  unsub: beforeHello,
  ack: beforeHello,
  auth: beforeHello,
  pong: beforeHello,
  bad_frame: badFrame,
  idle_frame: idleFrame,
  advanced: ignore,
  refused: ends(4501, 'unauthenticated'),
  drain: leaveSilently,
  ping_due: ignore,
  auth_closing: ignore,
  recheck_due: ignore,
} as const

const awaitingHello: Row<StateOf<'awaiting_hello'>> = {
  ...unknown,
  hello: charged(({ bucket, badFrames }, { frame }) => ({
    next: { kind: 'authenticating', subs: frame.subs ?? [], bucket, badFrames },
    effects: [{ do: 'authenticate', auth: frame.auth ?? null, instance: frame.instance }],
  })),
  // Never 4501, which ends a client for good: where thousands come back at once, many say hello late that could sign.
  hello_overdue: ends(4008, 'no_hello'),
  authenticated: ignore,
}

const authenticating: Row<StateOf<'authenticating'>> = {
  ...unknown,
  hello: outOfTurn('hello is said once'),
  hello_overdue: ends(4008, 'no_hello'),
  authenticated: ({ bucket, badFrames, subs }, { principal, expiresAtMs }, context) => {
    const { lifetimeLeastMs, lifetimeMostMs } = context.limits
    const lifetimeMs = Math.round(lifetimeLeastMs + (lifetimeMostMs - lifetimeLeastMs) * context.chance)
    return {
      next: { kind: 'ready', bucket, badFrames, principal, expiresAtMs, ping: 0, pongAwaited: false },
      effects: [
        { do: 'forget', timer: 'hello_overdue' },
        { do: 'greet', principal, expiresAtMs, lifetimeMs },
        { do: 'plan', timer: 'lifetime_over', inMs: lifetimeMs },
        { do: 'plan', timer: 'recheck_due', inMs: context.limits.recheckMs },
        heartbeat(context),
        ...planRenewal(expiresAtMs, context),
        { do: 'subscribe', subscriptions: subs },
      ],
    }
  },
}

const inSession: Row<InSession> = {
  ...always,
  hello: outOfTurn('hello is said once'),
  sub: charged((state, { stream, after, epoch }) =>
    stay(state, {
      do: 'subscribe',
      subscriptions: [{ stream, after, ...(epoch === undefined ? {} : { epoch }) }],
    }),
  ),
  unsub: charged((state, { stream }) => stay(state, { do: 'unsubscribe', stream })),
  // Not charged: an ack that opens the window is paid for by what was sent; one that does not comes back as idle_frame.
  ack: (state, { stream, seq }) => stay(state, { do: 'acknowledge', stream, seq }),
  auth: charged((state, { auth }) => stay(state, { do: 'renew', auth })),
  pong: (state, { n }, context) =>
    state.pongAwaited && n === state.ping
      ? stay({ ...state, pongAwaited: false }, { do: 'forget', timer: 'pong_overdue' })
      : idleFrame(state, { kind: 'idle_frame' }, context),
  bad_frame: badFrame,
  idle_frame: idleFrame,
  // On a slow line the ping itself waits behind what is acknowledged here. The next one is waited for again.
  advanced: (state) => stay(state, { do: 'forget', timer: 'pong_overdue' }),
  // S4
  authenticated: (state, { principal, expiresAtMs }, context) =>
    principal.userId === state.principal.userId
      ? stay({ ...state, principal, expiresAtMs }, ...planRenewal(expiresAtMs, context))
      : end(4503, { r: 'other_user' }),
  refused: ends(4501, 'unauthenticated'),
  drain: (state, { leaveWithinMs, leaveAfterMs }) => ({
    next: { ...state, kind: 'draining' },
    effects: [
      { do: 'announce_drain', leaveWithinMs },
      { do: 'plan', timer: 'leave_due', inMs: leaveAfterMs },
    ],
  }),
  hello_overdue: ignore,
  ping_due: (state, _event, context) => {
    const ping = state.ping + 1
    return stay(
      { ...state, ping, pongAwaited: true },
      { do: 'ping', n: ping },
      { do: 'plan', timer: 'pong_overdue', inMs: context.limits.pongWithinMs },
      heartbeat(context),
    )
  },
  auth_closing: (state, _event, { nowMs }) =>
    stay(state, { do: 'auth_soon', withinMs: Math.max((state.expiresAtMs ?? nowMs) - nowMs, 0) }),
  recheck_due: (state, _event, { limits }) =>
    stay(state, { do: 'recheck' }, { do: 'plan', timer: 'recheck_due', inMs: limits.recheckMs }),
}

/** S2 */
const closed: Row<StateOf<'closed'>> = {
  hello: ignore,
  sub: ignore,
  unsub: ignore,
  ack: ignore,
  auth: ignore,
  pong: ignore,
  bad_frame: ignore,
  idle_frame: ignore,
  advanced: ignore,
  authenticated: ignore,
  refused: ignore,
  revoked: ignore,
  crowded: ignore,
  superseded: ignore,
  stalled: ignore,
  failed: ignore,
  drain: ignore,
  gone: ignore,
  hello_overdue: ignore,
  ping_due: ignore,
  pong_overdue: ignore,
  auth_closing: ignore,
  auth_expired: ignore,
  recheck_due: ignore,
  lifetime_over: ignore,
  leave_due: ignore,
}

/** Complete by type: every state answers every event. */
const table: { readonly [Kind in SessionState['kind']]: Row<StateOf<Kind>> } = {
  awaiting_hello: awaitingHello,
  authenticating,
  ready: inSession,
  draining: {
    ...inSession,
    // A second SIGTERM changes nothing: this connection has its time.
    drain: ignore,
  },
  closed,
}
