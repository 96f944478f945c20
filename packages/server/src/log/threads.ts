import type { Position, Thread, ThreadId, ThreadList } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'

export interface ThreadQuery {
  readonly cursor?: string | undefined
  /** Whatever the case of its letters. */
  readonly search?: string | undefined
}

/** What moves when something happens in a thread: an upload is no event. */
export interface ThreadState {
  readonly head: Position
  readonly lastFileAt: Date | null
}

/** A user's threads: the rows that own a log. */
export interface Threads {
  create(principal: Principal, title?: string): Promise<Thread>
  /** @throws {HoldfastError} not_found, also where the thread is another user's (P1) */
  get(principal: Principal, threadId: ThreadId): Promise<Thread>
  /** Newest first. `cursor` is the `next` of the page before; `search` stands in the title or in a question. */
  list(principal: Principal, query?: ThreadQuery): Promise<ThreadList>
  rename(principal: Principal, threadId: ThreadId, title: string): Promise<Thread>
  /**
   * From its commit on the thread is gone for everybody, and its runs end. Events and bytes are taken away afterwards.
   */
  remove(principal: Principal, threadId: ThreadId): Promise<void>
  /** The same, but only where nothing has happened in it since; false: something has, or there is no such thread. */
  removeAt(principal: Principal, threadId: ThreadId, seen: ThreadState): Promise<boolean>
}
