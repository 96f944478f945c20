import type { Threads } from '../log/threads.ts'
import type { Store } from '../store/store.ts'
import type { Blobs } from '../workspace/blobs.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { type Chore, type ChoreLogger, startChore } from './chore.ts'
import { createDeletions } from './deletions.ts'
import { removeExpiredRows } from './expired-rows.ts'
import { createRetention } from './retention.ts'
import { createUserDeletions } from './user-deletions.ts'

export const upkeepLimits = {
  /** Deletions that another node began and did not finish are looked for this often. */
  deletionsEveryMs: 5_000,
  /** Whether it is this node's turn to look for threads to delete. */
  retentionEveryMs: 60_000,
  /** What this node cached of files that another node deleted. */
  cachesEveryMs: 10 * 60_000,
  /** Whether it is this node's turn to look for rows that are over. */
  expiredRowsEveryMs: 60_000,
} as const

export interface UpkeepOptions {
  readonly store: Pick<Store, 'db'>
  readonly blobs: Pick<Blobs, 'removeThread'>
  readonly threads: Pick<Threads, 'remove' | 'removeAt'>
  readonly workspace: Pick<Workspace, 'sweep'>
  /** null: threads are kept for ever. */
  readonly retentionDays: number | null
  readonly logger: ChoreLogger
}

export interface Upkeep extends AsyncDisposable {
  /** Something was deleted. */
  wake(): void
}

/** What is done beside the work of runs, on every node; claimed rows keep two of them from doing the same. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const { store, blobs, threads, workspace, retentionDays, logger } = options
  const deletions = createDeletions({ store, blobs })
  const users = createUserDeletions({ store, threads })
  const caches = startChore({
    name: 'caches',
    everyMs: upkeepLimits.cachesEveryMs,
    work: () => workspace.sweep(),
    logger,
  })
  const deleting = startChore({
    name: 'deletions',
    everyMs: upkeepLimits.deletionsEveryMs,
    work: async (signal) => {
      await users.finish(signal)
      await deletions.finish(signal)
    },
    logger,
  })
  const expired = startChore({
    name: 'expired rows',
    everyMs: upkeepLimits.expiredRowsEveryMs,
    work: () => removeExpiredRows(store),
    logger,
  })
  const chores: Chore[] = [caches, deleting, expired]
  if (retentionDays !== null) {
    const onRemoved = (count: number): void =>
      logger.info({ threads: count, retentionDays }, 'threads deleted: nothing happened in them for too long')
    const retention = createRetention({ store, threads, keptDays: retentionDays, onRemoved })
    chores.push(
      startChore({
        name: 'retention',
        everyMs: upkeepLimits.retentionEveryMs,
        work: (signal) => retention.apply(signal),
        logger,
      }),
    )
  }
  return {
    wake() {
      caches.wake()
      deleting.wake()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(chores.map((chore) => chore[Symbol.asyncDispose]()))
    },
  }
}
