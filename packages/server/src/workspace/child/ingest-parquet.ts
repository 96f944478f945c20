import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteName, quoteText } from '../casts.ts'
import { readRows } from './duckdb.ts'
import { JobError } from './job-error.ts'
import { firstLine } from './load-table.ts'

/** Parquet, as text: nested values as JSON, times in UTC, everything else as DuckDB writes it. */
export async function loadParquet(connection: DuckDBConnection, path: string): Promise<void> {
  const from = `read_parquet(${quoteText(path)})`
  try {
    const columns = await readRows(
      connection,
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`,
    )
    const list = columns.map(([name, type]) => {
      const column = quoteName(String(name))
      const nested = /[[(]/.test(String(type).replace(/^DECIMAL\([^)]*\)$/, ''))
      return `${nested ? `to_json(${column})` : column}::VARCHAR AS ${column}`
    })
    await connection.run(`CREATE TABLE raw AS SELECT ${list.join(', ')} FROM ${from}`)
  } catch (error) {
    throw new JobError('file_unreadable', `The Parquet file cannot be read: ${firstLine(error)}`, {
      cause: error,
    })
  }
}
