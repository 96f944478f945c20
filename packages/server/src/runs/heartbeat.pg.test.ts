import type { NodeId, RunId } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createThreads } from '../log/create-threads.ts'
import { openPostgresStore } from '../store/postgres-store.ts'
import { startTestPostgres } from '../store/testing/postgres.ts'
import { createLogger } from '../telemetry/logger.ts'
import { heartbeatContract } from './heartbeat.contract.ts'
import type { Beat } from './heartbeat.ts'
import { runLimits } from './run-limits.ts'
import { threadHeartbeat } from './thread-heartbeat.ts'

const postgres = await startTestPostgres()
const makeId = systemIdMaker()
const logger = createLogger({ level: 'silent', format: 'line' })
const never = Number.MAX_SAFE_INTEGER

async function openTrial() {
  await using opening = new AsyncDisposableStack()
  const { connectionString } = opening.use(await postgres.createDatabase())
  const store = opening.use(await openPostgresStore({ connectionString, poolSize: 3 }))
  const owned = opening.move()
  return {
    store,
    connectionString,
    openHeartbeat: threadHeartbeat(connectionString, logger),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  heartbeatContract('the heartbeat in a thread of its own', openTrial)

  type Trial = Awaited<ReturnType<typeof openTrial>>

  async function newRun(trial: Trial, node: NodeId): Promise<RunId> {
    const owner = makeId('user')
    const { id: threadId } = await createThreads(trial.store).create({ kind: 'user', userId: owner })
    const runId = makeId('run')
    await trial.store.db
      .insertInto('runs')
      .values({
        id: runId,
        thread_id: threadId,
        owner,
        agent: 'a',
        status: 'running',
        lease_epoch: 1,
        lease_node: node,
        lease_expires_at: new Date(Date.now() + runLimits.leaseMs),
        request_hash: '',
        queued_at_seq: 1,
      })
      .execute()
    return runId
  }

  async function heldRun(trial: Trial, onBeat: (beat: Beat) => void) {
    const node = makeId('node')
    const runId = await newRun(trial, node)
    const heartbeat = await trial.openHeartbeat(node, onBeat)
    heartbeat.hold([{ runId, untilMs: never }])
    return { runId, heartbeat }
  }

  test('[R2] a tool that blocks the server’s thread for longer than a lease loses no lease', async () => {
    await using trial = await openTrial()
    const beaten = Promise.withResolvers<void>()
    const { runId, heartbeat } = await heldRun(trial, () => beaten.resolve())
    await using _ = heartbeat
    await beaten.promise
    const watcher = new pg.Client({ connectionString: trial.connectionString })
    await watcher.connect()
    try {
      const blockedMs = runLimits.leaseMs + 1_500
      // The database looks by itself, at the end of the block, while nothing on this thread can run.
      const looks = watcher.query(
        `select pg_sleep(${(blockedMs - 500) / 1_000});
         select lease_expires_at > clock_timestamp() as alive from runs where id = '${runId}'`,
      )
      // The query leaves before the thread is blocked.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const until = performance.now() + blockedMs
      while (performance.now() < until) Math.sqrt(until)
      const results = (await looks) as unknown as readonly pg.QueryResult[]
      expect(results[1]?.rows).toEqual([{ alive: true }])
    } finally {
      await watcher.end()
    }
  })

  test('[R2] its connection is cut, and the next beat makes another', async () => {
    await using trial = await openTrial()
    let beats = 0
    let heard = Promise.withResolvers<void>()
    const { heartbeat } = await heldRun(trial, () => {
      beats += 1
      heard.resolve()
    })
    await using _ = heartbeat
    await heard.promise
    const watcher = new pg.Client({ connectionString: trial.connectionString })
    await watcher.connect()
    try {
      const { rowCount } = await watcher.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query like '%runs-renew%' and pid <> pg_backend_pid()`,
      )
      expect(rowCount).toBe(1)
    } finally {
      await watcher.end()
    }
    const before = beats
    while (beats < before + 2) {
      heard = Promise.withResolvers<void>()
      await heard.promise
    }
  })

  test('[R2] a run whose row somebody has locked costs the others nothing, and is not lost', async () => {
    await using trial = await openTrial()
    const node = makeId('node')
    const [locked, free] = [await newRun(trial, node), await newRun(trial, node)]
    await trial.store.db
      .updateTable('runs')
      .set({ lease_expires_at: new Date(0) })
      .execute()
    const expiredRuns = async (): Promise<readonly RunId[]> =>
      (
        await trial.store.db
          .selectFrom('runs')
          .select('id')
          .where('lease_expires_at', '<=', new Date())
          .execute()
      ).map(({ id }) => id)
    const holder = new pg.Client({ connectionString: trial.connectionString })
    await holder.connect()
    await using _holder = { [Symbol.asyncDispose]: () => holder.end() }
    await holder.query('begin')
    await holder.query('select from runs where id = $1 for update', [locked])

    let heard = Promise.withResolvers<Beat>()
    await using heartbeat = await trial.openHeartbeat(node, (beat) => heard.resolve(beat))
    heartbeat.hold([locked, free].map((runId) => ({ runId, untilMs: never })))
    const beat = await heard.promise
    expect(beat.renewals.map(({ runId }) => runId).toSorted()).toEqual([locked, free].toSorted())
    expect(await expiredRuns()).toEqual([locked])

    await holder.query('rollback')
    while ((await expiredRuns()).length > 0) {
      heard = Promise.withResolvers()
      await heard.promise
    }
  })
})
