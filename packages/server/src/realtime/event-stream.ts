import type { ServerResponse } from 'node:http'
import {
  HoldfastError,
  type NodeId,
  nodeHeader,
  type Position,
  type ThreadId,
  threadStream,
  type UserId,
} from '@holdfast/protocol'
import type { Access, Credentials } from '../auth/authenticator.ts'
import type { Threads } from '../log/threads.ts'
import type { Admissions, Place } from './admissions.ts'
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
 * @throws {HoldfastError} not_found; epoch_changed: the cursor is ahead of the head (L6); not_ready: draining, or full;
 *   limit_reached: the user has as many connections as one may have; bad_request: another answer has to leave first
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
  readonly node: NodeId
  readonly admissions: Pick<Admissions, 'enter'>
  readonly limits: RealtimeLimits
}

export function createEventStreams(deps: EventStreamDeps): EventStreams {
  const streams = new Map<EventStream, Promise<void>>()
  let leaving = false
  const begin = async (request: EventStreamRequest, place: Place): Promise<void> => {
    const { access, threadId, after, response } = request
    const { head } = await deps.threads.get(access.principal, threadId)
    if (leaving) throw new HoldfastError('not_ready', 'The server is stopping; try again')
    if (after > head)
      throw new HoldfastError(
        'epoch_changed',
        'This position belongs to another log; read /v1/threads/:id/state and go on from its seq',
      )
    // Whoever left while this was looked up has closed already: no second `close` would end the stream.
    if (response.destroyed) return place.leave()
    const stream = serve(request, head, deps)
    const { promise, resolve } = Promise.withResolvers<void>()
    streams.set(stream, promise)
    response.once('close', () => {
      streams.delete(stream)
      place.leave()
      resolve()
    })
  }
  return {
    async follow(request) {
      // Pipelined behind an answer that is still under way: it has no line of its own whose end could be told.
      if (request.response.socket === null)
        throw new HoldfastError('bad_request', 'An event stream needs a connection of its own')
      const place = enter(request.access, deps.admissions)
      try {
        await begin(request, place)
      } catch (error) {
        place.leave()
        throw error
      }
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

function enter({ principal }: Access, admissions: Pick<Admissions, 'enter'>): Place {
  const place = admissions.enter()
  if (place === null) throw new HoldfastError('not_ready', 'The server has all the connections it can hold')
  // Each follows a thread of its own: a later one does not mean that an earlier one was given up.
  if (place.sign(principal.userId, null, () => {}) === 'signed') return place
  place.leave()
  throw new HoldfastError('limit_reached', 'You have as many connections as one may have; close one of them')
}

type Timer = 'heartbeat' | 'stall' | 'leave' | 'destroy'

function serve(request: EventStreamRequest, head: Position, deps: EventStreamDeps): EventStream {
  const { threadId, after, response } = request
  const { hub, schedule, limits } = deps
  const cancels = new Map<Timer, () => void>()
  const plan = (name: Timer, task: () => void, inMs: number): void => {
    forget(name)
    cancels.set(name, schedule(task, inMs))
  }
  const forget = (name: Timer): void => {
    cancels.get(name)?.()
    cancels.delete(name)
  }
  const destroy = (): void => void response.destroy()
  response.on('error', destroy)
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would hold events back until a buffer is full.
    'x-accel-buffering': 'no',
    [nodeHeader]: deps.node,
  })
  response.flushHeaders()

  const beat = (): void => {
    response.write(': heartbeat\n\n')
    plan('heartbeat', beat, limits.heartbeatMs)
  }
  const watch = hub.watch(threadStream(threadId), head, {
    wake: (to) => pump.wake(to),
    gone: () => finish(),
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
      if (!is) forget('stall')
      // Each wake says so again: the client's time is counted from the first.
      else if (!cancels.has('stall')) plan('stall', destroy, limits.progressWithinMs)
    },
    // The client comes back with its cursor, and finds out what is wrong in an answer it can read.
    failed: destroy,
  })
  // An event stream has no close codes: whoever comes back with the same credentials reads the 401.
  const watched = watchCredentials(
    { access: request.access, credentials: request.credentials, ended: () => finish() },
    deps,
  )
  /** What is read from now on has nowhere to go, and what is written after the end is an error. */
  const stop = (): void => {
    for (const name of [...cancels.keys()]) forget(name)
    watched[Symbol.dispose]()
    watch.end()
    pump.stop()
  }
  let finished = false
  const finish = (): void => {
    if (finished) return
    finished = true
    stop()
    response.end(`retry: ${limits.drainHintMs}\n\n`)
    // A client that does not read never has the end.
    plan('destroy', destroy, limits.closeTimeoutMs)
  }
  response.on('drain', () => pump.resume())
  response.once('close', () => {
    finished = true
    stop()
  })
  beat()
  pump.wake()
  return {
    drain: (_leaveWithinMs, leaveAfterMs) => plan('leave', finish, leaveAfterMs),
    leave: finish,
    revoked: watched.revoked,
  }
}
