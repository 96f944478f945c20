import type { Position } from '@holdfast/protocol'
import type { StreamKey } from './sources.ts'
import { type Answer, createTail, type Page, type RingLimits, type Tail, type TailPort } from './tail.ts'

/** Somebody who follows a stream. */
export interface Watcher {
  wake(head: Position): void
  /** The stream is no more. */
  gone(): void
}

/** A follower's hold on a stream. Reading needs one, so that nobody reads before being registered (U1). */
export interface Watch {
  read(after: Position, most: number): Promise<Page>
  end(): void
}

/** What its streams have of the hub. */
export interface StreamKeeper {
  read(key: StreamKey, after: Position): Promise<Answer>
  /** The ring of one takes so many bytes more. */
  resized(key: StreamKey, byBytes: number): void
  /** Nobody follows it any more. */
  forgotten(key: StreamKey, stream: FollowedStream): void
}

/** One stream and all who follow it. A class, because there are thousands of them (as with pumps). */
export class FollowedStream implements TailPort {
  readonly watchers = new Set<Watcher>()
  readonly tail: Tail
  readonly #key: StreamKey
  readonly #keeper: StreamKeeper

  constructor(key: StreamKey, keeper: StreamKeeper, limits: RingLimits) {
    this.#key = key
    this.#keeper = keeper
    this.tail = createTail(this, limits)
  }

  wake(head: Position): void {
    this.tail.heard(head)
    for (const watcher of [...this.watchers]) watcher.wake(head)
  }

  join(watcher: Watcher): Watch {
    this.watchers.add(watcher)
    return new Membership(this, watcher)
  }

  leave(watcher: Watcher): void {
    this.watchers.delete(watcher)
    if (this.watchers.size === 0) this.#keeper.forgotten(this.#key, this)
  }

  readLog(after: Position): Promise<Answer> {
    return this.#keeper.read(this.#key, after)
  }

  shared(): boolean {
    return this.watchers.size > 1
  }

  resized(byBytes: number): void {
    this.#keeper.resized(this.#key, byBytes)
  }
}

class Membership implements Watch {
  readonly #followed: FollowedStream
  readonly #watcher: Watcher

  constructor(followed: FollowedStream, watcher: Watcher) {
    this.#followed = followed
    this.#watcher = watcher
  }

  read(after: Position, most: number): Promise<Page> {
    return this.#followed.tail.read(after, most)
  }

  end(): void {
    this.#followed.leave(this.#watcher)
  }
}
