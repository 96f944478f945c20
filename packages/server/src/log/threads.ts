import type { Thread, ThreadId, ThreadList } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'

/** A user's threads: the rows that own a log. */
export interface Threads {
  create(principal: Principal, title?: string): Promise<Thread>
  /** @throws {HoldfastError} not_found, also where the thread is another user's (P1) */
  get(principal: Principal, threadId: ThreadId): Promise<Thread>
  /** Newest first. `cursor` is the `next` of the page before. */
  list(principal: Principal, cursor?: string): Promise<ThreadList>
  rename(principal: Principal, threadId: ThreadId, title: string): Promise<Thread>
  /** Removes the thread with its events and runs; files and artifacts are the workspace's to remove first. */
  remove(principal: Principal, threadId: ThreadId): Promise<void>
}
