/** The thread of thread-heartbeat.ts: holds a list of runs and a connection, and renews. */
import { parentPort, workerData } from 'node:worker_threads'
import pg from 'pg'
import { sessionOptions } from '../store/session.ts'
import { dueRuns, type HeldRun } from './heartbeat.ts'
import { type RenewedRow, renewLeases } from './renew-leases.ts'
import { runLimits } from './run-limits.ts'
import type { HeartbeatReply, HeartbeatRequest, HeartbeatThreadOptions } from './thread-heartbeat.ts'

const port = parentPort
if (port === null) throw new Error('heartbeat-thread.ts runs only as a worker thread')
const reply = (message: HeartbeatReply): void => port.postMessage(message)
const { connectionString, node } = workerData as HeartbeatThreadOptions

let held: readonly HeldRun[] = []
let client: pg.Client | null = null
let beating: Promise<void> = Promise.resolve()
let waiting = 0

async function connected(): Promise<pg.Client> {
  if (client !== null) return client
  const made = new pg.Client({
    connectionString,
    options: sessionOptions,
    connectionTimeoutMillis: runLimits.beatWithinMs,
    // A beat that takes longer than a lease lasts renews nothing.
    statement_timeout: runLimits.beatWithinMs,
    lock_timeout: runLimits.lockWaitMs,
    query_timeout: runLimits.beatWithinMs,
  })
  made.on('error', () => drop(made))
  try {
    await made.connect()
  } catch (error) {
    drop(made)
    throw error
  }
  client = made
  return made
}

/** The next beat makes a new connection. */
function drop(broken: pg.Client): void {
  if (client === broken) client = null
  broken.end().catch(() => {
    // It was broken before.
  })
}

async function beat(): Promise<void> {
  const asked = dueRuns(held, Date.now())
  if (asked.length === 0) return
  let used: pg.Client | null = null
  try {
    const connection = await connected()
    used = connection
    const renewals = await renewLeases(
      async (statement, values) =>
        (await connection.query<RenewedRow>({ ...statement, values: [...values] })).rows,
      asked,
      node,
    )
    reply({ kind: 'beat', beat: { asked, renewals } })
  } catch (error) {
    if (used !== null) drop(used)
    reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
}

/** One after the other; of those that are asked for meanwhile, one. */
function next(): void {
  if (waiting > 0) return
  waiting += 1
  beating = beating.then(() => {
    waiting -= 1
    return beat()
  })
}

const timer = setInterval(next, runLimits.heartbeatMs)
port.on('message', (request: HeartbeatRequest) => {
  switch (request.kind) {
    case 'hold':
      held = request.runs
      return
    case 'beat':
      return next()
    case 'close':
      clearInterval(timer)
      held = []
      void beating.then(async () => {
        await client?.end().catch(() => {
          // Gone already.
        })
        port.close()
      })
      return
    default:
      request satisfies never
  }
})
