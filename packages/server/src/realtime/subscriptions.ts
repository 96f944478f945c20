import {
  type EpochId,
  HoldfastError,
  limits,
  type Position,
  type ServerFrame,
  type Stream,
  type SubError,
  type Subscription,
  start,
  streamThread,
  userStream,
} from '@holdfast/protocol'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import type { Hub } from './hub.ts'
import { createPump, type Pump } from './pump.ts'
import type { Schedule } from './schedule.ts'
import { type Sources, type StreamKey, userKey } from './sources.ts'
import type { Item } from './tail.ts'

/** The connection as its subscriptions see it. */
export interface Outlet {
  send(frame: ServerFrame): void
  sendItems(stream: Stream, items: readonly Item[]): void
  writable(): boolean
  /** A stream had something to send and could not for progressWithinMs. */
  stalled(): void
  failed(error: unknown): void
}

export interface Subscriptions {
  /** Answers sub_ok and starts the pump, or answers sub_err. A second one for a stream replaces the first. */
  add(subscription: Subscription): Promise<void>
  remove(stream: Stream): void
  /** `old` also where the stream is not followed (any more). */
  acknowledge(stream: Stream, seq: Position): ReturnType<Pump['acknowledge']>
  /** Something left for the client, if not yet enough. */
  progressed(): void
  /** Room again to write. */
  resume(): void
  /** Looks again whether each thread is still the principal's, and ends what is not. */
  reauthorise(): Promise<void>
  stop(): void
}

export interface SubscriptionDeps {
  readonly threads: Pick<Threads, 'get'>
  readonly epoch: EpochId
  readonly sources: Pick<Sources, 'heads'>
  readonly hub: Hub
  readonly schedule: Schedule
  readonly limits: { readonly unacknowledgedItems: number; readonly progressWithinMs: number }
}

interface Active {
  readonly pump: Pump
  progressed(): void
  end(): void
}

/** The streams one connection follows. */
export function createSubscriptions(
  principal: Principal,
  deps: SubscriptionDeps,
  outlet: Outlet,
): Subscriptions {
  const { epoch: logEpoch, hub, limits: bounds } = deps
  const active = new Map<Stream, Active>()
  let stopped = false

  const remove = (stream: Stream): void => {
    active.get(stream)?.end()
    active.delete(stream)
  }
  const refuse = (stream: Stream, code: SubError): void => outlet.send({ type: 'sub_err', stream, code })

  // One pump of the connection reads at a time: of 200 that find the buffer open, each would fill it once.
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (task: () => Promise<void>): Promise<void> => {
    const done = turn.then(task)
    turn = done.catch(() => {})
    return done
  }

  const begin = (stream: Stream, key: StreamKey, head: Position, from: Position): Active => {
    let cancelDeadline: (() => void) | null = null
    const forget = (): void => {
      cancelDeadline?.()
      cancelDeadline = null
    }
    const expectProgress = (): void => {
      forget()
      cancelDeadline = deps.schedule(outlet.stalled, bounds.progressWithinMs)
    }
    // P1: watch before the first read, or what is committed between the two is seen by nobody.
    const watch = hub.watch(key, head, {
      wake: (to) => pump.wake(to),
      gone() {
        remove(stream)
        refuse(stream, 'not_found')
      },
    })
    const pump = createPump(from, bounds.unacknowledgedItems, {
      read: watch.read,
      send(items) {
        forget()
        outlet.sendItems(stream, items)
      },
      live: (at) => outlet.send({ type: 'live', stream, at }),
      writable: outlet.writable,
      inTurn,
      waiting(is) {
        if (!is) forget()
        else if (cancelDeadline === null) expectProgress()
      },
      failed: outlet.failed,
    })
    return {
      pump,
      progressed() {
        if (cancelDeadline !== null) expectProgress()
      },
      end() {
        forget()
        watch.end()
        pump.stop()
      },
    }
  }

  const find = async (stream: Stream): Promise<{ key: StreamKey; head: Position } | null> => {
    if (stream !== userStream) {
      const head = await headOf(deps.threads, principal, stream)
      return head === null ? null : { key: stream, head }
    }
    const key = userKey(principal.userId)
    return { key, head: (await deps.sources.heads([key])).get(key) ?? start }
  }

  return {
    async add({ stream, after, epoch }) {
      remove(stream)
      if (active.size >= limits.subscriptionsPerConnection) return refuse(stream, 'limit')
      // L6 before anything is looked up: a cursor of another log means nothing in this one.
      if (epoch !== undefined && epoch !== logEpoch) return refuse(stream, 'epoch_changed')
      const found = await find(stream)
      if (stopped) return
      if (found === null) return refuse(stream, 'not_found')
      const { key, head } = found
      const from = after === 'start' ? start : after === 'head' ? head : after
      if (from > head) return refuse(stream, 'epoch_changed')

      const subscription = begin(stream, key, head, from)
      active.set(stream, subscription)
      outlet.send({ type: 'sub_ok', stream, floor: start, head })
      subscription.pump.wake()
    },
    remove,
    acknowledge: (stream, seq) => {
      const acknowledged = active.get(stream)?.pump.acknowledge(seq) ?? 'old'
      if (acknowledged === 'advanced') active.get(stream)?.progressed()
      return acknowledged
    },
    progressed() {
      for (const subscription of active.values()) subscription.progressed()
    },
    resume() {
      for (const { pump } of active.values()) pump.resume()
    },
    async reauthorise() {
      for (const stream of [...active.keys()])
        if ((await find(stream)) === null && active.has(stream)) {
          remove(stream)
          refuse(stream, 'not_found')
        }
    },
    stop() {
      stopped = true
      for (const stream of [...active.keys()]) remove(stream)
    },
  }
}

/** null: no such thread for this principal; another's answers the same (P1). */
async function headOf(
  threads: Pick<Threads, 'get'>,
  principal: Principal,
  stream: Exclude<Stream, typeof userStream>,
): Promise<Position | null> {
  try {
    return (await threads.get(principal, streamThread(stream))).head
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'not_found') return null
    throw error
  }
}
