import type { ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store } from '../store/store.ts'
import type { Blobs } from '../workspace/blobs.ts'

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

interface Claimed {
  readonly threadId: ThreadId
  /** Nothing of before the deletion can still be under way. */
  readonly settled: boolean
}

/**
 * A row of `thread_deletions` commits with the end of its thread, and stands until everything is gone: each step may be
 * repeated, and a node that dies in one leaves the row for the next.
 */
export function createDeletions({ store: { db }, blobs, limits }: DeletionsOptions): Deletions {
  const { eventsPerStatement, retryMs, settleMs } = { ...deletionLimits, ...limits }
  const after = (ms: number) => sql<Date>`now() + make_interval(secs => ${ms / 1_000})`

  async function claim(): Promise<Claimed | null> {
    const row = await db
      .updateTable('thread_deletions')
      .set({ due_at: after(retryMs) })
      .where(
        'thread_id',
        '=',
        db
          .selectFrom('thread_deletions')
          .select('thread_id')
          .where('due_at', '<=', sql<Date>`now()`)
          .orderBy('due_at')
          .limit(1)
          .forUpdate()
          .skipLocked(),
      )
      .returning([
        'thread_id',
        sql<boolean>`requested_at <= now() - make_interval(secs => ${settleMs / 1_000})`.as('settled'),
      ])
      .executeTakeFirst()
    return row === undefined ? null : { threadId: row.thread_id, settled: row.settled }
  }

  async function removeEvents(threadId: ThreadId, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const { numDeletedRows } = await db
        .deleteFrom('events')
        .where('thread_id', '=', threadId)
        .where('seq', 'in', (events) =>
          events
            .selectFrom('events')
            .select('seq')
            .where('thread_id', '=', threadId)
            .orderBy('seq')
            .limit(eventsPerStatement),
        )
        .executeTakeFirstOrThrow()
      if (numDeletedRows < eventsPerStatement) return
    }
  }

  async function settle({ threadId, settled }: Claimed): Promise<void> {
    if (settled) await db.deleteFrom('thread_deletions').where('thread_id', '=', threadId).execute()
    else
      await db
        .updateTable('thread_deletions')
        .set({ due_at: sql<Date>`requested_at + make_interval(secs => ${settleMs / 1_000})` })
        .where('thread_id', '=', threadId)
        .execute()
  }

  return {
    async finish(signal) {
      for (;;) {
        signal.throwIfAborted()
        const claimed = await claim()
        if (claimed === null) return
        await removeEvents(claimed.threadId, signal)
        await blobs.removeThread(claimed.threadId)
        await settle(claimed)
      }
    },
  }
}
