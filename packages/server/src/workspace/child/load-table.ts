import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteText } from '../casts.ts'
import { jobFiles } from '../child-jobs.ts'
import type { WorkspaceLimits } from '../workspace-limits.ts'
import { numberOf, readRows } from './duckdb.ts'
import { JobError } from './job-error.ts'

export interface DelimitedFile {
  readonly path: string
  readonly delimiter: string
  readonly quote: string
  readonly header: boolean
  readonly skipLines: number
  readonly columns: readonly string[]
  readonly lineBytes: number
  /** Rows end where their last value does (what our own writer makes); else a short row is rejected. */
  readonly padRows: boolean
}

export interface LoadedText {
  readonly rows: number
  readonly rejectedRows: number
  /** Of those, how many were rejected for where their quotes stand. */
  readonly badQuotes: number
  readonly problems: readonly string[]
}

/** Loads text as the table `raw`, all VARCHAR, blank as NULL. */
export async function loadDelimited(connection: DuckDBConnection, file: DelimitedFile): Promise<LoadedText> {
  const columns = file.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ')
  const options = [
    'auto_detect = false',
    `columns = {${columns}}`,
    `delim = ${quoteText(file.delimiter)}`,
    `quote = ${quoteText(file.quote)}`,
    `escape = ${quoteText(file.quote)}`,
    `header = ${file.header}`,
    `skip = ${file.skipLines}`,
    `max_line_size = ${file.lineBytes}`,
    // DuckDB's default is 16 lines of the longest kind: one buffer for most files, and so one thread.
    `buffer_size = ${file.lineBytes}`,
    'sample_size = -1',
    ...(file.padRows ? ['null_padding = true', 'parallel = false'] : ['store_rejects = true']),
  ]
  const from = `read_csv(${quoteText(file.path)}, ${options.join(', ')})`
  try {
    await connection.run(`CREATE OR REPLACE TABLE raw AS SELECT * FROM ${from}`)
  } catch (error) {
    throw new JobError('file_unreadable', `The text cannot be split into rows: ${firstLine(error)}`, {
      cause: error,
    })
  }
  const [[rows] = []] = await readRows(connection, 'SELECT count(*) FROM raw')
  const rejects = file.padRows ? [] : await readRejects(connection)
  return {
    rows: numberOf(rows),
    rejectedRows: rejects.reduce((sum, { count }) => sum + count, 0),
    badQuotes: rejects.reduce((sum, { kind, count }) => sum + (/quote/.test(kind) ? count : 0), 0),
    problems: rejects.map(
      ({ kind, count, line }) =>
        `${count} row${count === 1 ? '' : 's'} left out: ${kind} (first at line ${line}).`,
    ),
  }
}

/** Of the last load. A row with several faults is counted under the first. */
async function readRejects(
  connection: DuckDBConnection,
): Promise<{ kind: string; count: number; line: number }[]> {
  const rows = await readRows(
    connection,
    `WITH first AS (SELECT line, min(lower(error_type::VARCHAR)) AS kind FROM reject_errors
      WHERE scan_id = (SELECT max(scan_id) FROM reject_errors) GROUP BY line)
     SELECT kind, count(*) AS n, min(line) FROM first GROUP BY kind ORDER BY n DESC, min(line)`,
  )
  await connection.run('DROP TABLE reject_errors; DROP TABLE reject_scans')
  return rows.map(([kind, count, line]) => ({
    kind: String(kind),
    count: numberOf(count),
    line: numberOf(line),
  }))
}

/** @throws {JobError} file_unreadable */
export function refuseTooWide(columns: number, limits: WorkspaceLimits): void {
  if (columns > limits.columns)
    throw new JobError(
      'file_unreadable',
      `The file has ${columns} columns; the limit is ${limits.columns}. Leave out those the question does not need.`,
    )
}

/**
 * Copies `raw` into its database file. Loading into memory first and storing without compression is the fastest of
 * the ways tried on 1.4 million rows (0.5 + 0.6 s; straight into the file: 1.3 + 1.0 s, as the checkpoint writes twice).
 */
export async function storeTable(connection: DuckDBConnection): Promise<void> {
  await connection.run(`SET force_compression = 'uncompressed'`)
  await connection.run(`ATTACH ${quoteText(jobFiles.table)} AS stored (STORAGE_VERSION 'latest')`)
  await connection.run('CREATE TABLE stored.raw AS SELECT * FROM raw')
  await connection.run('DETACH stored')
}

export async function columnNames(connection: DuckDBConnection, relation: string): Promise<string[]> {
  const rows = await readRows(connection, `SELECT column_name FROM (DESCRIBE SELECT * FROM ${relation})`)
  return rows.map(([name]) => String(name))
}

export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
