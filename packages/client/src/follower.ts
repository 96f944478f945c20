import { type After, type EpochId, type Position, type StoredEvent, start } from '@holdfast/protocol'

/**
 * One reader of one thread: applies an event only if it is the next one. Lower is dropped and counted; higher
 * means that something is missing, and the stream is asked again from `applied`.
 */
export interface Follower {
  /** Where this reader stands; 'head' until the server has said where that is. */
  readonly applied: Position | 'head'
  /** Of the log that `applied` belongs to; null before the first answer. */
  readonly epoch: EpochId | null
  /** Events that came again after they had been applied. */
  readonly dropped: number
  /** Applied and not yet taken by the reader. */
  readonly waiting: number
  /** The server has answered the subscription. */
  subscribed(epoch: EpochId, head: Position): void
  /** false: there is a gap before the first event that was not applied. */
  offer(items: readonly ReceivedEvent[]): boolean
  fail(error: Error): void
  /** The reader wants no more. */
  end(): void
}

/** `event` is null where its type is one that this client does not know: it takes its place and is not shown. */
export interface ReceivedEvent {
  readonly seq: Position
  readonly event: StoredEvent | null
}

export interface FollowerHandle extends Follower {
  /** Applied events, in order. Throws what `fail` was given, after all that was applied before it. */
  readonly events: AsyncIterableIterator<StoredEvent>
}

/** @param onTaken a reader took an event; there is room again */
export function createFollower(options: {
  readonly after: After
  readonly epoch: EpochId | null
  readonly signal: AbortSignal | null
  readonly onTaken: () => void
  readonly onEnd: () => void
}): FollowerHandle {
  const { signal, onTaken, onEnd } = options
  let applied: Position | 'head' = options.after === 'start' ? start : options.after
  let epoch = options.epoch
  let dropped = 0
  let queue: StoredEvent[] = []
  let taken = 0
  let failure: Error | null = null
  let ended = false
  let wake: (() => void) | null = null

  const notify = (): void => {
    wake?.()
    wake = null
  }
  const end = (): void => {
    if (ended) return
    ended = true
    queue = []
    signal?.removeEventListener('abort', end)
    onEnd()
    notify()
  }
  // An aborted reader ends quietly, as an async iterable that was left does.
  signal?.addEventListener('abort', end, { once: true })

  const next = async (): Promise<IteratorResult<StoredEvent>> => {
    for (;;) {
      const event = queue[taken]
      if (event !== undefined) {
        taken += 1
        // Shifting an array one by one is quadratic; the spent part is cut off now and then.
        if (taken === queue.length || taken > 1_024) {
          queue = queue.slice(taken)
          taken = 0
        }
        onTaken()
        return { value: event, done: false }
      }
      if (ended) return { value: undefined, done: true }
      if (failure !== null) {
        const error = failure
        end()
        throw error
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      await promise
    }
  }

  return {
    get applied() {
      return applied
    },
    get epoch() {
      return epoch
    },
    get dropped() {
      return dropped
    },
    get waiting() {
      return queue.length - taken
    },
    subscribed(now, head) {
      epoch ??= now
      if (applied === 'head') applied = head
    },
    offer(items) {
      let whole = true
      for (const { seq, event } of items) {
        // Before the answer to its subscription a reader at the head does not know where it stands.
        if (applied === 'head') return true
        if (seq <= applied) dropped += 1
        else if (seq > applied + 1) whole = false
        else {
          applied = seq
          if (event !== null) queue.push(event)
        }
      }
      notify()
      return whole
    },
    fail(error) {
      failure ??= error
      notify()
    },
    end,
    events: {
      next,
      async return() {
        end()
        return { value: undefined, done: true }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
}
