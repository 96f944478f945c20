import type { Position, StoredEvent, ThreadId } from '@holdfast/protocol'

type CommitListener = (threadId: ThreadId, head: Position) => void

export interface CommitListeners {
  add(listener: CommitListener): () => void
  /** After a commit, with the events that it stored (L1): each listener hears each thread's new head once. */
  tell(events: readonly StoredEvent[]): void
}

export function createCommitListeners(): CommitListeners {
  const listeners = new Set<CommitListener>()
  return {
    add: (listener) => {
      // A function of its own: one that is added twice is called twice, and each is removed by itself.
      const own: CommitListener = (threadId, head) => listener(threadId, head)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    tell: (events) => {
      // Of one thread the last place wins: events stand in the order of their places.
      const heads = new Map(events.map(({ threadId, seq }) => [threadId, seq]))
      for (const [threadId, head] of heads) for (const listener of listeners) call(listener, threadId, head)
    },
  }
}

/** The events are committed: a listener's fault is a bug of its own, thrown where it stops the process, not here. */
function call(listener: CommitListener, threadId: ThreadId, head: Position): void {
  try {
    listener(threadId, head)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
