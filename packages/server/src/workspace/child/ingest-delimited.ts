import { stat } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { FileLayout } from '../file-profile.ts'
import type { WorkspaceLimits } from '../workspace-limits.ts'
import { noDelimiter, sniffDialect } from './dialect.ts'
import { numberOf, readRows } from './duckdb.ts'
import { JobError } from './job-error.ts'
import { loadDelimited } from './load-table.ts'
import { readHead } from './text-encoding.ts'

/** How much of a text its layout is judged by. */
const sniffBytes = 256 * 1024

/** @param path UTF-8 text */
export async function loadText(
  connection: DuckDBConnection,
  path: string,
  limits: WorkspaceLimits,
): Promise<{ layout: Omit<FileLayout, 'encoding' | 'compression'>; problems: string[] }> {
  const head = await readHead(path, sniffBytes)
  const complete = (await stat(path)).size <= sniffBytes
  const text = new TextDecoder().decode(head)
  if (text.trim() === '') throw new JobError('file_unreadable', 'The file is empty: it has no line of text.')
  const dialect = sniffDialect(text, complete)
  if (dialect.columns.length > limits.columns)
    throw new JobError(
      'file_unreadable',
      `The file has ${dialect.columns.length} columns; the limit is ${limits.columns}. Leave out those the question does not need.`,
    )
  const loaded = await loadDelimited(connection, {
    ...dialect,
    path,
    lineBytes: limits.lineBytes,
    padRows: false,
  })
  const [[rows] = []] = await readRows(connection, 'SELECT count(*) FROM raw')
  if (loaded.rejectedRows > numberOf(rows))
    throw new JobError(
      'file_unreadable',
      `Most rows do not fit the header's ${dialect.columns.length} columns (${loaded.problems.join(' ')}) ` +
        `Export the file again as CSV with one delimiter and quoted texts.`,
    )
  return {
    layout: {
      ...(dialect.delimiter === noDelimiter ? {} : { delimiter: dialect.delimiter, quote: dialect.quote }),
      header: dialect.header,
      preambleLines: dialect.skipLines,
      rejectedRows: loaded.rejectedRows,
    },
    problems: [...dialect.problems, ...loaded.problems],
  }
}
