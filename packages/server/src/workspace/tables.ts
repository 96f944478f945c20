import { randomUUID } from 'node:crypto'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, type FileId, HoldfastError } from '@holdfast/protocol'
import { createCacheDirectory, type Held } from './cache-directory.ts'
import { type FromChild, jobFiles, type QueryJob, type QueryRows, type TableProfile } from './child-jobs.ts'
import { type Child, type ChildJob, openChild, runChild } from './child-process.ts'
import { createHeldTables } from './held-tables.ts'
import type { LocalUploads } from './local-uploads.ts'
import type { FileRow } from './rows.ts'
import { createSlots } from './slots.ts'
import type { SqlLimits } from './sql-limits.ts'
import type { WorkspaceLimits } from './workspace-limits.ts'

/**
 * The raw tables: of a small or slow file stored on disk, one database file an upload; of a large one held in memory,
 * for a while, by the child that read it. Both are caches that another ingest can always make again.
 */
export interface Tables {
  /** Reads the upload in a child process and keeps its table. Callers at the same time share one ingest. */
  ingest(file: TableFile, signal: AbortSignal): Promise<TableProfile>
  query(job: TableQuery, deadlineMs: number, signal: AbortSignal): Promise<readonly QueryRows[]>
  remove(id: FileId): Promise<void>
  /** Files of which this node has a stored table. */
  ids(): Promise<readonly FileId[]>
  /** Kills the children that wait. */
  close(): void
}

export type TableFile = Pick<FileRow, 'id' | 'thread_id' | 'kind' | 'sha256'>

export interface TableQuery extends Pick<QueryJob, 'prepare' | 'queries'> {
  readonly tables: readonly { readonly name: string; readonly file: TableFile }[]
  /** The server's own SQL: the child may answer another job afterwards. */
  readonly verified: boolean
}

export interface TablesOptions {
  readonly directory: string
  readonly uploads: LocalUploads
  readonly sql: SqlLimits
  readonly workspace: WorkspaceLimits
}

export function createTables({ directory, uploads, sql, workspace }: TablesOptions): Tables {
  const stored = createCacheDirectory(join(directory, 'tables'), workspace.cachedTableBytes)
  const jobsDirectory = join(directory, 'jobs')
  const slots = createSlots(workspace.jobs)
  const held = createHeldTables(workspace)
  const ingests = new Map<FileId, SharedIngest>()
  const tableName = (id: FileId): string => `${id}${tableEnding}`

  /** A directory of the job's own, gone with the job. */
  async function inJobDirectory<Result>(work: (jobDirectory: string) => Promise<Result>): Promise<Result> {
    const jobDirectory = join(jobsDirectory, randomUUID())
    await mkdir(jobDirectory, { recursive: true, mode: 0o700 })
    try {
      return await work(jobDirectory)
    } finally {
      await rm(jobDirectory, { recursive: true, force: true })
    }
  }

  async function read(
    file: TableFile,
    wants: { readonly profile: boolean; readonly mayHold: boolean },
    signal: AbortSignal,
  ): Promise<Found & { readonly profile: TableProfile | null }> {
    using upload = await uploads.hold(file, signal)
    return await inJobDirectory(async (jobDirectory) => {
      await symlink(upload.path, join(jobDirectory, jobFiles.source))
      await using opened = new AsyncDisposableStack()
      const child = opened.use(openChild({ directory: jobDirectory, limits: sql }))
      let answer: Ingested | null = null
      const job: ChildJob = {
        message: { type: 'ingest', job: { kind: file.kind, ...wants, sql, workspace } },
        deadlineMs: sql.ingestDeadlineMs,
        onMessage: (message) => {
          if (message.type === 'ingested') answer = message
        },
      }
      await child.run(job, signal).catch((error: unknown) => {
        throw asFileError(error)
      })
      const { profile, table: where } = answered(answer)
      if (where === 'held' && wants.mayHold) {
        opened.move()
        return { profile, in: 'child', child }
      }
      const table = await stored.put(tableName(file.id), join(jobDirectory, jobFiles.table))
      return { profile, in: 'cache', table }
    })
  }

  async function ingestNow(file: TableFile, signal: AbortSignal): Promise<TableProfile> {
    return await slots.run(signal, async () => {
      const found = await read(file, { profile: true, mayHold: true }, signal)
      if (found.in === 'child') held.keep(file.id, found.child)
      else found.table[Symbol.dispose]()
      const { profile } = found
      if (profile === null) throw new Error('The child ended well and sent no profile')
      return profile
    })
  }

  /** A child holds one table: for a job over several, each is stored. */
  async function find(file: TableFile, mayHold: boolean, signal: AbortSignal): Promise<Found> {
    const child = mayHold ? held.take(file.id) : null
    if (child !== null) return { in: 'child', child }
    const table = await stored.hold(tableName(file.id))
    if (table !== null) return { in: 'cache', table }
    return await read(file, { profile: false, mayHold }, signal)
  }

  async function queryNow(
    { tables, prepare, queries, verified }: TableQuery,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<readonly QueryRows[]> {
    const files = [...new Map(tables.map(({ file }) => [file.id, file])).values()]
    const number = new Map(files.map(({ id }, index) => [id, index]))
    const job: QueryJob = {
      tables: tables.map(({ name, file }) => ({ name, file: number.get(file.id) ?? 0 })),
      prepare,
      queries,
      sql,
    }
    const answers: QueryRows[] = []
    const childJob: ChildJob = {
      message: { type: 'query', job },
      deadlineMs,
      onMessage: (message) => {
        if (message.type === 'result') answers.push(message)
      },
    }
    await using opened = new AsyncDisposableStack()
    const attached: string[] = []
    for (const file of files) {
      const found = await find(file, files.length === 1, signal)
      if (found.in === 'child') {
        const child = opened.use(found.child)
        await child.run(childJob, signal)
        // W1: whoever else wrote SQL for this child, it answers nobody after that; nor does one in which a job failed.
        if (verified && child.isSound()) {
          opened.move()
          held.keep(file.id, child)
        }
        return answers
      }
      attached.push(opened.use(found.table).path)
    }
    await inJobDirectory(async (jobDirectory) => {
      for (const [index, path] of attached.entries())
        await symlink(path, join(jobDirectory, jobFiles.database(index)))
      await runChild({ ...childJob, directory: jobDirectory, limits: sql }, signal)
    })
    return answers
  }

  return {
    async ingest(file, signal) {
      let shared = ingests.get(file.id)
      if (shared === undefined) {
        const started = shareIngest((ended) => ingestNow(file, ended))
        shared = started
        ingests.set(file.id, started)
        const forget = (): void => {
          if (ingests.get(file.id) === started) ingests.delete(file.id)
        }
        started.result.then(forget, forget)
        // Whoever comes now would wait for a process that is being stopped.
        started.abandoned.addEventListener('abort', forget, { once: true })
      }
      return await shared.join(signal)
    },
    query: async (job, deadlineMs, signal) =>
      await slots.run(signal, async () => await queryNow(job, deadlineMs, signal)),
    async remove(id) {
      held.drop(id)
      await stored.remove(tableName(id))
    },
    ids: async () => (await stored.names()).map((name) => name.slice(0, -tableEnding.length) as FileId),
    close: held.dropAll,
  }
}

const tableEnding = '.duckdb'

/** Where a table is: the caller's to dispose of in either case. */
type Found = { readonly in: 'child'; readonly child: Child } | { readonly in: 'cache'; readonly table: Held }

type Ingested = Extract<FromChild, { type: 'ingested' }>

function answered(answer: Ingested | null): Ingested {
  if (answer === null) throw new Error('The child ended well and did not say what it read')
  return answer
}

/** What stops an ingest is the file's doing, and the words for a query would mislead. */
const fileErrors: Partial<Record<ErrorCode, string>> = {
  sql_memory: 'Reading the file needs more memory than it may use; split it, or leave out columns.',
  sql_timeout: 'Reading the file takes longer than it may; split it, or leave out columns.',
  sql_failed:
    'The process that read the file ended without an answer: the file is damaged or not what it seems.',
}

function asFileError(error: unknown): unknown {
  const message = error instanceof HoldfastError ? fileErrors[error.code] : undefined
  return message === undefined ? error : new HoldfastError('file_unreadable', message, { cause: error })
}

interface SharedIngest {
  readonly result: Promise<TableProfile>
  /** Nobody waits for it any more. */
  readonly abandoned: AbortSignal
  join(signal: AbortSignal): Promise<TableProfile>
}

/** One ingest for all who wait for it; it stops when the last of them has stopped waiting. */
function shareIngest(start: (signal: AbortSignal) => Promise<TableProfile>): SharedIngest {
  const ended = new AbortController()
  const result = start(ended.signal)
  let waiting = 0
  return {
    result,
    abandoned: ended.signal,
    async join(signal) {
      signal.throwIfAborted()
      waiting += 1
      const { promise: aborted, reject } = Promise.withResolvers<never>()
      const onAbort = (): void => {
        waiting -= 1
        if (waiting === 0) ended.abort(signal.reason)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        return await Promise.race([result, aborted])
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
  }
}
