import type { Position, ServerFrame, Stream, SubError } from '@holdfast/protocol'
import type { Watch, Watcher } from './followed-stream.ts'
import type { Hub } from './hub.ts'
import { createPump, type Pump, type PumpPort } from './pump.ts'
import type { Schedule } from './schedule.ts'
import type { StreamKey } from './sources.ts'
import type { Item, Page } from './tail.ts'

/** The connection as its subscriptions see it. */
export interface Outlet {
  send(frame: ServerFrame): void
  sendItems(stream: Stream, items: readonly Item[]): void
  writable(): boolean
  /** A stream had something to send and could not for progressWithinMs. */
  stalled(): void
  failed(error: unknown): void
}

/** All subscriptions of the connection. */
export interface SubscriptionOwner {
  remove(stream: Stream): void
  refuse(stream: Stream, code: SubError): void
  inTurn(task: () => Promise<void>): Promise<void>
}

export interface ActiveSubscriptionDeps {
  readonly hub: Hub
  readonly schedule: Schedule
  readonly limits: { readonly unacknowledgedItems: number; readonly progressWithinMs: number }
}

/** Where a subscription begins. */
export interface SubscriptionStart {
  readonly stream: Stream
  readonly key: StreamKey
  readonly head: Position
  /** The client has everything up to here. */
  readonly from: Position
}

/** One stream on its way to one connection: what its pump asks for, and what the hub tells it. */
export class ActiveSubscription implements PumpPort, Watcher {
  readonly pump: Pump
  readonly #owner: SubscriptionOwner
  readonly #deps: ActiveSubscriptionDeps
  readonly #outlet: Outlet
  readonly #stream: Stream
  readonly #watch: Watch
  #cancelDeadline: (() => void) | null = null

  constructor(
    owner: SubscriptionOwner,
    deps: ActiveSubscriptionDeps,
    outlet: Outlet,
    { stream, key, head, from }: SubscriptionStart,
  ) {
    this.#owner = owner
    this.#deps = deps
    this.#outlet = outlet
    this.#stream = stream
    this.pump = createPump(from, deps.limits.unacknowledgedItems, this)
    // U1: watch before the first read, or what is committed between the two is seen by nobody.
    this.#watch = deps.hub.watch(key, head, this)
  }

  progressed(): void {
    if (this.#cancelDeadline !== null) this.#expectProgress()
  }

  end(): void {
    this.#forget()
    this.#watch.end()
    this.pump.stop()
  }

  // --- as the hub's watcher
  wake(head: Position): void {
    this.pump.wake(head)
  }

  gone(): void {
    this.#owner.remove(this.#stream)
    this.#owner.refuse(this.#stream, 'not_found')
  }

  // --- as the pump's port
  read(after: Position, most: number): Promise<Page> {
    return this.#watch.read(after, most)
  }

  send(items: readonly Item[]): void {
    this.#forget()
    this.#outlet.sendItems(this.#stream, items)
  }

  live(at: Position): void {
    this.#outlet.send({ type: 'live', stream: this.#stream, at })
  }

  writable(): boolean {
    return this.#outlet.writable()
  }

  inTurn(task: () => Promise<void>): Promise<void> {
    return this.#owner.inTurn(task)
  }

  waiting(is: boolean): void {
    if (!is) this.#forget()
    else if (this.#cancelDeadline === null) this.#expectProgress()
  }

  failed(error: unknown): void {
    this.#outlet.failed(error)
  }

  #expectProgress(): void {
    this.#forget()
    const stalled = (): void => {
      // Unless this ends the connection, which may not have heard the client for a while, the time begins again.
      this.#expectProgress()
      this.#outlet.stalled()
    }
    this.#cancelDeadline = this.#deps.schedule(stalled, this.#deps.limits.progressWithinMs)
  }

  #forget(): void {
    this.#cancelDeadline?.()
    this.#cancelDeadline = null
  }
}
