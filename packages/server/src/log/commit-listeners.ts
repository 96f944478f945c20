import type { Position, StoredEvent, ThreadId } from '@holdfast/protocol'

/** @param events of one thread, contiguous, oldest first; at least one */
export type CommitListener = (threadId: ThreadId, events: readonly StoredEvent[]) => void

export interface CommitListeners {
  add(listener: CommitListener): () => void
  /** After a commit (L1), with what one append of it stored. Appends of one thread are told in their order. */
  tell(events: readonly StoredEvent[]): void
}

export function createCommitListeners(): CommitListeners {
  const listeners = new Set<CommitListener>()
  return {
    add: (listener) => {
      // A function of its own: one that is added twice is called twice, and each is removed by itself.
      const own: CommitListener = (threadId, events) => listener(threadId, events)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    tell: (events) => {
      const threadId = events[0]?.threadId
      if (threadId !== undefined) for (const listener of listeners) call(listener, threadId, events)
    },
  }
}

/** Where the thread stands after these. */
export function headOf(events: readonly StoredEvent[]): Position {
  const last = events.at(-1)
  if (last === undefined) throw new Error('A commit has events')
  return last.seq
}

/** The events are committed: a listener's fault is a bug of its own, thrown where it stops the process, not here. */
function call(listener: CommitListener, threadId: ThreadId, events: readonly StoredEvent[]): void {
  try {
    listener(threadId, events)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
