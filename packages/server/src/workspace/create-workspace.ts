import { join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  type ArtifactId,
  type FileId,
  type FileInfo,
  HoldfastError,
  systemIdMaker,
  type ThreadId,
} from '@holdfast/protocol'
import type { Principal } from '../principal.ts'
import { sqlFault } from '../store/sql-state.ts'
import type { Store } from '../store/store.ts'
import { StoreAwayError } from '../store/store-fault.ts'
import type { BlobKey, Blobs } from './blobs.ts'
import type { QueryRows } from './child-jobs.ts'
import { kindOf } from './file-kind.ts'
import type { FileProfile } from './file-profile.ts'
import { createLocalUploads } from './local-uploads.ts'
import { createUploadObserver } from './observe-upload.ts'
import { type ArtifactRow, artifactInfo, cleanName, type FileRow, fileInfo } from './rows.ts'
import { type SqlLimits, sqlLimits } from './sql-limits.ts'
import { sweepStale } from './sweep-stale.ts'
import { createTables, type TableQuery } from './tables.ts'
import type { SqlJob, SqlQuery, ThreadWorkspace, Upload, Workspace } from './workspace.ts'
import { type WorkspaceLimits, workspaceLimits } from './workspace-limits.ts'

export interface WorkspaceOptions {
  readonly store: Store
  /** Where the bytes are, for all nodes. */
  readonly blobs: Blobs
  /** Of this node alone: its caches and the directories of its jobs are made below, 0700. */
  readonly dataDir: string
  /** Default: workspaceLimits. */
  readonly limits?: Partial<WorkspaceLimits>
  /** Default: sqlLimits. */
  readonly sqlLimits?: Partial<SqlLimits>
  /** Aborts when the server ends: children that wait for a query are killed. Default: they wait their time. */
  readonly ended?: AbortSignal
  /** Default: silent. */
  readonly logger?: WorkspaceLogger
}

/** What the workspace needs of a logger. */
export interface WorkspaceLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** The workspace on the store's rows and the blobs they refer to. */
export function createWorkspace({
  store,
  blobs,
  dataDir,
  limits,
  sqlLimits: bounds,
  ended,
  logger,
}: WorkspaceOptions): Workspace {
  const { db } = store
  const makeId = systemIdMaker()
  const sql: SqlLimits = { ...sqlLimits, ...bounds }
  const workspace: WorkspaceLimits = { ...workspaceLimits, ...limits }
  // Children have working directories of their own: a relative path would not be found there.
  const directory = resolve(dataDir)
  const cache = join(directory, 'cache')
  const uploads = createLocalUploads(blobs, cache, workspace.cachedUploadBytes)
  const tables = createTables({ directory, uploads, sql, workspace })
  ended?.addEventListener('abort', tables.close, { once: true })
  for (const left of [join(directory, 'jobs'), join(cache, 'partial')])
    sweepStale(left, Date.now()).catch((error: unknown) =>
      logger?.warn({ error }, 'What old jobs left behind could not be removed'),
    )

  async function requireThread(principal: Principal, threadId: ThreadId): Promise<void> {
    const found = await db
      .selectFrom('threads')
      .select('id')
      .where('id', '=', threadId)
      .where('owner', '=', principal.userId)
      .executeTakeFirst()
    if (found === undefined) throw noThread(threadId)
  }

  async function fileRow(principal: Principal, fileId: FileId, threadId?: ThreadId): Promise<FileRow> {
    let query = db
      .selectFrom('files')
      .selectAll()
      .where('id', '=', fileId)
      .where('owner', '=', principal.userId)
    if (threadId !== undefined) query = query.where('thread_id', '=', threadId)
    const row = await query.executeTakeFirst()
    if (row === undefined) throw new HoldfastError('not_found', `There is no file ${fileId}.`)
    return row
  }

  async function listFiles(principal: Principal, threadId: ThreadId): Promise<readonly FileInfo[]> {
    await requireThread(principal, threadId)
    const rows = await db
      .selectFrom('files')
      .selectAll()
      .where('thread_id', '=', threadId)
      .where('owner', '=', principal.userId)
      .orderBy('id')
      .execute()
    return rows.map(fileInfo)
  }

  async function upload(
    principal: Principal,
    threadId: ThreadId,
    { name, content }: Upload,
    signal: AbortSignal,
  ): Promise<FileInfo> {
    await requireThread(principal, threadId)
    const id = makeId('file')
    const seen = createUploadObserver(workspace.fileBytes)
    await blobs.write({ threadId, id }, seen.pass(content), signal)
    try {
      const { bytes, sha256, head, tail } = seen.result()
      const row = await db
        .insertInto('files')
        .values({
          id,
          thread_id: threadId,
          owner: principal.userId,
          name: cleanName(name, workspace.nameLength),
          kind: kindOf(head, tail, bytes),
          bytes,
          sha256,
          profile: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return fileInfo(row)
    } catch (error) {
      await forgetUnstored(error, { threadId, id })
      throw ofMissingThread(error, threadId)
    }
  }

  /**
   * Its row was not stored. Where the database did not say what became of it, the bytes stay: a row without them would
   * be a file that nobody can read, and bytes without a row go with their thread.
   */
  async function forgetUnstored(error: unknown, key: BlobKey): Promise<void> {
    if (!(error instanceof StoreAwayError)) await blobs.remove(key)
  }

  async function profile(row: FileRow, signal: AbortSignal): Promise<FileProfile> {
    if (row.profile !== null) return row.profile as FileProfile
    return await ingest(row, signal)
  }

  async function ingest(row: FileRow, signal: AbortSignal): Promise<FileProfile> {
    const found = await tables.ingest(row, signal)
    logger?.info(
      { file: row.id, kind: row.kind, rows: found.rows, columns: found.columns.length },
      'File read',
    )
    const made: FileProfile = { ...found, fileId: row.id, fileName: row.name }
    const stored = await db
      .updateTable('files')
      .set({ profile: JSON.stringify(made) })
      .where('id', '=', row.id)
      .where('owner', '=', row.owner)
      .returning('id')
      .executeTakeFirst()
    if (stored === undefined) {
      // Removed while it was being read: the table must not outlive the file.
      await forget(row.id)
      throw new HoldfastError('not_found', `There is no file ${row.id}.`)
    }
    return made
  }

  async function runSql(
    principal: Principal,
    threadId: ThreadId,
    job: SqlJob,
    signal: AbortSignal,
  ): Promise<readonly { query: SqlQuery; answer: QueryRows }[]> {
    if (job.queries.length > sql.queriesPerJob)
      throw new HoldfastError(
        'sql_refused',
        `A job may have ${sql.queriesPerJob} queries, not ${job.queries.length}.`,
      )
    const files: TableQuery['tables'][number][] = []
    for (const { name, fileId } of job.tables)
      files.push({ name, file: await fileRow(principal, fileId, threadId) })
    const answers = await tables.query(
      {
        tables: files,
        verified: job.verified ?? false,
        prepare: job.prepare,
        queries: job.queries.map((query) => ({
          id: query.id,
          sql: query.sql,
          maxRows: Math.min(query.maxRows ?? sql.rows, sql.rows),
        })),
      },
      job.deadlineMs ?? sql.deadlineMs,
      signal,
    )
    return job.queries.map((query, index) => {
      const answer = answers[index]
      if (answer?.id !== query.id) throw new Error(`The child did not answer query ${query.id}`)
      return { query, answer }
    })
  }

  /** What this node has made of the upload. Other nodes find out by themselves (sweep). */
  async function forget(fileId: FileId): Promise<void> {
    await tables.remove(fileId)
    await uploads.remove(fileId)
  }

  async function removeFile(principal: Principal, fileId: FileId): Promise<void> {
    const { thread_id: threadId } = await fileRow(principal, fileId)
    await db.deleteFrom('files').where('id', '=', fileId).where('owner', '=', principal.userId).execute()
    await forget(fileId)
    await blobs.remove({ threadId, id: fileId })
  }

  async function artifactRow(
    principal: Principal,
    id: ArtifactId,
    threadId?: ThreadId,
  ): Promise<ArtifactRow> {
    let query = db
      .selectFrom('artifacts')
      .selectAll()
      .where('id', '=', id)
      .where('owner', '=', principal.userId)
    if (threadId !== undefined) query = query.where('thread_id', '=', threadId)
    const row = await query.executeTakeFirst()
    if (row === undefined) throw new HoldfastError('not_found', `There is no artifact ${id}.`)
    return row
  }

  function thread(principal: Principal, threadId: ThreadId): ThreadWorkspace {
    return {
      files: async () => await listFiles(principal, threadId),
      profile: async (fileId, signal) => await profile(await fileRow(principal, fileId, threadId), signal),
      async runSql(job, signal) {
        const results = await runSql(principal, threadId, job, signal)
        return results.map(({ query, answer: { id, columns, rows, truncated } }) => ({
          id,
          sql: query.sql,
          columns,
          rows,
          truncated,
        }))
      },
      async createArtifact(runId, artifact) {
        await requireThread(principal, threadId)
        const bytes = typeof artifact.content === 'string' ? Buffer.from(artifact.content) : artifact.content
        if (bytes.length > workspace.artifactBytes)
          throw new HoldfastError(
            'payload_too_large',
            `The artifact "${artifact.title}" has ${bytes.length} bytes; the limit is ${workspace.artifactBytes}.`,
          )
        const id = makeId('artifact')
        await blobs.write({ threadId, id }, once(bytes))
        try {
          const row = await db
            .insertInto('artifacts')
            .values({
              id,
              thread_id: threadId,
              run_id: runId,
              owner: principal.userId,
              kind: artifact.kind,
              title: artifact.title,
              media_type: artifact.mediaType,
              rows: artifact.rows ?? null,
              bytes: bytes.length,
            })
            .returningAll()
            .executeTakeFirstOrThrow()
          return artifactInfo(row)
        } catch (error) {
          await forgetUnstored(error, { threadId, id })
          throw ofMissingThread(error, threadId)
        }
      },
      async readArtifact(id) {
        await artifactRow(principal, id, threadId)
        return await buffer(await blobs.open({ threadId, id }))
      },
    }
  }

  return {
    upload,
    files: listFiles,
    file: async (principal, fileId) => fileInfo(await fileRow(principal, fileId)),
    removeFile,
    async artifact(principal, id) {
      const row = await artifactRow(principal, id)
      return { info: artifactInfo(row), content: await blobs.open({ threadId: row.thread_id, id }) }
    },
    thread,
    async sweep() {
      const cached = [...new Set([...(await tables.ids()), ...(await uploads.ids())])]
      for (let at = 0; at < cached.length; at += sweepFiles) {
        const some = cached.slice(at, at + sweepFiles)
        const rows = await db.selectFrom('files').select('id').where('id', 'in', some).execute()
        const kept = new Set(rows.map(({ id }) => id))
        for (const id of some) if (!kept.has(id)) await forget(id)
      }
    },
  }
}

/** Of one question to the store. */
const sweepFiles = 1_000

const noThread = (threadId: ThreadId, options?: ErrorOptions): HoldfastError =>
  new HoldfastError('not_found', `There is no thread ${threadId}.`, options)

/** The thread was there when the bytes began to come, and was deleted meanwhile. */
function ofMissingThread(error: unknown, threadId: ThreadId): unknown {
  return sqlFault(error)?.state === foreignKeyViolation ? noThread(threadId, { cause: error }) : error
}
const foreignKeyViolation = '23503'

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
