import { Worker } from 'node:worker_threads'
import { HoldfastError } from '@holdfast/protocol'
import { compileCacheEnvironment } from '../../environment/compile-cache.ts'
import type { QueryAnswer, WorkerFault, WorkerOptions, WorkerReply, WorkerRequest } from './messages.ts'

/** The near end of the PGlite worker. */
export interface PgliteClient {
  query(sql: string, values: readonly (string | null)[], name: string | null): Promise<QueryAnswer>
  /** Ends the database, then its thread. Safe twice. */
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (answer: QueryAnswer | null) => void
  readonly reject: (error: Error) => void
}

type Call =
  | Omit<Extract<WorkerRequest, { kind: 'query' }>, 'id'>
  | Omit<Extract<WorkerRequest, { kind: 'close' }>, 'id'>

/**
 * Starts the worker and resolves when its database is open. The first start of a directory makes a database, which
 * takes seconds (half where there is a template); later ones open what is there.
 * @throws {HoldfastError} not_ready: the directory cannot be opened as a database
 */
export async function openPgliteClient(options: WorkerOptions): Promise<PgliteClient> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: options,
    env: compileCacheEnvironment(),
  })
  const waiting = new Map<number, Waiting>()
  const opened = Promise.withResolvers<void>()
  let lastId = 0
  let ended: Error | null = null

  const end = (error: Error): void => {
    ended ??= error
    opened.reject(ended)
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  const settle = (id: number, act: (call: Waiting) => void): void => {
    const call = waiting.get(id)
    if (call === undefined) throw new Error(`The PGlite worker answered ${id}, which nobody asked`)
    waiting.delete(id)
    act(call)
  }
  worker.on('message', (message: WorkerReply) => {
    switch (message.kind) {
      case 'ready':
        return opened.resolve()
      case 'not_ready':
        return opened.reject(notReady(options, message.fault))
      case 'answer':
        return settle(message.id, ({ resolve }) => resolve(message.answer))
      case 'fault':
        return settle(message.id, ({ reject }) => void errorOf(message.fault).then(reject, reject))
      case 'closed':
        return settle(message.id, ({ resolve }) => resolve(null))
    }
  })
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', () => end(new HoldfastError('not_ready', 'The embedded database is closed')))

  const call = (request: Call): Promise<QueryAnswer | null> => {
    if (ended !== null) return Promise.reject(ended)
    const { promise, resolve, reject } = Promise.withResolvers<QueryAnswer | null>()
    lastId += 1
    waiting.set(lastId, { resolve, reject })
    const message: WorkerRequest = { ...request, id: lastId }
    worker.postMessage(message)
    return promise
  }

  try {
    await opened.promise
  } catch (error) {
    await worker.terminate()
    throw error
  }

  let closing: Promise<void> | null = null
  return {
    query: async (sql, values, name) => {
      const answer = await call({ kind: 'query', sql, values, name })
      if (answer === null) throw new Error('The PGlite worker answered a query with nothing')
      return answer
    },
    close: () =>
      (closing ??= (async () => {
        if (ended === null) await call({ kind: 'close' })
        await worker.terminate()
      })()),
  }
}

/**
 * The class the pg driver throws too, so that whoever asks for a SQLSTATE need not know the adapter. Loaded by the first
 * fault: a start without one does without it.
 */
async function errorOf(fault: WorkerFault): Promise<Error> {
  if (fault.code === null) return new Error(`Embedded database: ${fault.message}`)
  const { default: pg } = await import('pg')
  const error = new pg.DatabaseError(fault.message, fault.message.length, 'error')
  error.code = fault.code
  if (fault.detail !== null) error.detail = fault.detail
  if (fault.constraint !== null) error.constraint = fault.constraint
  if (fault.table !== null) error.table = fault.table
  return error
}

function notReady({ directory }: WorkerOptions, fault: WorkerFault): HoldfastError {
  return new HoldfastError(
    'not_ready',
    `The embedded database in ${directory ?? 'memory'} does not open: ${fault.message}. ` +
      'Restore the directory from a backup, or start with another --data-dir.',
  )
}
