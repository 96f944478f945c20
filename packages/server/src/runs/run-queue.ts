import type { EventData, NodeId, RunId, UserId } from '@holdfast/protocol'
import { CompiledQuery, sql } from 'kysely'
import { LeaseLostError, ThreadMissingError } from '../log/event-log.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Store } from '../store/store.ts'
import { runLimits } from './run-limits.ts'
import type { RunRow } from './run-row.ts'

/** A run this node holds, under the lease its appends name. */
export interface Claim {
  readonly row: RunRow
  readonly leaseEpoch: number
  readonly attempt: number
  /** Attempts before it that died. One that was given back by a draining server did not. */
  readonly interrupted: number
}

export interface ClaimRequest {
  readonly node: NodeId
  /** In this node's hands: never taken from itself, however late its heartbeat is. */
  readonly held: readonly RunId[]
  /** How many more this node can carry. */
  readonly most: number
  /** Whether to look for leases that ran out, too. */
  readonly expired: boolean
  /** The last user whose queued run was claimed: the next ones have their turn first. '' at the start. */
  readonly after: UserId | ''
  /** What agent_started will say besides the attempt; committed with the claim (L3). */
  readonly started: (row: RunRow) => Omit<EventData<'agent_started'>, 'attempt'>
  /** A claim failed, and its neighbours did not: whoever looks next meets the run again. */
  readonly onFault: (row: RunRow, error: unknown) => void
}

/**
 * Takes runs that may run: those whose lease ran out, then queued ones, each the first of its thread that has not
 * ended (R5). Queued runs are taken from one user after the other, and nobody has more than
 * runLimits.concurrentPerUser at a time. (Counted without a lock: nodes that claim at the same moment may together
 * go over it by what each of them takes.)
 *
 * They are looked up without locks. The claim itself is an append that names the lease it saw: of two nodes that
 * want the same run, one gets it, and the other leaves it. What was claimed is returned whatever became of the rest:
 * a claim that nobody carries holds its run until its lease has run out.
 * @throws what the claims failed with, where all of them did
 */
export async function claimRuns(
  store: Store,
  log: SqlEventLog,
  request: ClaimRequest,
): Promise<readonly Claim[]> {
  const rows = await candidates(store, request)
  const claims = await Promise.allSettled(rows.map((row) => claim(log, request, row)))
  const faults = claims.flatMap((one, index) => {
    const row = rows[index]
    return one.status === 'rejected' && row !== undefined ? [{ row, error: one.reason as unknown }] : []
  })
  // The database is away: one fault, not one for each.
  const [first] = faults
  if (first !== undefined && faults.length === rows.length) throw first.error
  for (const { row, error } of faults) request.onFault(row, error)
  return claims.flatMap((one) => (one.status === 'fulfilled' && one.value !== null ? [one.value] : []))
}

async function claim(log: SqlEventLog, { node, started }: ClaimRequest, row: RunRow): Promise<Claim | null> {
  const { id: runId, thread_id: threadId, owner: userId, agent, lease_epoch: leaseEpoch } = row
  const attempt = row.attempt + 1
  try {
    await log.append({
      threadId,
      runId,
      agent,
      events: [{ type: 'agent_started', data: { attempt, ...startedOr(started, row) } }],
      producerKey: `${attempt}.started`,
      fence: null,
      change: { kind: 'claim', node, leaseEpoch, leaseMs: runLimits.leaseMs },
      notes: [{ userId, note: { type: 'run_started', threadId, runId, attempt } }],
    })
  } catch (error) {
    // Another node has it, or it went with its thread.
    if (error instanceof LeaseLostError || error instanceof ThreadMissingError) return null
    throw error
  }
  const interrupted = row.interrupted + (row.status === 'running' ? 1 : 0)
  return { row, leaseEpoch: leaseEpoch + 1, attempt, interrupted }
}

/** An agent or model that this node does not have fails the run, which has to be claimed for that (carry-run.ts). */
function startedOr(started: ClaimRequest['started'], row: RunRow): ReturnType<ClaimRequest['started']> {
  try {
    return started(row)
  } catch {
    return { model: row.model ?? '', offline: false }
  }
}

const firstOfThread = `not exists (
  select from runs before where before.thread_id = run.thread_id and before.queued_at_seq < run.queued_at_seq
    and before.status in ('queued', 'running'))`

// By run and not by node: one that this node left behind after a fault of the store is taken up again.
const expiredStatement = `/* prepare runs-expired */
select run.* from runs run
where run.status = 'running' and run.lease_expires_at <= now() and run.id <> all($1) and ${firstOfThread}
order by run.lease_expires_at limit $2`

/** From user to user by the index, never through all that is queued, and no further than there is room for. */
const queuedStatement = `/* prepare runs-queued */
with recursive owners as (
  (select owner from runs where status = 'queued' and owner > $1 order by owner limit 1)
  union all
  select (select r.owner from runs r where r.status = 'queued' and r.owner > o.owner order by r.owner limit 1)
  from owners o where o.owner is not null
)
select run.* from (select owner from owners where owner is not null limit ${runLimits.usersPerLook}) turn,
  lateral (
    select run.* from runs run
    where run.owner = turn.owner and run.status = 'queued' and ${firstOfThread}
    order by run.created_at
    limit greatest(0, least(${runLimits.perUserAndLook},
      $3 - (select count(*) from runs r where r.owner = turn.owner and r.status = 'running')))
  ) run
limit $2`

async function candidates(
  store: Store,
  { held, most, after, expired: wanted }: Pick<ClaimRequest, 'held' | 'most' | 'after' | 'expired'>,
): Promise<readonly RunRow[]> {
  const query = async (text: string, values: readonly unknown[]): Promise<readonly RunRow[]> =>
    (await store.db.executeQuery<RunRow>(CompiledQuery.raw(text, [...values]))).rows
  const expired = wanted ? await query(expiredStatement, [held, most]) : []
  const free = most - expired.length
  const queuedFrom = (owner: string): Promise<readonly RunRow[]> =>
    query(queuedStatement, [owner, free, runLimits.concurrentPerUser])
  if (free <= 0) return expired
  const queued = await queuedFrom(after)
  if (queued.length > 0 || after === '') return [...expired, ...queued]
  return [...expired, ...(await queuedFrom(''))]
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
