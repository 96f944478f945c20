import type { Cell, ErrorCode, FileKind } from '@holdfast/protocol'
import type { FileProfile } from './file-profile.ts'
import type { SqlLimits } from './sql-limits.ts'
import type { WorkspaceLimits } from './workspace-limits.ts'

/**
 * What the server tells a child: a job, perhaps to interrupt it, and, where the child holds a table, jobs on that.
 * Trusted: the server wrote it.
 */
export type ToChild =
  | { readonly type: 'ingest'; readonly job: IngestJob }
  | { readonly type: 'query'; readonly job: QueryJob }
  | { readonly type: 'interrupt' }

/**
 * A child finds its files under fixed names in its working directory, so that no path of the server, and no character
 * DuckDB would take for a glob, reaches an SQL text or an error message.
 */
export const jobFiles = {
  /** The upload as it came. */
  source: 'source',
  /** The database with the one table `raw`, written by an ingest. */
  table: 'table.duckdb',
  /** The databases a query job reads. */
  database: (index: number): string => `table-${index}.duckdb`,
} as const

/** The name, quoted, under which a child has the database of the file at `index` of a job. */
export const fileDatabase = (index: number): string => `"file ${index}"`

export interface IngestJob {
  readonly kind: FileKind
  /** Without, the table is only read: the profile is known. */
  readonly profile: boolean
  /** The child may keep the table in memory for queries, instead of storing it (hold-table.ts). */
  readonly mayHold: boolean
  readonly sql: SqlLimits
  readonly workspace: WorkspaceLimits
}

export interface QueryJob {
  /** Names of the tables, each of the file with this number: of `jobFiles.database`, or 0 where one is held. */
  readonly tables: readonly { readonly name: string; readonly file: number }[]
  readonly prepare: readonly string[]
  readonly queries: readonly { readonly id: string; readonly sql: string; readonly maxRows: number }[]
  readonly sql: SqlLimits
}

/** A file's profile but for what only the server knows of it. */
export type TableProfile = Omit<FileProfile, 'fileId' | 'fileName'>

export type FailureCode = Extract<
  ErrorCode,
  | 'file_unreadable'
  | 'payload_too_large'
  | 'sql_refused'
  | 'sql_failed'
  | 'sql_timeout'
  | 'sql_memory'
  | 'internal'
>

export interface QueryRows {
  readonly id: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  readonly truncated: boolean
}

/** What a child answers; child-messages.ts checks it on arrival. */
export type FromChild =
  | {
      readonly type: 'ingested'
      readonly profile: TableProfile | null
      /** held: the child is locked and goes on to wait for queries. */
      readonly table: 'stored' | 'held'
    }
  | ({ readonly type: 'result' } & QueryRows)
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: FailureCode; readonly message: string }
