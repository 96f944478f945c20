import type { NodeId, RunId } from '@holdfast/protocol'
import { sqlFault } from '../store/sql-state.ts'
import type { Renewal } from './heartbeat.ts'
import { runLimits } from './run-limits.ts'

/** What runs a statement of these: a connection whose `lock_timeout` is runLimits.lockWaitMs, or one without rivals. */
export type RenewQuery = (
  statement: { readonly name: string; readonly text: string },
  values: readonly [runs: readonly RunId[], node: NodeId],
) => Promise<readonly RenewedRow[]>

export interface RenewedRow {
  readonly id: RunId
  readonly lease_epoch: number
  readonly cancel_by: 'user' | 'superseded' | null
  /** false: somebody has the row locked. It is told as it was committed last: passed over is not lost. */
  readonly renewed: boolean
}

const leaseEnd = `clock_timestamp() + interval '${runLimits.leaseMs} milliseconds'`

/**
 * One statement for all that is free. Time is the database's. By run and not by node alone: a run that this node left
 * behind after a fault of the store must be free to be taken up again.
 */
const renewFree = {
  name: 'runs-renew',
  text: `/* prepare runs-renew */
with mine as materialized (
  select id, lease_epoch, cancel_by from runs where id = any($1) and lease_node = $2 and status = 'running'
),
free as materialized (
  select id from runs where id = any($1) and lease_node = $2 and status = 'running'
  for no key update skip locked
),
renewed as (
  update runs set lease_expires_at = ${leaseEnd} from free where runs.id = free.id
  returning runs.id, runs.lease_epoch, runs.cancel_by
)
select id, lease_epoch, cancel_by, true as renewed from renewed
union all
select id, lease_epoch, cancel_by, false from mine where not exists (select from free where free.id = mine.id)`,
}

const renewWaiting = {
  name: 'runs-renew-waiting',
  text: `/* prepare runs-renew-waiting */
update runs set lease_expires_at = ${leaseEnd} where id = any($1) and lease_node = $2 and status = 'running'
returning id, lease_epoch, cancel_by, true as renewed`,
}

/**
 * Renews what it can. Waiting for all rows at once, one transaction that stands still would cost this node all its
 * leases; passing over every locked one, a run that appends all the time could lose its own by bad luck. So those that
 * are locked are waited for afterwards, one by one and not long: an append is over in milliseconds.
 *
 * @returns the runs that are this node's, as far as anybody has committed
 */
export async function renewLeases(
  query: RenewQuery,
  runs: readonly RunId[],
  node: NodeId,
): Promise<readonly Renewal[]> {
  const beganMs = performance.now()
  const renewals: Renewal[] = []
  for (const row of await query(renewFree, [runs, node])) {
    const isLate = performance.now() - beganMs > runLimits.heartbeatMs
    const found = row.renewed || isLate ? [row] : await waitFor(query, row, node)
    renewals.push(...found.map(renewalOf))
  }
  return renewals
}

async function waitFor(query: RenewQuery, row: RenewedRow, node: NodeId): Promise<readonly RenewedRow[]> {
  try {
    return await query(renewWaiting, [[row.id], node])
  } catch (error) {
    if (sqlFault(error)?.state === lockNotAvailable) return [row]
    throw error
  }
}
const lockNotAvailable = '55P03'

const renewalOf = (row: RenewedRow): Renewal => ({
  runId: row.id,
  leaseEpoch: Number(row.lease_epoch),
  cancelBy: row.cancel_by,
})
