import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteName } from '../casts.ts'
import type { WorkspaceLimits } from '../workspace-limits.ts'
import { JobError } from './job-error.ts'
import { type FlatRow, flatten, isObject, parseJson, rowsOfDocument } from './json-rows.ts'
import { loadDelimited, refuseTooWide } from './load-table.ts'
import { openRowFile, type RowFile, rowFilePath } from './row-file.ts'
import { readHead } from './text-encoding.ts'

export interface LoadedRows {
  readonly rejectedRows: number
  readonly problems: string[]
}

/** JSON Lines: one object a line. A line that is none is rejected and counted. */
export async function loadJsonLines(
  connection: DuckDBConnection,
  path: string,
  limits: WorkspaceLimits,
): Promise<LoadedRows> {
  const rowFile = openRowFile()
  let line = 0
  let rejectedRows = 0
  let firstRejected = 0
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line += 1
    // A byte order mark is no part of the first line.
    const trimmed = (line === 1 ? text.replace(/^\uFEFF/, '') : text).trim()
    if (trimmed === '') continue
    const object = objectOf(trimmed)
    if (object === null) {
      rejectedRows += 1
      if (firstRejected === 0) firstRejected = line
    } else await rowFile.add(flatten(object))
  }
  const problems =
    rejectedRows === 0
      ? []
      : [
          `${rejectedRows} line${rejectedRows === 1 ? ' is' : 's are'} not a JSON object and left out (first at line ${firstRejected}).`,
        ]
  await loadRowFile(connection, rowFile, limits, 'no line of it is a JSON object')
  return { rejectedRows, problems }
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = parseJson(text)
    return isObject(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** A document by its first bytes may be lines after all, where the first is longer than those. */
export async function isJsonLines(path: string, limits: WorkspaceLimits): Promise<boolean> {
  const head = new TextDecoder().decode(await readHead(path, limits.lineBytes))
  const lineEnd = head.indexOf('\n')
  return lineEnd >= 0 && head.slice(lineEnd).trim() !== '' && objectOf(head.slice(0, lineEnd).trim()) !== null
}

/** One JSON document, read as a whole. */
export async function loadJsonDocument(
  connection: DuckDBConnection,
  path: string,
  limits: WorkspaceLimits,
): Promise<LoadedRows> {
  const { size } = await stat(path)
  if (size > limits.jsonDocumentBytes)
    throw new JobError(
      'payload_too_large',
      `A JSON document may have ${limits.jsonDocumentBytes} bytes and this one has ${size}; JSONL (one object a line) is read at any size.`,
    )
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  let document: unknown
  try {
    document = parseJson(text)
  } catch (error) {
    throw new JobError('file_unreadable', `The file is not valid JSON: ${String((error as Error).message)}`, {
      cause: error,
    })
  }
  const found = rowsOfDocument(document)
  if (found === null)
    throw new JobError(
      'file_unreadable',
      'The JSON holds no table: expected an array of objects, or an object with one array of objects.',
    )
  const rowFile = openRowFile()
  for (const row of found.rows) await rowFile.add(row)
  await loadRowFile(connection, rowFile, limits, 'its objects have no values')
  return {
    rejectedRows: found.rejected,
    problems: found.rejected === 0 ? [] : [`${found.rejected} elements are not objects and left out.`],
  }
}

/** Rows that are in memory, under columns already known. */
export async function loadFlatRows(
  connection: DuckDBConnection,
  columns: readonly string[],
  rows: readonly FlatRow[],
  limits: WorkspaceLimits,
): Promise<void> {
  const rowFile = openRowFile(columns)
  for (const row of rows) await rowFile.add(row)
  await loadRowFile(connection, rowFile, limits, 'it has no columns')
}

async function loadRowFile(
  connection: DuckDBConnection,
  rowFile: RowFile,
  limits: WorkspaceLimits,
  otherwise: string,
): Promise<void> {
  const { columns } = await rowFile.end()
  if (columns.length === 0) throw new JobError('file_unreadable', `The file holds no data: ${otherwise}.`)
  refuseTooWide(columns.length, limits)
  // A name no column has: DuckDB compares names without regard to case.
  const mark = columns.reduce(
    (name, column) => (column.toLowerCase().startsWith(name) ? `${column.toLowerCase()} ` : name),
    'mark',
  )
  await loadDelimited(connection, {
    path: rowFilePath,
    delimiter: ',',
    quote: '"',
    header: false,
    skipLines: 0,
    columns: [mark, ...columns],
    lineBytes: limits.lineBytes,
    padRows: true,
  })
  await connection.run(`ALTER TABLE raw DROP COLUMN ${quoteName(mark)}`)
}
