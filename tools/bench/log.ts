/**
 * How fast the event log appends, and what it costs above its own statement.
 *
 * `log` is the event log with N appenders, each on its own thread, each waiting for its commit before its next
 * event. `bare` sends the same statement, with the like rows in groups of the same size, one after another straight
 * to the driver, with no log around it: no queue, no ids, no JSON, no query builder. The two alternate within
 * each round, on the same database; figures are medians over the rounds.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NewEvent, RunId, ThreadId } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import { Kysely } from 'kysely'
import pg from 'pg'
import { appendStatements } from '../../packages/server/src/log/append-statement.ts'
import { createThreads } from '../../packages/server/src/log/create-threads.ts'
import type { AppendCommand } from '../../packages/server/src/log/event-log.ts'
import { groupLimits } from '../../packages/server/src/log/group-commit.ts'
import { prepareCommand } from '../../packages/server/src/log/prepare-command.ts'
import { createEventLog } from '../../packages/server/src/log/sql-event-log.ts'
import { appendParameters } from '../../packages/server/src/log/store-group.ts'
import { migrate } from '../../packages/server/src/store/migrate.ts'
import { openPgliteClient } from '../../packages/server/src/store/pglite/client.ts'
import { pgliteDialect } from '../../packages/server/src/store/pglite/dialect.ts'
import { openPostgresStore } from '../../packages/server/src/store/postgres-store.ts'
import { preparedName } from '../../packages/server/src/store/prepared.ts'
import type { Schema } from '../../packages/server/src/store/schema.ts'
import { sessionOptions } from '../../packages/server/src/store/session.ts'
import { openPostgresServer } from '../../packages/server/src/store/testing/postgres-server.ts'
import { median, quantile, table } from './table.ts'

const eventBytes = 300
const appenders = [1, 64, 512]
const roundMs = 1_000
const warmUpMs = 500

interface Place {
  readonly threadId: ThreadId
  readonly runId: RunId
}

interface Sample {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly groupSize: number
}

const makeId = systemIdMaker()
let lastKey = 0

/** @param args rounds, default 5 */
export async function benchLog([rounds = '5']: readonly string[]): Promise<void> {
  console.log(
    `Event log: ${eventBytes}-byte events, one thread an appender, ${rounds} rounds of ${roundMs} ms`,
  )
  console.log(`Node ${process.version}, ${availableParallelism()} cores\n`)
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    const rows = [
      ...(await onPglite((target) => measureTarget('PGlite, directory', target, Number(rounds)), directory)),
      ...(await onPostgres((target) => measureTarget('PostgreSQL, TCP', target, Number(rounds)))),
    ]
    const head = ['store', 'appenders', 'log ev/s', 'p50 ms', 'p99 ms', 'group', 'bare ev/s', 'log/bare']
    console.log(table(head, rows))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A database, and its driver without anything of ours above it. */
interface Target {
  readonly db: Kysely<Schema>
  readonly bare: (statement: string, values: readonly string[]) => Promise<unknown>
}

/** The pieces of openPgliteStore, because the store keeps its driver to itself. */
async function onPglite<T>(work: (target: Target) => Promise<T>, directory: string): Promise<T> {
  const client = await openPgliteClient({ directory })
  const db = new Kysely<Schema>({ dialect: pgliteDialect(client) })
  try {
    await migrate(db)
    return await work({
      db,
      bare: (statement, values) => client.query(statement, values, preparedName(statement)),
    })
  } finally {
    await db.destroy()
  }
}

async function onPostgres<T>(work: (target: Target) => Promise<T>): Promise<T> {
  const given = process.env['HOLDFAST_TEST_DATABASE_URL']
  await using server = given === undefined ? await openPostgresServer() : null
  const connectionString = given ?? server?.url ?? ''
  await using store = await openPostgresStore({ connectionString })
  const client = new pg.Client({ connectionString, options: sessionOptions })
  await client.connect()
  try {
    return await work({
      db: store.db,
      bare: (text, values) => client.query({ name: preparedName(text) ?? '', text, values: [...values] }),
    })
  } finally {
    await client.end()
  }
}

async function measureTarget(name: string, target: Target, rounds: number): Promise<string[][]> {
  const places = await makePlaces(target.db, Math.max(...appenders))
  const rows: string[][] = []
  for (const count of appenders) {
    const own = places.slice(0, count)
    const size = Math.min(count, groupLimits.events)
    await measureLog(target.db, own, warmUpMs)
    await measureBare(target, own, size, warmUpMs)
    const samples: { log: Sample; bare: number }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const log = await measureLog(target.db, own, roundMs)
      samples.push({
        log,
        bare: await measureBare(target, own, Math.max(1, Math.round(log.groupSize)), roundMs),
      })
    }
    const figure = (of: (sample: Sample) => number): number => median(samples.map(({ log }) => of(log)))
    rows.push([
      name,
      `${count}`,
      figure((log) => log.perSecond).toFixed(0),
      figure((log) => log.p50Ms).toFixed(2),
      figure((log) => log.p99Ms).toFixed(2),
      figure((log) => log.groupSize).toFixed(0),
      median(samples.map(({ bare }) => bare)).toFixed(0),
      median(samples.map(({ log, bare }) => log.perSecond / bare)).toFixed(2),
    ])
  }
  return rows
}

async function makePlaces(db: Kysely<Schema>, count: number): Promise<Place[]> {
  const threads = createThreads({ db })
  const principal = { kind: 'local', userId: makeId('user') } as const
  const places: Place[] = []
  for (let index = 0; index < count; index += 1) {
    const { id: threadId } = await threads.create(principal)
    const runId = makeId('run')
    await db
      .insertInto('runs')
      .values({
        id: runId,
        thread_id: threadId,
        owner: principal.userId,
        agent: 'bench',
        status: 'running',
        lease_epoch: 1,
        request_hash: '',
        queued_at_seq: 0,
      })
      .execute()
    places.push({ threadId, runId })
  }
  return places
}

function commandOf({ threadId, runId }: Place): AppendCommand {
  lastKey += 1
  const fence = { runId, leaseEpoch: 1 }
  return { threadId, runId, agent: 'bench', events: [event()], producerKey: `${lastKey}`, fence }
}

function event(): NewEvent {
  const messageId = makeId('message')
  const text = 'x'.repeat(eventBytes - JSON.stringify({ messageId, text: '' }).length)
  return { type: 'message_delta', data: { messageId, text } }
}

async function measureLog(database: Kysely<Schema>, places: readonly Place[], ms: number): Promise<Sample> {
  let groups = 0
  const db = new Proxy(database, {
    get: (target, property) => {
      if (property === 'executeQuery') groups += 1
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  await using log = createEventLog({ db, epoch: makeId('epoch') })
  const latencies: number[] = []
  const began = performance.now()
  const until = began + ms
  await Promise.all(
    places.map(async (place) => {
      for (let now = performance.now(); now < until; ) {
        await log.append(commandOf(place))
        const after = performance.now()
        latencies.push(after - now)
        now = after
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  return {
    perSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    groupSize: latencies.length / groups,
  }
}

/** Events a second. The rows are made before the clock starts. */
async function measureBare(
  target: Target,
  places: readonly Place[],
  size: number,
  ms: number,
): Promise<number> {
  const makeGroup = (index: number): ReturnType<typeof appendParameters> =>
    appendParameters(
      Array.from({ length: size }, (_, part) => {
        const place = places[(index * size + part) % places.length]
        if (place === undefined) throw new Error('There is at least one place')
        return prepareCommand(commandOf(place), makeId)
      }),
    )
  let spentMs = 0
  let groups = 0
  while (spentMs < ms) {
    const values = makeGroup(groups)
    const began = performance.now()
    await target.bare(appendStatements.pass, values)
    spentMs += performance.now() - began
    groups += 1
  }
  return (groups * size) / (spentMs / 1000)
}
