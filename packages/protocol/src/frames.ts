import { z } from 'zod'
import { StoredEvent } from './events.ts'
import { ConnectionId, EpochId, NodeId, Position, ThreadId, UserId } from './ids.ts'
import { LifecycleItem } from './lifecycle.ts'
import { limits } from './limits.ts'

/** The subprotocol, which is also the version of the wire. */
export const wireVersion = 'holdfast.v1'

/** The node that answered, on every response and on the handshake of a WebSocket. */
export const nodeHeader = 'x-holdfast-node'

// One pattern each and no refinement: a refinement has no JSON Schema, and the contract would promise too much.
const thread = 'thread/thr_[0-7][0-9A-HJKMNP-TV-Z]{25}'

/** `thread/<id>`: the events of one thread. */
export const ThreadStream = z
  .string()
  .regex(new RegExp(`^${thread}$`), 'expected thread/<thread id>')
  .transform((text) => text as ThreadStream)
export type ThreadStream = `thread/${string}`

/** `user/me`: what happens to the asking user's threads (LifecycleItem). */
export const userStream = 'user/me'

/** What a connection can follow. */
export const Stream = z
  .string()
  .regex(new RegExp(`^(${thread}|${userStream})$`), 'expected thread/<thread id> or user/me')
  .transform((text) => text as Stream)
export type Stream = ThreadStream | typeof userStream

export const threadStream = (thread: ThreadId): ThreadStream => `thread/${thread}`
export const streamThread = (stream: ThreadStream): ThreadId => ThreadId.parse(stream.slice('thread/'.length))

/** A place to read on from: after a position, from the very first event, or only what is new. */
export const After = z.union([Position, z.literal('start'), z.literal('head')])
export type After = z.infer<typeof After>

/** `epoch` may be left out by a client that has never seen one; a different one is answered epoch_changed (L6). */
export const Subscription = z.object({ stream: Stream, after: After, epoch: EpochId.optional() })
export type Subscription = z.infer<typeof Subscription>

export const clientFrames = {
  hello: z.object({
    type: z.literal('hello'),
    auth: z.string().max(4096).optional().describe('a bearer token, where the handshake carried none'),
    instance: z.string().max(100).describe('made once by a client; tells two tabs apart'),
    subs: z.array(Subscription).max(limits.subscriptionsPerConnection).optional(),
  }),
  sub: z.object({ type: z.literal('sub'), ...Subscription.shape }),
  unsub: z.object({ type: z.literal('unsub'), stream: Stream }),
  /**
   * Applied up to here. At most once a second or every 64 events is enough; a server sends no more than
   * limits.unacknowledgedItems of a stream beyond it.
   */
  ack: z.object({ type: z.literal('ack'), stream: Stream, seq: Position }),
  /** A new token of the same user, before the old one expires. */
  auth: z.object({ type: z.literal('auth'), auth: z.string().max(4096) }),
  pong: z.object({ type: z.literal('pong'), n: z.int() }),
} as const

export const ClientFrame = z.discriminatedUnion('type', [
  clientFrames.hello,
  clientFrames.sub,
  clientFrames.unsub,
  clientFrames.ack,
  clientFrames.auth,
  clientFrames.pong,
])
export type ClientFrame = z.infer<typeof ClientFrame>

export const SubError = z.enum(['not_found', 'epoch_changed', 'trimmed', 'limit'])
export type SubError = z.infer<typeof SubError>

export const serverFrames = {
  ready: z.object({
    type: z.literal('ready'),
    connection: ConnectionId,
    node: NodeId,
    epoch: EpochId,
    user: UserId,
    heartbeatMs: z.int(),
    limits: z.object({ frameBytes: z.int(), subscriptions: z.int(), unacknowledgedItems: z.int() }),
    authExpiresAt: z.iso
      .datetime({ precision: 3 })
      .nullable()
      .describe('a token is wanted before this (auth_soon reminds); null: never'),
    lifetimeMs: z.int().describe('after this the server closes with 4040'),
  }),
  sub_ok: z.object({ type: z.literal('sub_ok'), stream: Stream, floor: Position, head: Position }),
  sub_err: z.object({ type: z.literal('sub_err'), stream: Stream, code: SubError }),
  ev: z.object({
    type: z.literal('ev'),
    stream: ThreadStream,
    first: Position,
    items: z.array(StoredEvent).min(1).max(limits.evFrameItems),
  }),
  /** What `ev` is to a thread, to `user/me`. */
  lifecycle: z.object({
    type: z.literal('lifecycle'),
    stream: z.literal(userStream),
    first: Position,
    items: z.array(LifecycleItem).min(1).max(limits.evFrameItems),
  }),
  live: z.object({ type: z.literal('live'), stream: Stream, at: Position }),
  ping: z.object({ type: z.literal('ping'), n: z.int() }),
  auth_soon: z
    .object({ type: z.literal('auth_soon'), withinMs: z.int() })
    .describe('send auth within this time, or the connection ends with 4001'),
  /** The server is about to stop: it closes with 1012 within this time; a client may leave before. */
  drain: z.object({ type: z.literal('drain'), leaveWithinMs: z.int() }),
  /** What was wrong with one message; the session goes on. The third bad frame ends it with 4500. */
  error: z.object({
    type: z.literal('error'),
    code: z.string().describe('one of errorCodes; an open set'),
    message: z.string(),
    ref: z.string().optional().describe('the type of the frame that was refused, where it could be read'),
  }),
} as const

export const ServerFrame = z.discriminatedUnion('type', [
  serverFrames.ready,
  serverFrames.sub_ok,
  serverFrames.sub_err,
  serverFrames.ev,
  serverFrames.lifecycle,
  serverFrames.live,
  serverFrames.ping,
  serverFrames.auth_soon,
  serverFrames.drain,
  serverFrames.error,
])
export type ServerFrame = z.infer<typeof ServerFrame>
