import { stat } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { FileLayout } from '../file-profile.ts'
import type { WorkspaceLimits } from '../workspace-limits.ts'
import { noDelimiter, sniffDialect } from './dialect.ts'
import { JobError } from './job-error.ts'
import { type DelimitedFile, type LoadedText, loadDelimited, refuseTooWide } from './load-table.ts'
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
  refuseTooWide(dialect.columns.length, limits)
  const file = { ...dialect, path, lineBytes: limits.lineBytes, padRows: false }
  const { loaded, problems } = await loadBalanced(connection, file)
  if (loaded.rejectedRows > loaded.rows)
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
    problems: [...dialect.problems, ...problems, ...loaded.problems],
  }
}

/**
 * A quote that is never closed swallows the rest of the file as one bad row. Where quotes went wrong, the text is also
 * read with quotes as ordinary characters, and that is kept if it finds rows that were gone.
 */
async function loadBalanced(
  connection: DuckDBConnection,
  file: DelimitedFile,
): Promise<{ loaded: LoadedText; problems: string[] }> {
  const quoted = await loadDelimited(connection, file)
  if (quoted.badQuotes === 0) return { loaded: quoted, problems: [] }
  const plain = await loadDelimited(connection, { ...file, quote: '' })
  if (plain.rows > quoted.rows * 1.1 && plain.rows > plain.rejectedRows)
    return {
      loaded: plain,
      problems: ['A quotation mark is opened and not closed: all are read as ordinary characters.'],
    }
  return { loaded: await loadDelimited(connection, file), problems: [] }
}
