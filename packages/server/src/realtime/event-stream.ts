import type { ServerResponse } from 'node:http'
import { HoldfastError, type Position, type ThreadId, threadStream, type UserId } from '@holdfast/protocol'
import type { Access, Credentials } from '../auth/authenticator.ts'
import type { Threads } from '../log/threads.ts'
import { type CredentialWatchDeps, watchCredentials } from './credential-watch.ts'
import type { Hub } from './hub.ts'
import type { RealtimeLimits } from './limits.ts'
import { createPump } from './pump.ts'

export interface EventStreamRequest {
  readonly access: Access
  /** Looked at again while the stream is open. */
  readonly credentials: Credentials
  readonly threadId: ThreadId
  readonly after: Position
  /** Nothing is written to it before this is allowed. */
  readonly response: ServerResponse
}

/**
 * One thread as server-sent events, for whoever cannot open a WebSocket: the same cursors and the same pump. Resolves
 * when the head of the response is out; the events follow until the client leaves or the server drains.
 * @throws {HoldfastError} not_found; epoch_changed: the cursor is ahead of the head (L6); not_ready: draining
 */
export type FollowEvents = (request: EventStreamRequest) => Promise<void>

interface EventStream {
  drain(leaveWithinMs: number, leaveAfterMs: number): void
  leave(): void
  revoked(userId: UserId): void
}

export interface EventStreams {
  readonly follow: FollowEvents
  open(): readonly EventStream[]
  whenGone(): Promise<unknown>
}

export interface EventStreamDeps extends Omit<CredentialWatchDeps, 'limits'> {
  readonly threads: Pick<Threads, 'get'>
  readonly hub: Hub
  readonly limits: RealtimeLimits
}

export function createEventStreams(deps: EventStreamDeps): EventStreams {
  const streams = new Map<EventStream, Promise<void>>()
  let leaving = false
  return {
    async follow(request) {
      const { access, threadId, after, response } = request
      const { head } = await deps.threads.get(access.principal, threadId)
      if (leaving) throw new HoldfastError('not_ready', 'The server is stopping; try again')
      if (after > head)
        throw new HoldfastError(
          'epoch_changed',
          'This position belongs to another log; read /v1/threads/:id/state and go on from its seq',
        )
      const stream = serve(request, head, deps)
      const { promise, resolve } = Promise.withResolvers<void>()
      streams.set(stream, promise)
      response.once('close', () => {
        streams.delete(stream)
        resolve()
      })
    },
    open() {
      return [...streams.keys()]
    },
    async whenGone() {
      leaving = true
      await Promise.all(streams.values())
    },
  }
}

function serve(request: EventStreamRequest, head: Position, deps: EventStreamDeps): EventStream {
  const { threadId, after, response } = request
  const { hub, schedule, limits } = deps
  const cancels = new Map<'heartbeat' | 'stall' | 'leave', () => void>()
  const plan = (name: 'heartbeat' | 'stall' | 'leave', task: () => void, inMs: number): void => {
    cancels.get(name)?.()
    cancels.set(name, schedule(task, inMs))
  }
  const forget = (name: 'stall'): void => {
    cancels.get(name)?.()
    cancels.delete(name)
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would hold events back until a buffer is full.
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()

  const beat = (): void => {
    response.write(': heartbeat\n\n')
    plan('heartbeat', beat, limits.heartbeatMs)
  }
  const watch = hub.watch(threadStream(threadId), head, {
    wake: (to) => pump.wake(to),
    gone: () => response.end(),
  })
  const pump = createPump(after, Number.POSITIVE_INFINITY, {
    read: (from, most) => watch.read(from, most),
    send(items) {
      forget('stall')
      response.write(items.map(({ seq, json }) => `id: ${seq}\ndata: ${json}\n\n`).join(''))
    },
    live: (at) => void response.write(`event: live\ndata: ${at}\n\n`),
    writable: () => response.writableLength < limits.pauseAtBufferedBytes,
    inTurn: (task) => task(),
    waiting(is) {
      if (is) plan('stall', () => response.destroy(), limits.progressWithinMs)
      else forget('stall')
    },
    // The client comes back with its cursor, and finds out what is wrong in an answer it can read.
    failed: () => response.destroy(),
  })
  response.on('drain', () => pump.resume())
  response.once('close', () => {
    for (const cancel of cancels.values()) cancel()
    watched[Symbol.dispose]()
    watch.end()
    pump.stop()
  })
  beat()
  pump.wake()

  // An event stream has no close codes: whoever comes back with the same credentials reads the 401.
  const watched = watchCredentials(
    { access: request.access, credentials: request.credentials, ended: () => leave() },
    deps,
  )
  const leave = (): void => {
    // What is read from now on has nowhere to go.
    pump.stop()
    response.end(`retry: ${limits.drainHintMs}\n\n`)
  }
  return {
    drain: (_leaveWithinMs, leaveAfterMs) => plan('leave', leave, leaveAfterMs),
    leave,
    revoked: watched.revoked,
  }
}
