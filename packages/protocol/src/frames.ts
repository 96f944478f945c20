import { z } from 'zod'
import { StoredEvent } from './events.ts'
import { ConnectionId, EpochId, NodeId, Position, ThreadId, UserId } from './ids.ts'
import { limits } from './limits.ts'

/** The subprotocol, which is also the version of the wire. */
export const wireVersion = 'holdfast.v1'

/** `thread/<id>`: the events of one thread. */
export const Stream = z
  .string()
  // One pattern and no refinement: a refinement has no JSON Schema, and the contract would promise too much.
  .regex(/^thread\/thr_[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'expected thread/<thread id>')
  .transform((text) => text as Stream)
export type Stream = `thread/${string}`

export const threadStream = (thread: ThreadId): Stream => `thread/${thread}`
export const streamThread = (stream: Stream): ThreadId => ThreadId.parse(stream.slice('thread/'.length))

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
  pong: z.object({ type: z.literal('pong'), n: z.int() }),
} as const

export const ClientFrame = z.discriminatedUnion('type', [
  clientFrames.hello,
  clientFrames.sub,
  clientFrames.unsub,
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
    limits: z.object({ frameBytes: z.int(), subscriptions: z.int() }),
  }),
  sub_ok: z.object({ type: z.literal('sub_ok'), stream: Stream, floor: Position, head: Position }),
  sub_err: z.object({ type: z.literal('sub_err'), stream: Stream, code: SubError }),
  ev: z.object({
    type: z.literal('ev'),
    stream: Stream,
    first: Position,
    items: z.array(StoredEvent).min(1).max(limits.evFrameItems),
  }),
  live: z.object({ type: z.literal('live'), stream: Stream, at: Position }),
  ping: z.object({ type: z.literal('ping'), n: z.int() }),
  drain: z.object({ type: z.literal('drain'), leaveWithinMs: z.int() }),
  error: z.object({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    ref: z.string().optional(),
  }),
} as const

export const ServerFrame = z.discriminatedUnion('type', [
  serverFrames.ready,
  serverFrames.sub_ok,
  serverFrames.sub_err,
  serverFrames.ev,
  serverFrames.live,
  serverFrames.ping,
  serverFrames.drain,
  serverFrames.error,
])
export type ServerFrame = z.infer<typeof ServerFrame>
