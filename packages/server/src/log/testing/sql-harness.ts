import type { RunId } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import type { Principal } from '../../principal.ts'
import type { Store } from '../../store/store.ts'
import { createThreads } from '../create-threads.ts'
import type { EventLogHarness } from '../event-log.contract.ts'
import { createLifecycleLog, type LifecycleLog } from '../lifecycle-log.ts'
import type { SqlEventLog } from '../sql-event-log.ts'
import { createEventLog } from '../sql-event-log.ts'

export interface SqlHarness extends EventLogHarness {
  readonly log: SqlEventLog
  readonly store: Store
  readonly lifecycle: LifecycleLog
  /** Owner of its threads and runs. */
  readonly principal: Principal
}

/** The contract's harness on a store, which goes with it. */
export function sqlHarness(store: Store): SqlHarness {
  const makeId = systemIdMaker()
  const lifecycle = createLifecycleLog(store)
  const log = createEventLog(store, lifecycle)
  const threads = createThreads(store, lifecycle)
  const principal = { kind: 'local', userId: makeId('user') } as const

  const setLease = (runId: RunId, leaseEpoch: number | null): Promise<void> =>
    store.db.transaction().execute(async (tx) => {
      // Thread before run, as everywhere.
      const { thread_id: threadId } = await tx
        .selectFrom('runs')
        .select('thread_id')
        .where('id', '=', runId)
        .executeTakeFirstOrThrow()
      await tx.selectFrom('threads').select('id').where('id', '=', threadId).forUpdate().execute()
      const change =
        leaseEpoch === null
          ? ({ status: 'completed' } as const)
          : ({ status: 'running', lease_epoch: leaseEpoch } as const)
      await tx.updateTable('runs').set(change).where('id', '=', runId).execute()
    })

  return {
    log,
    store,
    lifecycle,
    principal,
    createThread: async () => (await threads.create(principal)).id,
    createRun: async (threadId) => {
      const id = makeId('run')
      await store.db
        .insertInto('runs')
        .values({
          id,
          thread_id: threadId,
          owner: principal.userId,
          agent: 'tester',
          status: 'queued',
          request_hash: '',
          queued_at_seq: 0,
        })
        .execute()
      return id
    },
    setLease,
    [Symbol.asyncDispose]: async () => {
      await log[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
