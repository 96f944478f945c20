/**
 * The child process of one job (D1). It starts with nothing of the server but an IPC channel and an empty directory,
 * does the job it is told, and is killed when it has answered; only one that holds a table is told further jobs, and
 * each of them is on that table. Nothing here loads zod or the protocol's schemas: the start would double.
 */
import { flushCompileCache } from 'node:module'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { FromChild, ToChild } from '../child-jobs.ts'
import type { Database } from './duckdb.ts'
import { ingest } from './ingest.ts'
import { JobError } from './job-error.ts'
import { connectJob, openLocked, runQueries } from './run-queries.ts'

/** What an ingest has left in memory. */
let held: Database | null = null
let running: DuckDBConnection | null = null

function send(message: FromChild): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error('A child needs a parent')
    process.send(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)))
  })
}

async function work(message: Exclude<ToChild, { type: 'interrupt' }>): Promise<void> {
  switch (message.type) {
    case 'ingest': {
      const ingested = await ingest(message.job)
      held = ingested.held
      await send({
        type: 'ingested',
        profile: ingested.profile,
        table: held === null ? 'stored' : 'held',
      })
      return
    }
    case 'query':
      running = await connectJob(held ?? (await openLocked(message.job)), message.job)
      await runQueries(running, message.job, async (result) => await send({ type: 'result', ...result }))
      running.closeSync()
      await send({ type: 'done' })
      return
    default:
      message satisfies never
  }
}

function failureOf(error: unknown): Extract<FromChild, { type: 'failed' }> {
  if (error instanceof JobError) return { type: 'failed', code: error.code, message: error.message }
  const text = error instanceof Error ? error.message : String(error)
  if (/^Out of Memory Error|out of memory|bad_alloc|allocate/i.test(text))
    return {
      type: 'failed',
      code: 'sql_memory',
      message: 'The query needs more memory than it may use; group or filter more, or sort less.',
    }
  if (/^INTERRUPT/i.test(text))
    return { type: 'failed', code: 'sql_timeout', message: 'The query was interrupted.' }
  if (running === null) return { type: 'failed', code: 'internal', message: text }
  return { type: 'failed', code: 'sql_failed', message: sayError(text) }
}

/** DuckDB's first line, and the line that names the candidates; the rest repeats the query. */
function sayError(text: string): string {
  const [first = '', ...others] = text.replace('Failed to extract statements: ', '').split('\n')
  const hint = others.find((line) =>
    /^(Candidate bindings|Did you mean|Candidate functions)/.test(line.trim()),
  )
  return hint === undefined ? first : `${first} ${hint.trim()}`
}

// This process is killed, so it keeps what it has compiled now: before it has seen a byte of a user's.
flushCompileCache()

process.on('message', (message: ToChild) => {
  if (message.type === 'interrupt') {
    running?.interrupt()
    return
  }
  // The parent kills the child once it has the last answer. What cannot even be told ends it here.
  work(message)
    .catch(async (error: unknown) => await send(failureOf(error)))
    .catch(endNow)
})

// A server that is gone leaves nobody to answer.
process.on('disconnect', endNow)

/** Not exit(): that runs DuckDB's clean-up, which waits for a query that nobody will ever read. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL')
}
