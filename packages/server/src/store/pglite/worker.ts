/**
 * PGlite in a thread of its own: a statement that takes half a second must not stop the server's event loop.
 * Statements go one after another; a transaction's exclusiveness is the driver's (dialect.ts).
 */
import { existsSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { messages, PGlite, protocol } from '@electric-sql/pglite'
import { sessionSettings } from '../session.ts'
import type { QueryAnswer, WorkerFault, WorkerOptions, WorkerReply, WorkerRequest } from './messages.ts'

const port = parentPort
if (port === null) throw new Error('worker.ts runs only as a worker thread')
const reply = (message: WorkerReply): void => port.postMessage(message)
const { serialize } = protocol

const { directory } = workerData as WorkerOptions
const prepared = new Set<string>()

/**
 * PostgreSQL's 128 MB are touched at each start, which costs 0.4 s and 100 MB; a small database fits in a quarter, and
 * behind it are the pages that the operating system keeps.
 */
const sharedBuffers = '32MB'

try {
  const isNew = directory === null || !existsSync(join(directory, 'PG_VERSION'))
  const loadDataDir = isNew ? await copyTemplate(directory) : null
  const db = await PGlite.create({
    dataDir: directory ?? 'memory://',
    startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${sharedBuffers}`],
    ...(loadDataDir === null ? {} : { loadDataDir }),
  })
  for (const [name, value] of Object.entries(sessionSettings)) await db.exec(`set ${name} = '${value}'`)
  let last: Promise<void> = Promise.resolve()
  port.on('message', (request: WorkerRequest) => {
    last = last.then(() => serve(db, request))
  })
  reply({ kind: 'ready' })
  // This thread is terminated, so it keeps what it has compiled now.
  flushCompileCache()
} catch (error) {
  reply({ kind: 'not_ready', fault: faultOf(error) })
}

/**
 * Puts the template in the place of a database that is not there yet.
 * @returns the template where PGlite has to unpack it: in memory, or where a copy cannot be put in place; else null
 */
async function copyTemplate(directory: string | null): Promise<Blob | null> {
  // On demand: most starts open what is there.
  const { readTemplate, unpackTemplate } = await import('./template.ts')
  const template = await readTemplate()
  if (template === null) return null
  if (directory !== null && (await unpackTemplate(template, directory))) return null
  return new Blob([template])
}

async function serve(db: PGlite, request: WorkerRequest): Promise<void> {
  const { id } = request
  try {
    switch (request.kind) {
      case 'query':
        return reply({ kind: 'answer', id, answer: await query(db, request) })
      case 'close':
        await db.close()
        return reply({ kind: 'closed', id })
    }
  } catch (error) {
    reply({ kind: 'fault', id, fault: faultOf(error) })
  }
}

/**
 * One message of the extended protocol for the whole statement. PGlite's own `query` makes six calls into the
 * database, one a protocol step, and describes the parameters each time: about half the time of a small statement.
 */
async function query(
  db: PGlite,
  { sql, values, name }: Extract<WorkerRequest, { kind: 'query' }>,
): Promise<QueryAnswer> {
  const statement = name ?? ''
  const known = name !== null && prepared.has(name)
  const parts = [
    ...(known ? [] : [serialize.parse({ name: statement, text: sql })]),
    serialize.bind({ statement, values: [...values] }),
    serialize.describe({ type: 'P', name: '' }),
    serialize.execute({}),
    serialize.sync(),
  ]
  const answers = await db.execProtocolStream(Buffer.concat(parts), { syncToFs: false, throwOnError: false })
  // The database keeps what it has parsed, also where it then refuses to carry it out: parsed again, the name is taken.
  if (name !== null && !known && answers.some((answer) => answer.name === 'parseComplete')) prepared.add(name)
  const fault = answers.find((answer) => answer instanceof messages.DatabaseError)
  if (fault !== undefined) throw fault

  const fields: { name: string; typeOid: number }[] = []
  const rows: (string | null)[][] = []
  let tag = ''
  for (const answer of answers) {
    if (answer instanceof messages.RowDescriptionMessage)
      fields.push(...answer.fields.map((field) => ({ name: field.name, typeOid: field.dataTypeID })))
    else if (answer instanceof messages.DataRowMessage) rows.push(answer.fields)
    else if (answer instanceof messages.CommandCompleteMessage) tag = answer.text
  }
  return { fields, rows, tag }
}

function faultOf(error: unknown): WorkerFault {
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof messages.DatabaseError))
    return { message, code: null, detail: null, constraint: null, table: null }
  const { code = null, detail = null, constraint = null, table = null } = error
  return { message, code, detail, constraint, table }
}
