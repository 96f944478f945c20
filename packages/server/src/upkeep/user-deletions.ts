import { HoldfastError, type UserId, userId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import { deletionLimits } from './deletions.ts'
import { createDueRows } from './due-rows.ts'

export interface UserDeletions {
  /** What users who left have left behind: their threads, one by one, and the rows that tell of them. */
  finish(signal: AbortSignal): Promise<void>
}

export interface UserDeletionsOptions {
  readonly store: Pick<Store, 'db'>
  readonly threads: Pick<Threads, 'remove'>
  readonly limits?: Partial<Record<'retryMs' | 'settleMs' | 'rowsPerStatement', number>>
}

const rowsPerStatement = 1_000

/**
 * A row of `user_deletions` commits with the end of a user's credentials. A request that was let in before that may
 * still make a thread: it goes with the second time, a day later.
 */
export function createUserDeletions({ store: { db }, threads, limits }: UserDeletionsOptions): UserDeletions {
  const { retryMs, settleMs, rowsPerStatement: most } = { rowsPerStatement, ...deletionLimits, ...limits }
  const due = createDueRows(db, { table: 'user_deletions', key: 'user_id', retryMs, settleMs })

  async function removeThreads(owner: UserId, signal: AbortSignal): Promise<void> {
    const principal: Principal = { kind: 'service', userId: owner }
    for (;;) {
      const some = await db
        .selectFrom('threads')
        .select('id')
        .where('owner', '=', owner)
        .orderBy('id')
        .limit(most)
        .execute()
      for (const { id } of some) {
        signal.throwIfAborted()
        await threads.remove(principal, id).catch((error: unknown) => {
          // Another node was quicker.
          if (!(error instanceof HoldfastError) || error.code !== 'not_found') throw error
        })
      }
      if (some.length < most) return
    }
  }

  async function removeLifecycle(owner: UserId, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const { numAffectedRows = 0n } = await sql`delete from lifecycle where user_id = ${owner} and seq in
        (select seq from lifecycle where user_id = ${owner} order by seq limit ${most})`.execute(db)
      if (numAffectedRows < most) break
    }
    await db.deleteFrom('lifecycle_heads').where('user_id', '=', owner).execute()
  }

  return {
    async finish(signal) {
      for (;;) {
        signal.throwIfAborted()
        const row = await due.claim()
        if (row === null) return
        const owner = userId(row.key)
        await removeThreads(owner, signal)
        const stays = await db.selectFrom('users').select('id').where('id', '=', owner).executeTakeFirst()
        // The one user of local mode begins anew, and keeps what they make from now on.
        if (stays === undefined) await removeLifecycle(owner, signal)
        await due.done(stays === undefined ? row : { ...row, settled: true })
      }
    },
  }
}
