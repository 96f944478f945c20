import {
  HoldfastError,
  limits,
  type Position,
  type ServerFrame,
  type StoredEvent,
  type Stream,
  type SubError,
  type Subscription,
  start,
  streamThread,
  type ThreadStream,
  userStream,
} from '@holdfast/protocol'
import type { EventLog } from '../log/event-log.ts'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import type { Hub } from './hub.ts'
import { createPump, type Pump } from './pump.ts'

/** The connection as its subscriptions see it. */
export interface Outlet {
  send(frame: ServerFrame): void
  sendEvents(stream: ThreadStream, events: readonly StoredEvent[]): void
  writable(): boolean
  failed(error: unknown): void
}

export interface Subscriptions {
  /** Answers sub_ok and starts the pump, or answers sub_err. A second one for a stream replaces the first. */
  add(subscription: Subscription): Promise<void>
  remove(stream: Stream): void
  /** Room again to write. */
  resume(): void
  stop(): void
}

export interface SubscriptionDeps {
  readonly threads: Pick<Threads, 'get'>
  readonly log: Pick<EventLog, 'epoch' | 'read'>
  readonly hub: Hub
}

/** The streams one connection follows. */
export function createSubscriptions(
  principal: Principal,
  { threads, log, hub }: SubscriptionDeps,
  outlet: Outlet,
): Subscriptions {
  const active = new Map<Stream, { readonly pump: Pump; readonly unwatch: () => void }>()
  let stopped = false

  const remove = (stream: Stream): void => {
    const subscription = active.get(stream)
    if (subscription === undefined) return
    active.delete(stream)
    subscription.unwatch()
    subscription.pump.stop()
  }
  const refuse = (stream: Stream, code: SubError): void => outlet.send({ type: 'sub_err', stream, code })

  return {
    async add({ stream, after, epoch }) {
      remove(stream)
      if (active.size >= limits.subscriptionsPerConnection) return refuse(stream, 'limit')
      // L6 before anything is looked up: a cursor of another log means nothing in this one.
      if (epoch !== undefined && epoch !== log.epoch) return refuse(stream, 'epoch_changed')
      if (stream === userStream) return refuse(stream, 'not_found')
      const threadId = streamThread(stream)
      const head = await headOf(threads, principal, threadId)
      if (stopped) return
      if (head === null) return refuse(stream, 'not_found')
      const from = after === 'start' ? start : after === 'head' ? head : after
      if (from > head) return refuse(stream, 'epoch_changed')

      const pump = createPump(from, {
        read: (position) =>
          log.read(threadId, position, { events: limits.evFrameItems, bytes: limits.evFrameBytes }),
        send: (events) => outlet.sendEvents(stream, events),
        live: (at) => outlet.send({ type: 'live', stream, at }),
        writable: outlet.writable,
        failed: outlet.failed,
      })
      const gone = (): void => {
        remove(stream)
        refuse(stream, 'not_found')
      }
      // P1: watch before the first read, or what is committed between the two is seen by nobody.
      active.set(stream, { pump, unwatch: hub.watch(threadId, { wake: pump.wake, gone }) })
      outlet.send({ type: 'sub_ok', stream, floor: start, head })
      pump.wake()
    },
    remove,
    resume() {
      for (const { pump } of active.values()) pump.resume()
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
  threadId: ReturnType<typeof streamThread>,
): Promise<Position | null> {
  try {
    return (await threads.get(principal, threadId)).head
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'not_found') return null
    throw error
  }
}
