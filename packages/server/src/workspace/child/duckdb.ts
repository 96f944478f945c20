import { availableParallelism } from 'node:os'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { SqlLimits } from '../sql-limits.ts'

export interface Database {
  readonly connection: DuckDBConnection
  /** Another connection to the same database, with nothing of the first's temporary tables. */
  connect(): Promise<DuckDBConnection>
}

/**
 * A DuckDB in memory with nothing loaded from outside. Times without a zone are UTC everywhere.
 *
 * It is never closed: the process ends instead, and giving back its memory piece by piece would only take time.
 *
 * @param spillTo a directory, or '' for none: with any, files in it stay readable and writable after the lock
 */
export async function openDatabase(limits: SqlLimits, spillTo: string): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(Math.min(limits.threads, availableParallelism())),
    memory_limit: `${limits.memoryBytes}B`,
    temp_directory: spillTo,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  })
  const connection = await instance.connect()
  await connection.run(`SET GLOBAL TimeZone = 'UTC'`)
  return { connection, connect: async () => await instance.connect() }
}

/**
 * The lock: from here on nothing of this process's SQL reaches a file, and nothing can undo it. There must be nowhere
 * to spill by now (`openDatabase`).
 */
export async function lock(connection: DuckDBConnection): Promise<void> {
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  leaveRoot()
}

/** "nobody" on every Linux. What was to be read is open or in memory, so reading it needs no right any more. */
const nobody = 65_534

function leaveRoot(): void {
  if (process.getuid?.() !== 0) return
  process.setgroups?.([])
  process.setgid?.(nobody)
  process.setuid?.(nobody)
}

/** All rows of a query the server wrote. */
export async function readRows(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJS()
}

/** Counts come as bigint, sums as number or bigint; what is no number was a mistake in the query. */
export function numberOf(value: unknown): number {
  const number = Number(value)
  if (value === null || value === undefined || Number.isNaN(number))
    throw new Error(`No number: ${String(value)}`)
  return number
}
