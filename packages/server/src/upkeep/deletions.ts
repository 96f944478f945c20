import { type ThreadId, threadId } from '@holdfast/protocol'
import type { Store } from '../store/store.ts'
import type { Blobs } from '../workspace/blobs.ts'
import { createDueRows } from './due-rows.ts'

export const deletionLimits = {
  /** Events of one statement: short enough for an append that waits behind it. */
  eventsPerStatement: 1_000,
  /** Another node takes a deletion up after this, should the one that has it have died or failed. */
  retryMs: 60_000,
  /**
   * After this all is done once more, and then the deletion is forgotten: an upload that was under way when its thread
   * was deleted, at a node that died before it could take its bytes away again, has left them behind.
   */
  settleMs: 24 * 60 * 60_000,
} as const

export interface Deletions {
  /** Takes events and bytes of deleted threads away, one thread after another, until none is due. */
  finish(signal: AbortSignal): Promise<void>
}

export interface DeletionsOptions {
  readonly store: Pick<Store, 'db'>
  readonly blobs: Pick<Blobs, 'removeThread'>
  readonly limits?: Partial<Record<keyof typeof deletionLimits, number>>
}

/**
 * A row of `thread_deletions` commits with the end of its thread, and stands until everything is gone: each step may be
 * repeated, and a node that dies in one leaves the row for the next.
 */
export function createDeletions({ store: { db }, blobs, limits }: DeletionsOptions): Deletions {
  const { eventsPerStatement, retryMs, settleMs } = { ...deletionLimits, ...limits }
  const due = createDueRows(db, { table: 'thread_deletions', key: 'thread_id', retryMs, settleMs })

  async function removeEvents(thread: ThreadId, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const { numDeletedRows } = await db
        .deleteFrom('events')
        .where('thread_id', '=', thread)
        .where('seq', 'in', (events) =>
          events
            .selectFrom('events')
            .select('seq')
            .where('thread_id', '=', thread)
            .orderBy('seq')
            .limit(eventsPerStatement),
        )
        .executeTakeFirstOrThrow()
      if (numDeletedRows < eventsPerStatement) return
    }
  }

  return {
    async finish(signal) {
      for (;;) {
        signal.throwIfAborted()
        const row = await due.claim()
        if (row === null) return
        const thread = threadId(row.key)
        await removeEvents(thread, signal)
        await blobs.removeThread(thread)
        await due.done(row)
      }
    },
  }
}
