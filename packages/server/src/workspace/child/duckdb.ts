import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { SqlLimits } from '../sql-limits.ts'

export interface Database extends Disposable {
  readonly connection: DuckDBConnection
}

/**
 * A DuckDB in memory with nothing loaded from outside. Times without a zone are UTC everywhere.
 *
 * @param spillTo a directory, or '' for none: with any, files in it stay readable and writable after the lock
 */
export async function openDatabase(limits: SqlLimits, spillTo: string): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(limits.threads),
    memory_limit: `${limits.memoryBytes}B`,
    temp_directory: spillTo,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  })
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return {
    connection,
    [Symbol.dispose]() {
      connection.closeSync()
      instance.closeSync()
    },
  }
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
