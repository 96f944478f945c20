import { randomUUID } from 'node:crypto'
import { access, chmod, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, type FileId, type FileKind, HoldfastError } from '@holdfast/protocol'
import type { Blobs } from './blobs.ts'
import { type FromChild, jobFiles, type QueryJob, type QueryRows, type TableProfile } from './child-jobs.ts'
import { type Child, type ChildJob, openChild, runChild } from './child-process.ts'
import { createHeldTables } from './held-tables.ts'
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
  /** Kills the children that wait. */
  close(): void
}

export interface TableFile {
  readonly id: FileId
  readonly kind: FileKind
}

export interface TableQuery extends Pick<QueryJob, 'prepare' | 'queries'> {
  readonly tables: readonly { readonly name: string; readonly file: TableFile }[]
  /** The server's own SQL: the child may answer another job afterwards. */
  readonly verified: boolean
}

export interface TablesOptions {
  readonly directory: string
  readonly blobs: Blobs
  readonly sql: SqlLimits
  readonly workspace: WorkspaceLimits
}

export function createTables({ directory, blobs, sql, workspace }: TablesOptions): Tables {
  const tablesDirectory = join(directory, 'tables')
  const jobsDirectory = join(directory, 'jobs')
  const slots = createSlots(workspace.jobs)
  const held = createHeldTables(workspace)
  const ingests = new Map<FileId, SharedIngest>()
  const tableOf = (id: FileId): string => join(tablesDirectory, `${id}.duckdb`)
  const isStored = async (id: FileId): Promise<boolean> =>
    await access(tableOf(id)).then(
      () => true,
      () => false,
    )

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

  /** The child is the caller's where it holds the table; else the table is stored. */
  async function read(
    { id, kind }: TableFile,
    wants: { readonly profile: boolean; readonly mayHold: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly profile: TableProfile | null; readonly child: Child | null }> {
    return await inJobDirectory(async (jobDirectory) => {
      await symlink(await blobs.localPath(id), join(jobDirectory, jobFiles.source))
      await using opened = new AsyncDisposableStack()
      const child = opened.use(openChild({ directory: jobDirectory, limits: sql }))
      let answer: Ingested | null = null
      const job: ChildJob = {
        message: { type: 'ingest', job: { kind, ...wants, sql, workspace } },
        deadlineMs: sql.ingestDeadlineMs,
        onMessage: (message) => {
          if (message.type === 'ingested') answer = message
        },
      }
      await child.run(job, signal).catch((error: unknown) => {
        throw asFileError(error)
      })
      const { profile, table } = answered(answer)
      if (table === 'held' && wants.mayHold) {
        opened.move()
        return { profile, child }
      }
      await mkdir(tablesDirectory, { recursive: true, mode: 0o700 })
      await chmod(join(jobDirectory, jobFiles.table), 0o600)
      await rename(join(jobDirectory, jobFiles.table), tableOf(id))
      return { profile, child: null }
    })
  }

  async function ingestNow(file: TableFile, signal: AbortSignal): Promise<TableProfile> {
    return await slots.run(signal, async () => {
      const { profile, child } = await read(file, { profile: true, mayHold: true }, signal)
      if (child !== null) held.keep(file.id, child)
      if (profile === null) throw new Error('The child ended well and sent no profile')
      return profile
    })
  }

  /** A child that holds the one table of the job; null where tables are to be attached. */
  async function holderOf(files: readonly TableFile[], signal: AbortSignal): Promise<Child | null> {
    const [only] = files
    if (only !== undefined && files.length === 1) {
      const child = held.take(only.id)
      if (child !== null) return child
      if (await isStored(only.id)) return null
      return (await read(only, { profile: false, mayHold: true }, signal)).child
    }
    // A child holds one table: for a job over several, each is stored.
    for (const file of files)
      if (!(await isStored(file.id))) await read(file, { profile: false, mayHold: false }, signal)
    return null
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
    const holder = await holderOf(files, signal)
    if (holder !== null) {
      await using opened = new AsyncDisposableStack()
      opened.use(holder)
      await holder.run(childJob, signal)
      const [file] = files
      // W1: whoever else wrote SQL for this child, it answers nobody after that; nor does one in which a job failed.
      if (verified && file !== undefined && holder.isSound()) {
        opened.move()
        held.keep(file.id, holder)
      }
      return answers
    }
    await inJobDirectory(async (jobDirectory) => {
      for (const [index, { id }] of files.entries())
        await symlink(tableOf(id), join(jobDirectory, jobFiles.database(index)))
      await runChild({ ...childJob, directory: jobDirectory, limits: sql }, signal)
    })
    return answers
  }

  return {
    async ingest(file, signal) {
      let shared = ingests.get(file.id)
      if (shared === undefined) {
        shared = shareIngest((ended) => ingestNow(file, ended))
        ingests.set(file.id, shared)
        const forget = (): void => void ingests.delete(file.id)
        shared.result.then(forget, forget)
      }
      return await shared.join(signal)
    },
    query: async (job, deadlineMs, signal) =>
      await slots.run(signal, async () => await queryNow(job, deadlineMs, signal)),
    async remove(id) {
      held.drop(id)
      await rm(tableOf(id), { force: true })
    },
    close: held.dropAll,
  }
}

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
  join(signal: AbortSignal): Promise<TableProfile>
}

/** One ingest for all who wait for it; it stops when the last of them has stopped waiting. */
function shareIngest(start: (signal: AbortSignal) => Promise<TableProfile>): SharedIngest {
  const ended = new AbortController()
  const result = start(ended.signal)
  let waiting = 0
  return {
    result,
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

/** No job lasts nearly so long. */
const staleJobMs = 24 * 60 * 60 * 1_000

/** Removes directories of jobs that a killed server left behind. */
export async function sweepJobs(directory: string, nowMs: number): Promise<void> {
  const jobsDirectory = join(directory, 'jobs')
  const names = await readdir(jobsDirectory).catch(() => [])
  for (const name of names) {
    const path = join(jobsDirectory, name)
    const { mtimeMs } = await stat(path)
    if (nowMs - mtimeMs > staleJobMs) await rm(path, { recursive: true, force: true })
  }
}
