import type { EventData, NodeId, RunId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Store, Tx } from '../store/store.ts'
import { runLimits } from './run-limits.ts'
import type { RunRow } from './run-row.ts'
import { stateOf } from './run-row.ts'
import { stepRun } from './run-state.ts'

/** A run this node holds, under the lease its appends name. */
export interface Claim {
  readonly row: RunRow
  readonly leaseEpoch: number
  readonly attempt: number
}

/** Time is the database's: nodes with wrong clocks still agree about leases. */
const leaseEnd = sql<Date>`now() + make_interval(secs => ${runLimits.leaseMs / 1000})`

/**
 * Takes the oldest run that may run: queued, or running under a lease that expired, and the first of its thread
 * that has not ended (R5). null: nothing to do.
 *
 * @param held runs in this node's hands: never taken from itself, however late its heartbeat is
 * @param started what agent_started will say besides the attempt; committed with the claim (L3)
 */
export async function claimRun(
  store: Store,
  log: SqlEventLog,
  node: NodeId,
  held: readonly RunId[],
  started: (row: RunRow) => Omit<EventData<'agent_started'>, 'attempt'>,
): Promise<Claim | null> {
  for (const candidate of await candidates(store, held)) {
    const claim = await log.transact(async (tx, append, note): Promise<Claim | null> => {
      const row = await lockCandidate(tx, candidate)
      if (row === null) return null
      const step = stepRun(stateOf(row), {
        kind: 'claim',
        nowMs: row.db_now.getTime(),
        leaseMs: runLimits.leaseMs,
      })
      if (!step.ok || step.next.kind !== 'running') return null
      const { leaseEpoch } = step.next
      const attempt = row.attempt + 1
      await tx
        .updateTable('runs')
        .set({
          status: 'running',
          attempt,
          lease_epoch: leaseEpoch,
          lease_node: node,
          lease_expires_at: leaseEnd,
        })
        .where('id', '=', row.id)
        .execute()
      await append({
        threadId: row.thread_id,
        runId: row.id,
        agent: row.agent,
        events: [{ type: 'agent_started', data: { attempt, ...started(row) } }],
        producerKey: `${attempt}.started`,
        fence: { runId: row.id, leaseEpoch },
      })
      await note(row.owner, { type: 'run_started', threadId: row.thread_id, runId: row.id, attempt })
      return { row, leaseEpoch, attempt }
    })
    if (claim !== null) return claim
  }
  return null
}

/** Looked up without locks; a few, because another node may take the first. */
async function candidates(
  store: Store,
  held: readonly RunId[],
): Promise<readonly Pick<RunRow, 'id' | 'thread_id'>[]> {
  return (
    store.db
      .selectFrom('runs as run')
      .select(['run.id', 'run.thread_id'])
      .where((where) =>
        where.or([
          where('run.status', '=', 'queued'),
          where.and([
            where('run.status', '=', 'running'),
            where('run.lease_expires_at', '<=', sql<Date>`now()`),
          ]),
        ]),
      )
      // By run and not by node: one that this node left behind after a fault of the store is taken up again.
      .$if(held.length > 0, (query) => query.where('run.id', 'not in', held))
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('runs as before')
              .select('before.id')
              .whereRef('before.thread_id', '=', 'run.thread_id')
              .whereRef('before.queued_at_seq', '<', 'run.queued_at_seq')
              .where('before.status', 'in', ['queued', 'running']),
          ),
        ),
      )
      .orderBy('run.created_at')
      .limit(4)
      .execute()
  )
}

/** Thread first, then run, as everywhere; a thread that another node holds is passed over. */
async function lockCandidate(
  tx: Tx,
  candidate: Pick<RunRow, 'id' | 'thread_id'>,
): Promise<(RunRow & { db_now: Date }) | null> {
  const thread = await tx
    .selectFrom('threads')
    .select('id')
    .where('id', '=', candidate.thread_id)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  if (thread === undefined) return null
  const row = await tx
    .selectFrom('runs')
    .selectAll()
    .select(sql<Date>`now()`.as('db_now'))
    .where('id', '=', candidate.id)
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

export interface Renewal {
  readonly runId: RunId
  readonly leaseEpoch: number
  readonly cancelBy: 'user' | 'superseded' | null
}

/** Renews the leases of this node in one statement; also how a cancel on another node is heard (R6). */
export async function renewLeases(
  store: Store,
  node: NodeId,
  runIds: readonly RunId[],
): Promise<readonly Renewal[]> {
  if (runIds.length === 0) return []
  const rows = await store.db
    .updateTable('runs')
    .set({ lease_expires_at: leaseEnd })
    .where('id', 'in', runIds)
    .where('lease_node', '=', node)
    .where('status', '=', 'running')
    .returning(['id', 'lease_epoch', 'cancel_by'])
    .execute()
  return rows.map((row) => ({ runId: row.id, leaseEpoch: row.lease_epoch, cancelBy: row.cancel_by }))
}

/** Gives a run back to the queue: its server is draining. Another worker may take it at once. */
export async function releaseRun(log: SqlEventLog, claim: Claim): Promise<void> {
  await log.transact(async (tx) => {
    await tx.selectFrom('threads').select('id').where('id', '=', claim.row.thread_id).forUpdate().execute()
    await tx
      .updateTable('runs')
      .set({ status: 'queued', lease_node: null, lease_expires_at: null })
      .where('id', '=', claim.row.id)
      .where('lease_epoch', '=', claim.leaseEpoch)
      .where('status', '=', 'running')
      .execute()
  })
}

/** On a store that only this process can have open, every lease found at boot is of a process that is gone. */
export async function voidLeases(store: Store): Promise<void> {
  await store.db
    .updateTable('runs')
    .set({ lease_expires_at: sql<Date>`now()` })
    .where('status', '=', 'running')
    .execute()
}
