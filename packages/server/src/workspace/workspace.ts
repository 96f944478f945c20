import type { Readable } from 'node:stream'
import type {
  ArtifactId,
  ArtifactInfo,
  ArtifactKind,
  Cell,
  FileId,
  FileInfo,
  RunId,
  ThreadId,
} from '@holdfast/protocol'
import type { Principal } from '../principal.ts'
import type { FileProfile } from './file-profile.ts'

/** A thread's files, tables and artifacts. User content is opened only in a child process (D1). */
export interface Workspace {
  /**
   * Streams to disk under the size limit, then tells the kind by content, never by name.
   * @throws {HoldfastError} payload_too_large, unsupported_media_type (says what was found), file_unreadable, not_found
   */
  upload(principal: Principal, threadId: ThreadId, upload: Upload, signal: AbortSignal): Promise<FileInfo>
  files(principal: Principal, threadId: ThreadId): Promise<readonly FileInfo[]>
  file(principal: Principal, fileId: FileId): Promise<FileInfo>
  removeFile(principal: Principal, fileId: FileId): Promise<void>
  artifact(principal: Principal, artifactId: ArtifactId): Promise<{ info: ArtifactInfo; content: Readable }>
  /** The view of one thread that a run's tools get: ids come from here and never from model text (A3). */
  thread(principal: Principal, threadId: ThreadId): ThreadWorkspace
  /** Forgets what this node has made of files that are gone, whichever node deleted them. */
  sweep(): Promise<void>
}

export interface Upload {
  readonly name: string
  readonly content: AsyncIterable<Uint8Array>
}

export interface ThreadWorkspace {
  files(): Promise<readonly FileInfo[]>
  /**
   * Ingests on first use (in a child process), then answers from the stored profile.
   * @throws {HoldfastError} file_unreadable: says what is wrong with the file and what to do
   */
  profile(fileId: FileId, signal: AbortSignal): Promise<FileProfile>
  /**
   * One child process: the named files' raw tables attached read-only, or the one table it has read itself; locked;
   * then `prepare`, then the queries.
   * @throws {HoldfastError} sql_refused (the gate), sql_failed, sql_timeout, sql_memory
   */
  runSql(job: SqlJob, signal: AbortSignal): Promise<readonly SqlResult[]>
  /** Stores an artifact's bytes and row. `runId` is the run that made it. */
  createArtifact(runId: RunId, artifact: NewArtifact): Promise<ArtifactInfo>
  readArtifact(artifactId: ArtifactId): Promise<Uint8Array>
}

export interface NewArtifact {
  readonly kind: ArtifactKind
  readonly title: string
  readonly mediaType: string
  readonly rows?: number
  readonly content: string | Uint8Array
}

export interface SqlJob {
  /** Raw tables by the name the SQL uses. Every column is VARCHAR and bears its profile's column name. */
  readonly tables: readonly { readonly name: string; readonly fileId: FileId }[]
  /** Statements written by the server itself (typed views over the raw tables), run after the lock, not gated. */
  readonly prepare: readonly string[]
  readonly queries: readonly SqlQuery[]
  /** All of it is the server's own SQL, of a playbook: its child may answer another job (W1). Default: false. */
  readonly verified?: boolean
  /** Of the whole job. Default limits of sql-limits.ts. */
  readonly deadlineMs?: number
}

export interface SqlQuery {
  readonly id: string
  /** Exactly one SELECT; it passes the gate before it runs, whoever wrote it. */
  readonly sql: string
  /** Rows beyond are not fetched, and the result says truncated. Default sqlLimits.rows. */
  readonly maxRows?: number
}

export interface SqlResult {
  readonly id: string
  readonly sql: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  readonly truncated: boolean
}
