import type { Position, ThreadId, UserId } from '@holdfast/protocol'
import { position } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Threads } from '../log/threads.ts'
import type { Store } from '../store/store.ts'
import { takeTurn } from './chore-turn.ts'

export const retentionLimits = {
  /** One node looks this often. */
  everyMs: 60 * 60_000,
  /** Threads of one question to the store. */
  threadsPerPage: 200,
} as const

const dayMs = 24 * 60 * 60_000

/** When something last happened in a thread, whoever did it. */
export interface Activity {
  readonly createdAt: Date
  readonly lastEventAt: Date | null
  readonly lastFileAt: Date | null
  /** A run of it waits or is under way. */
  readonly busy: boolean
}

/** Nothing has happened for longer than threads are kept. */
export function isExpired(activity: Activity, now: Date, keptDays: number): boolean {
  if (activity.busy) return false
  const { createdAt, lastEventAt, lastFileAt } = activity
  const lastMs = Math.max(createdAt.getTime(), lastEventAt?.getTime() ?? 0, lastFileAt?.getTime() ?? 0)
  return now.getTime() - lastMs > keptDays * dayMs
}

export interface Retention {
  /** Deletes the threads in which nothing happened for too long, should this node be the one to look now. */
  apply(signal: AbortSignal): Promise<void>
}

export interface RetentionOptions {
  readonly store: Pick<Store, 'db'>
  readonly threads: Pick<Threads, 'removeAt'>
  readonly keptDays: number
  readonly onRemoved: (count: number) => void
}

interface ThreadActivity extends Activity {
  readonly id: ThreadId
  readonly owner: UserId
  readonly head: Position
  readonly now: Date
}

export function createRetention({ store, threads, keptDays, onRemoved }: RetentionOptions): Retention {
  const { db } = store
  /** Oldest first: ids sort by the time they were made. */
  async function page(after: ThreadId | null): Promise<readonly ThreadActivity[]> {
    const rows = await db
      .selectFrom('threads as t')
      .leftJoin('events as e', (join) => join.onRef('e.thread_id', '=', 't.id').onRef('e.seq', '=', 't.head'))
      .select((select) => [
        't.id',
        't.owner',
        't.head',
        't.created_at as createdAt',
        'e.at as lastEventAt',
        select
          .selectFrom('files')
          .select((max) => max.fn.max('files.created_at').as('at'))
          .whereRef('files.thread_id', '=', 't.id')
          .as('lastFileAt'),
        select
          .exists(
            select
              .selectFrom('runs')
              .select('runs.id')
              .whereRef('runs.thread_id', '=', 't.id')
              .where('runs.status', 'in', ['queued', 'running']),
          )
          .as('busy'),
        sql<Date>`now()`.as('now'),
      ])
      .$if(after !== null, (query) => query.where('t.id', '>', after))
      .orderBy('t.id')
      .limit(retentionLimits.threadsPerPage)
      .execute()
    return rows.map((row) => ({ ...row, head: position(row.head), busy: Boolean(row.busy) }))
  }

  return {
    async apply(signal) {
      if (!(await takeTurn(store, 'retention', retentionLimits.everyMs))) return
      let removed = 0
      let after: ThreadId | null = null
      try {
        for (;;) {
          signal.throwIfAborted()
          const found: readonly ThreadActivity[] = await page(after)
          for (const { id, owner, head, now, ...activity } of found) {
            if (!isExpired(activity, now, keptDays)) continue
            // Its owner may be writing at this moment: then it stays.
            const seen = { head, lastFileAt: activity.lastFileAt }
            if (await threads.removeAt({ kind: 'service', userId: owner }, id, seen)) removed += 1
          }
          const last = found.at(-1)
          // What comes after it is younger.
          if (last === undefined || !isExpired({ ...idle, createdAt: last.createdAt }, last.now, keptDays))
            return
          after = last.id
        }
      } finally {
        if (removed > 0) onRemoved(removed)
      }
    },
  }
}

const idle = { lastEventAt: null, lastFileAt: null, busy: false } as const
