import type { Position, StoredEvent, ThreadId } from '@holdfast/protocol'
import { createListeners } from './listeners.ts'

/** @param events of one thread, contiguous, oldest first; at least one */
export type CommitListener = (threadId: ThreadId, events: readonly StoredEvent[]) => void

export interface CommitListeners {
  add(listener: CommitListener): () => void
  /** After a commit (L1), with what one append of it stored. Appends of one thread are told in their order. */
  tell(events: readonly StoredEvent[]): void
}

export function createCommitListeners(): CommitListeners {
  const listeners = createListeners<Parameters<CommitListener>>()
  return {
    add: listeners.add,
    tell: (events) => {
      const threadId = events[0]?.threadId
      if (threadId !== undefined) listeners.tell(threadId, events)
    },
  }
}

/** Where the thread stands after these. */
export function headOf(events: readonly StoredEvent[]): Position {
  const last = events.at(-1)
  if (last === undefined) throw new Error('A commit has events')
  return last.seq
}
