import { randomUUID } from 'node:crypto'
import { access, chmod, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, type FileId, type FileKind, HoldfastError } from '@holdfast/protocol'
import type { Blobs } from './blobs.ts'
import { jobFiles, type QueryJob, type QueryRows, type TableProfile } from './child-jobs.ts'
import { runChild } from './child-process.ts'
import { createSlots } from './slots.ts'
import type { SqlLimits } from './sql-limits.ts'
import type { WorkspaceLimits } from './workspace-limits.ts'

/** The raw tables on disk, one database file an upload: a cache that an ingest can always make again. */
export interface Tables {
  has(id: FileId): Promise<boolean>
  /** Reads the upload in a child process and keeps its table. Callers at the same time share one ingest. */
  ingest(id: FileId, kind: FileKind, signal: AbortSignal): Promise<TableProfile>
  query(
    job: Omit<QueryJob, 'tables' | 'sql'>,
    tables: readonly { readonly name: string; readonly fileId: FileId }[],
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<readonly QueryRows[]>
  remove(id: FileId): Promise<void>
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
  const ingests = new Map<FileId, SharedIngest>()
  const tableOf = (id: FileId): string => join(tablesDirectory, `${id}.duckdb`)

  /** A directory of the job's own, gone with the job. */
  async function inJobDirectory<Result>(
    signal: AbortSignal,
    work: (jobDirectory: string) => Promise<Result>,
  ): Promise<Result> {
    return await slots.run(signal, async () => {
      const jobDirectory = join(jobsDirectory, randomUUID())
      await mkdir(jobDirectory, { recursive: true, mode: 0o700 })
      try {
        return await work(jobDirectory)
      } finally {
        await rm(jobDirectory, { recursive: true, force: true })
      }
    })
  }

  async function ingestNow(id: FileId, kind: FileKind, signal: AbortSignal): Promise<TableProfile> {
    return await inJobDirectory(signal, async (jobDirectory) => {
      await symlink(await blobs.localPath(id), join(jobDirectory, jobFiles.source))
      let profile: TableProfile | null = null
      await runChild(
        {
          message: { type: 'ingest', job: { kind, sql, workspace } },
          directory: jobDirectory,
          deadlineMs: sql.ingestDeadlineMs,
          limits: sql,
          onMessage: (message) => {
            if (message.type === 'ingested') profile = message.profile
          },
        },
        signal,
      ).catch((error: unknown) => {
        throw asFileError(error)
      })
      if (profile === null) throw new Error('The child ended well and sent no profile')
      await mkdir(tablesDirectory, { recursive: true, mode: 0o700 })
      await chmod(join(jobDirectory, jobFiles.table), 0o600)
      await rename(join(jobDirectory, jobFiles.table), tableOf(id))
      return profile
    })
  }

  return {
    has: async (id) =>
      await access(tableOf(id)).then(
        () => true,
        () => false,
      ),
    async ingest(id, kind, signal) {
      let shared = ingests.get(id)
      if (shared === undefined) {
        shared = shareIngest((ended) => ingestNow(id, kind, ended))
        ingests.set(id, shared)
        const forget = (): void => void ingests.delete(id)
        shared.result.then(forget, forget)
      }
      return await shared.join(signal)
    },
    async query(job, tables, deadlineMs, signal) {
      return await inJobDirectory(signal, async (jobDirectory) => {
        for (const [index, { fileId }] of tables.entries())
          await symlink(tableOf(fileId), join(jobDirectory, jobFiles.database(index)))
        const answers: QueryRows[] = []
        await runChild(
          {
            message: { type: 'query', job: { ...job, tables: tables.map(({ name }) => name), sql } },
            directory: jobDirectory,
            deadlineMs,
            limits: sql,
            onMessage: (message) => {
              if (message.type === 'result') answers.push(message)
            },
          },
          signal,
        )
        return answers
      })
    },
    remove: async (id) => await rm(tableOf(id), { force: true }),
  }
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
