import {
  type EpochId,
  HoldfastError,
  limits,
  type Position,
  type Stream,
  type SubError,
  type Subscription,
  start,
  streamThread,
  userStream,
} from '@holdfast/protocol'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import { ActiveSubscription, type ActiveSubscriptionDeps, type Outlet } from './active-subscription.ts'
import type { Pump } from './pump.ts'
import { type Sources, type StreamKey, userKey } from './sources.ts'

export interface Subscriptions {
  /** Answers each, in their order: sub_ok, and starts the pump, or sub_err. A second one for a stream replaces the first. */
  add(...subscriptions: readonly Subscription[]): Promise<void>
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

export interface SubscriptionDeps extends ActiveSubscriptionDeps {
  readonly threads: Pick<Threads, 'get'>
  readonly epoch: EpochId
  readonly sources: Pick<Sources, 'heads'>
}

interface Found {
  readonly key: StreamKey
  readonly head: Position
}
interface Beginning extends Found {
  readonly from: Position
}

/** A hello names up to 200 streams: one after the other would be 200 round trips, all at once every connection of the pool. */
const lookUpsAtOnce = 8

/** The streams one connection follows. */
export function createSubscriptions(
  principal: Principal,
  deps: SubscriptionDeps,
  outlet: Outlet,
): Subscriptions {
  return new ConnectionSubscriptions(principal, deps, outlet)
}

/** A class, because every connection has one (as with pumps). */
class ConnectionSubscriptions implements Subscriptions {
  readonly #principal: Principal
  readonly #deps: SubscriptionDeps
  readonly #outlet: Outlet
  readonly #active = new Map<Stream, ActiveSubscription>()
  #turn: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(principal: Principal, deps: SubscriptionDeps, outlet: Outlet) {
    this.#principal = principal
    this.#deps = deps
    this.#outlet = outlet
  }

  async add(...subscriptions: readonly Subscription[]): Promise<void> {
    for (let begin = 0; begin < subscriptions.length; begin += lookUpsAtOnce) {
      const group = subscriptions.slice(begin, begin + lookUpsAtOnce)
      const found = await Promise.all(group.map((subscription) => this.#lookUp(subscription)))
      if (this.#stopped) return
      for (const [index, subscription] of group.entries())
        this.#begin(subscription, found[index] ?? 'not_found')
    }
  }

  async #lookUp({ stream, epoch }: Subscription): Promise<Found | SubError> {
    this.remove(stream)
    if (this.#active.size >= limits.subscriptionsPerConnection) return 'limit'
    // L6 before anything is looked up: a cursor of another log means nothing in this one.
    if (epoch !== undefined && epoch !== this.#deps.epoch) return 'epoch_changed'
    return (await this.#find(stream)) ?? 'not_found'
  }

  #begin({ stream, after }: Subscription, found: Found | SubError): void {
    // Of two for one stream that were looked up together the second is meant; and together they may be too many.
    this.remove(stream)
    const begins = this.#beginning(after, found)
    if (typeof begins === 'string') {
      this.refuse(stream, begins)
      return
    }
    const { key, head, from } = begins
    const subscription = new ActiveSubscription(this, this.#deps, this.#outlet, { stream, key, head, from })
    this.#active.set(stream, subscription)
    this.#outlet.send({ type: 'sub_ok', stream, floor: start, head })
    subscription.pump.wake()
  }

  #beginning(after: Subscription['after'], found: Found | SubError): Beginning | SubError {
    if (typeof found === 'string') return found
    if (this.#active.size >= limits.subscriptionsPerConnection) return 'limit'
    const { head } = found
    const from = after === 'start' ? start : after === 'head' ? head : after
    return from > head ? 'epoch_changed' : { ...found, from }
  }

  remove(stream: Stream): void {
    this.#active.get(stream)?.end()
    this.#active.delete(stream)
  }

  refuse(stream: Stream, code: SubError): void {
    this.#outlet.send({ type: 'sub_err', stream, code })
  }

  /** One pump of the connection reads at a time: of 200 that find the buffer open, each would fill it once. */
  inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(task)
    this.#turn = done.catch(() => {})
    return done
  }

  acknowledge(stream: Stream, seq: Position): ReturnType<Pump['acknowledge']> {
    const acknowledged = this.#active.get(stream)?.pump.acknowledge(seq) ?? 'old'
    if (acknowledged === 'advanced') this.#active.get(stream)?.progressed()
    return acknowledged
  }

  progressed(): void {
    for (const subscription of this.#active.values()) subscription.progressed()
  }

  resume(): void {
    for (const { pump } of this.#active.values()) pump.resume()
  }

  async reauthorise(): Promise<void> {
    for (const stream of [...this.#active.keys()])
      if ((await this.#find(stream)) === null && this.#active.has(stream)) {
        this.remove(stream)
        this.refuse(stream, 'not_found')
      }
  }

  stop(): void {
    this.#stopped = true
    for (const stream of [...this.#active.keys()]) this.remove(stream)
  }

  async #find(stream: Stream): Promise<Found | null> {
    const { threads, sources } = this.#deps
    if (stream !== userStream) {
      const head = await headOf(threads, this.#principal, stream)
      return head === null ? null : { key: stream, head }
    }
    const key = userKey(this.#principal.userId)
    return { key, head: (await sources.heads([key])).get(key) ?? start }
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
