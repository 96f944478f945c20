import type {
  After,
  ClientFrame,
  CloseCode,
  CloseReason,
  EpochId,
  Position,
  Stream,
  Subscription,
} from '@holdfast/protocol'
import type { Principal } from '../principal.ts'
import type { CommandBucket } from './command-bucket.ts'
import type { RealtimeLimits } from './limits.ts'

/**
 * The life of one connection:
 *
 *   awaiting_hello ──hello──▶ authenticating ──authenticated──▶ ready ──drain──▶ draining
 *         └───────────────────────┴──────────────┴─────────────────┴──────▶ closed
 *
 * Pure: what it knows, what happens to it, and what is to be done. Time and chance are passed in.
 * session-transitions.ts decides; connection.ts does what that says and decides nothing.
 *
 * S1  Nothing is sent or read on behalf of anybody before `authenticated`.
 * S2  Every way out is one close with one code; after it nothing has any effect.
 * S3  What costs this server work (hello, sub, unsub, auth, what cannot be read, pings of the line) is a command and
 *     takes from the bucket.
 * S4  Credentials may be renewed by their owner only; another user's token ends the session.
 */
interface Alive {
  readonly bucket: CommandBucket
  readonly badFrames: number
}

interface Signed extends Alive {
  readonly principal: Principal
  /** The last ping, 0 before the first. */
  readonly ping: number
  readonly pongAwaited: boolean
  /** null: the credentials do not end by time. */
  readonly expiresAtMs: number | null
}

export type SessionState =
  | ({ readonly kind: 'awaiting_hello' } & Alive)
  | ({ readonly kind: 'authenticating'; readonly subs: readonly Subscription[] } & Alive)
  | ({ readonly kind: 'ready' } & Signed)
  | ({ readonly kind: 'draining' } & Signed)
  | { readonly kind: 'closed' }

/** Each is also the event of its own end. */
export type SessionTimer =
  | 'hello_overdue'
  | 'ping_due'
  | 'pong_overdue'
  | 'auth_closing'
  | 'auth_expired'
  | 'recheck_due'
  | 'lifetime_over'
  | 'leave_due'

export type SessionEvent =
  | { readonly kind: 'hello'; readonly frame: Extract<ClientFrame, { type: 'hello' }> }
  | {
      readonly kind: 'sub'
      readonly stream: Stream
      readonly after: After
      readonly epoch?: EpochId | undefined
    }
  | { readonly kind: 'unsub'; readonly stream: Stream }
  | { readonly kind: 'ack'; readonly stream: Stream; readonly seq: Position }
  | { readonly kind: 'auth'; readonly auth: string }
  | { readonly kind: 'pong'; readonly n: number }
  /** A frame that is no frame, or not one that may be said now. */
  | { readonly kind: 'bad_frame'; readonly why: string; readonly ref?: string | undefined }
  /** A frame that was allowed and changed nothing, such as an ack of what was acknowledged before. */
  | { readonly kind: 'idle_frame' }
  /** An ack that says something new: whoever sends it lives. */
  | { readonly kind: 'advanced' }
  | { readonly kind: 'authenticated'; readonly principal: Principal; readonly expiresAtMs: number | null }
  | { readonly kind: 'refused' }
  /** The credentials that were good are not any more. */
  | { readonly kind: 'revoked' }
  | { readonly kind: 'crowded' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'failed'; readonly code: 1011 | 1013 | 4010 }
  | { readonly kind: 'drain'; readonly leaveWithinMs: number; readonly leaveAfterMs: number }
  | { readonly kind: 'gone' }
  | { readonly kind: SessionTimer }

export type EventOf<Kind extends SessionEvent['kind']> = Extract<SessionEvent, { kind: Kind }>
export type StateOf<Kind extends SessionState['kind']> = Extract<SessionState, { kind: Kind }>

export type SessionEffect =
  /** Token of the hello; null: by what the handshake carried. Answered by authenticated, refused or crowded. */
  | { readonly do: 'authenticate'; readonly auth: string | null; readonly instance: string }
  /** Answered by authenticated or refused. */
  | { readonly do: 'renew'; readonly auth: string }
  /** Answered by revoked, or not at all. */
  | { readonly do: 'recheck' }
  | {
      readonly do: 'greet'
      readonly principal: Principal
      readonly expiresAtMs: number | null
      readonly lifetimeMs: number
    }
  | { readonly do: 'subscribe'; readonly subscriptions: readonly Subscription[] }
  | { readonly do: 'unsubscribe'; readonly stream: Stream }
  | { readonly do: 'acknowledge'; readonly stream: Stream; readonly seq: Position }
  | { readonly do: 'ping'; readonly n: number }
  | { readonly do: 'auth_soon'; readonly withinMs: number }
  | { readonly do: 'announce_drain'; readonly leaveWithinMs: number }
  | {
      readonly do: 'refuse'
      readonly code: 'bad_request'
      readonly message: string
      readonly ref?: string | undefined
    }
  | { readonly do: 'plan'; readonly timer: SessionTimer; readonly inMs: number }
  | { readonly do: 'forget'; readonly timer: SessionTimer }
  | { readonly do: 'close'; readonly code: CloseCode; readonly reason: CloseReason }

/** What a decision may depend on besides state and event. */
export interface SessionContext {
  readonly nowMs: number
  /** 0 ≤ x < 1 */
  readonly chance: number
  /** false: a frame waits for the database, and what the client has said since is not read yet. */
  readonly listening: boolean
  readonly limits: RealtimeLimits
}

export interface SessionStep {
  readonly next: SessionState
  readonly effects: readonly SessionEffect[]
}
