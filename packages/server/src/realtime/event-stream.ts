import type { ServerResponse } from 'node:http'
import { HoldfastError, type Position, type ThreadId, threadStream } from '@holdfast/protocol'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import type { Hub } from './hub.ts'
import type { RealtimeLimits } from './limits.ts'
import { createPump } from './pump.ts'
import type { Schedule } from './schedule.ts'

export interface EventStreamRequest {
  readonly principal: Principal
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
}

export interface EventStreams {
  readonly follow: FollowEvents
  open(): readonly EventStream[]
  whenGone(): Promise<unknown>
}

export interface EventStreamDeps {
  readonly threads: Pick<Threads, 'get'>
  readonly hub: Hub
  readonly schedule: Schedule
  readonly limits: RealtimeLimits
}

export function createEventStreams(deps: EventStreamDeps): EventStreams {
  const streams = new Map<EventStream, Promise<void>>()
  let leaving = false
  return {
    async follow({ principal, threadId, after, response }) {
      const { head } = await deps.threads.get(principal, threadId)
      if (leaving) throw new HoldfastError('not_ready', 'The server is stopping; try again')
      if (after > head)
        throw new HoldfastError(
          'epoch_changed',
          'This position belongs to another log; read /v1/threads/:id/state and go on from its seq',
        )
      const stream = serve(threadId, after, head, response, deps)
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

function serve(
  threadId: ThreadId,
  after: Position,
  head: Position,
  response: ServerResponse,
  { hub, schedule, limits }: EventStreamDeps,
): EventStream {
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
    read: watch.read,
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
  response.on('drain', pump.resume)
  response.once('close', () => {
    for (const cancel of cancels.values()) cancel()
    watch.end()
    pump.stop()
  })
  beat()
  pump.wake()

  const leave = (): void => void response.end(`retry: ${limits.drainHintMs}\n\n`)
  return { drain: (_leaveWithinMs, leaveAfterMs) => plan('leave', leave, leaveAfterMs), leave }
}
