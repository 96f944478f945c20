import type { NodeId, Operations } from '@holdfast/protocol'
import { createIdMaker } from '@holdfast/protocol'
import { CompiledQuery, sql } from 'kysely'
import type { QuotaKind, QuotaLimits } from './auth/quotas.ts'
import { quotaKinds } from './auth/quotas.ts'
import type { Realtime } from './realtime/realtime.ts'
import type { Store } from './store/store.ts'

/** Users of a quota that are named. */
const quotaRows = 20
const dayMs = 24 * 60 * 60_000
const hourMs = 60 * 60_000

export interface OperationsDeps {
  readonly store: Pick<Store, 'db'>
  readonly node: NodeId
  readonly version: string
  readonly realtime: Pick<Realtime, 'connections' | 'closes'>
  readonly quotas: QuotaLimits
  readonly nowMs?: () => number
}

/** Ids begin with their time: what is younger has a greater id, and the primary key finds it. */
const firstRunId = (ms: number): string =>
  createIdMaker(
    () => ms,
    (bytes) => void bytes.fill(0),
  )('run')

const runsStatement = `/* prepare operations-runs */
select
  (select count(*) from runs where status = 'queued')::int as queued,
  (select extract(epoch from now() - min(created_at)) from runs where status = 'queued')::float8 as waits,
  count(*) filter (where id >= $2 and status = 'completed')::int as completed,
  count(*) filter (where id >= $2 and status = 'failed')::int as failed,
  count(*) filter (where id >= $2 and status = 'cancelled')::int as cancelled,
  count(*) filter (where attempt > 1)::int as "handOvers"
from runs where id >= $1`

interface RunsRow {
  readonly queued: number
  readonly waits: number | null
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly handOvers: number
}

/** What this server and the store behind it are at. */
export function createOperations(deps: OperationsDeps): () => Promise<Operations> {
  const { store, realtime, nowMs = Date.now } = deps
  const { db } = store
  const startedAt = new Date(nowMs()).toISOString()
  return async () => {
    const now = nowMs()
    const [runs, nodes, users, usage] = await Promise.all([
      db.executeQuery<RunsRow>(
        CompiledQuery.raw(runsStatement, [firstRunId(now - dayMs), firstRunId(now - hourMs)]),
      ),
      db
        .selectFrom('runs')
        .select((row) => ['lease_node', row.fn.countAll<number>().as('running')])
        .where('status', '=', 'running')
        .groupBy('lease_node')
        .execute(),
      db
        .selectNoFrom((row) => [
          row.selectFrom('users').select(row.fn.countAll<number>().as('n')).as('known'),
          row
            .selectFrom('sessions')
            .select(sql<number>`count(distinct user_id)`.as('n'))
            .where('expires_at', '>', sql<Date>`now()`)
            .as('signedIn'),
        ])
        .executeTakeFirstOrThrow(),
      db
        .selectFrom('usage as u')
        .leftJoin('quotas as q', (join) =>
          join.onRef('q.subject', '=', 'u.subject').onRef('q.what', '=', 'u.what'),
        )
        .select(['u.subject', 'u.what', 'u.begins', 'u.amount', 'q.most'])
        .where('u.begins', '>', sql<Date>`now() - interval '1 day'`)
        .orderBy('u.amount', 'desc')
        .limit(quotaRows * 4)
        .execute(),
    ])
    const [row] = runs.rows
    if (row === undefined) throw new Error('The count of runs gave no row')
    return {
      at: new Date(now).toISOString(),
      node: {
        id: deps.node,
        version: deps.version,
        startedAt,
        connections: realtime.connections,
        memoryBytes: process.memoryUsage().rss,
        closes: [...realtime.closes()]
          .map(([code, count]) => ({ code, count }))
          .sort((a, b) => b.count - a.count),
      },
      nodes: nodes.flatMap(({ lease_node: id, running }) =>
        id === null ? [] : [{ id: id as NodeId, running: Number(running) }],
      ),
      runs: {
        queued: row.queued,
        running: nodes.reduce((sum, { running }) => sum + Number(running), 0),
        oldestQueuedSeconds: row.waits,
        lastHour: { completed: row.completed, failed: row.failed, cancelled: row.cancelled },
        handOversLastDay: row.handOvers,
      },
      users: { known: Number(users.known ?? 0), signedIn: Number(users.signedIn ?? 0) },
      quotas: usage
        .filter(({ what, begins }) => what in quotaKinds && isNow(what as QuotaKind, begins, now))
        .slice(0, quotaRows)
        .map(({ subject, what, amount, most }) => ({
          subject,
          what,
          amount,
          most: most ?? deps.quotas[what as QuotaKind],
        })),
    }
  }
}

/** A row tells one window; one of an earlier window is as good as none. */
const isNow = (what: QuotaKind, begins: Date, nowMs: number): boolean =>
  begins.getTime() + quotaKinds[what].seconds * 1000 > nowMs
