import { type After, type EpochId, type Position, start } from '@holdfast/protocol'
import type { ReceivedItem, StreamItem } from './received-frame.ts'

export const followerLimits = {
  /** Applied and not yet taken by the reader. A full follower takes no more: the rest stays in the server's log. */
  waitingItems: 4_096,
  /** The same as text, of which JavaScript holds at most two bytes a character. */
  waitingChars: 8 * 1024 * 1024,
  /** With this much waiting it is crowded: it has enough for now. */
  crowdedItems: 1_024,
  crowdedChars: 2 * 1024 * 1024,
  /** Handed on together where the reader takes batches. */
  batchItems: 256,
} as const

/**
 * One reader of one stream.
 *
 * F1  It applies an item only if it is the next one. Lower is dropped; higher means that something is missing.
 * F2  What it holds is bounded. It pauses when it is full and goes on when half of that is taken; meanwhile it
 *     applies nothing, so its cursor is where it has to be asked for again.
 */
export interface Follower {
  /** Where this reader stands; 'head' until the server has said where that is. */
  readonly applied: Position | 'head'
  /** Of the log that `applied` belongs to; null before the first answer. */
  readonly epoch: EpochId | null
  readonly crowded: boolean
  readonly paused: boolean
  /** The server has answered the subscription. */
  subscribed(epoch: EpochId, head: Position): void
  /** false: there is a gap before the first item that was not applied. */
  offer(items: readonly ReceivedItem[], chars: number): boolean
  /** Take no more until what waits is taken. */
  pause(): void
  fail(error: Error): void
  /** The reader wants no more. */
  end(): void
}

export interface FollowerHandle<Item extends StreamItem> extends Follower {
  /** Applied items, in order. Throws what `fail` was given, after all that was applied before it. */
  readonly items: AsyncIterableIterator<Item>
  /** The same, as many at a time as there are. */
  readonly batches: AsyncIterableIterator<readonly Item[]>
}

export interface FollowerOptions {
  readonly after: After
  readonly epoch: EpochId | null
  readonly signal: AbortSignal | null
  /** Once: the server has said where the stream stands, and nothing after that is missed. */
  readonly onFollowing?: (() => void) | undefined
  /** The reader took something. */
  readonly onTaken: () => void
  /** It was paused and has room again. */
  readonly onRoom: () => void
  readonly onEnd: () => void
}

interface Waiting {
  readonly item: StreamItem
  readonly chars: number
}

export function createFollower<Item extends StreamItem>(options: FollowerOptions): FollowerHandle<Item> {
  const { signal } = options
  let applied: Position | 'head' = options.after === 'start' ? start : options.after
  let epoch = options.epoch
  let queue: Waiting[] = []
  let taken = 0
  let waitingChars = 0
  let paused = false
  let following = false
  let failure: Error | null = null
  let ended = false
  let news: PromiseWithResolvers<void> | null = null

  const waiting = (): number => queue.length - taken
  const crowded = (): boolean =>
    waiting() >= followerLimits.crowdedItems || waitingChars >= followerLimits.crowdedChars
  const notify = (): void => {
    news?.resolve()
    news = null
  }
  const end = (): void => {
    if (ended) return
    ended = true
    queue = []
    taken = 0
    waitingChars = 0
    signal?.removeEventListener('abort', end)
    options.onEnd()
    notify()
  }
  // An aborted reader ends quietly, as an async iterable that was left does.
  signal?.addEventListener('abort', end, { once: true })

  /** Empty: there will be no more. */
  const take = async (most: number): Promise<readonly StreamItem[]> => {
    for (;;) {
      const batch = queue.slice(taken, taken + most)
      if (batch.length > 0) {
        taken += batch.length
        for (const { chars } of batch) waitingChars -= chars
        // Shifting an array one by one is quadratic; the spent part is cut off now and then.
        if (taken === queue.length || taken > 1_024) {
          queue = queue.slice(taken)
          taken = 0
        }
        options.onTaken()
        if (paused && !crowded()) {
          paused = false
          options.onRoom()
        }
        return batch.map(({ item }) => item)
      }
      if (ended) return []
      if (failure !== null) {
        const error = failure
        end()
        throw error
      }
      news ??= Promise.withResolvers<void>()
      await news.promise
    }
  }
  const iterator = <Value>(next: () => Promise<IteratorResult<Value>>): AsyncIterableIterator<Value> => ({
    next,
    async return() {
      end()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  })

  return {
    get applied() {
      return applied
    },
    get epoch() {
      return epoch
    },
    get crowded() {
      return crowded()
    },
    get paused() {
      return paused
    },
    subscribed(now, head) {
      epoch ??= now
      if (applied === 'head') applied = head
      if (following) return
      following = true
      options.onFollowing?.()
    },
    offer(items, chars) {
      if (paused) return true
      const each = Math.ceil(chars / Math.max(1, items.length))
      let whole = true
      for (const { seq, item } of items) {
        // Before the answer to its subscription a reader at the head does not know where it stands.
        if (applied === 'head') return true
        if (seq > applied + 1) whole = false
        else if (seq > applied) {
          applied = seq
          if (item === null) continue
          queue.push({ item, chars: each })
          waitingChars += each
          if (waiting() >= followerLimits.waitingItems || waitingChars >= followerLimits.waitingChars) {
            paused = true
            break
          }
        }
      }
      notify()
      return whole
    },
    pause() {
      paused = true
    },
    fail(error) {
      failure ??= error
      notify()
    },
    end,
    // What a stream carries is decided where it is followed: thread/… has events, user/me lifecycle items.
    items: iterator(async () => one((await take(1)) as readonly Item[])),
    batches: iterator(async () => {
      const batch = (await take(followerLimits.batchItems)) as readonly Item[]
      return one(batch.length === 0 ? [] : [batch])
    }),
  }
}

const one = <Value>([value]: readonly Value[]): IteratorResult<Value> =>
  value === undefined ? { value: undefined, done: true } : { value, done: false }
