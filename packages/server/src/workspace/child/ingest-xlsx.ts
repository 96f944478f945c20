import { open } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import readXlsxFile from 'read-excel-file/node'
import type { FileLayout } from '../file-profile.ts'
import type { WorkspaceLimits } from '../workspace-limits.ts'
import { readZipDirectory, zipTailBytes } from '../zip-directory.ts'
import { findHeader, preambleProblem } from './dialect.ts'
import { loadFlatRows } from './ingest-json.ts'
import { JobError } from './job-error.ts'
import type { FlatRow } from './json-rows.ts'

/** The first sheet with data, its cells as text; dates as ISO text in UTC. */
export async function loadXlsx(
  connection: DuckDBConnection,
  path: string,
  limits: WorkspaceLimits,
): Promise<{ layout: Partial<FileLayout>; problems: string[] }> {
  await refuseBomb(path, limits)
  const sheets = await readSheets(path)
  const sheet = sheets.find(({ data }) => data.length > 0)
  if (sheet === undefined) throw new JobError('file_unreadable', 'No sheet of the workbook has data.')
  const width = Math.max(...sheet.data.map((row) => row.length))
  const records = sheet.data
    .map((row) => Array.from({ length: width }, (_, index) => textOf(row[index] ?? null)))
    .filter((record) => record.some((text) => text !== ''))
  const header = findHeader(trimmed(records.slice(0, 100)))
  const columns = header.columns.length < width ? pad(header.columns, width) : header.columns
  const body = records.slice(header.skip + (header.header ? 1 : 0))
  await loadFlatRows(
    connection,
    columns,
    body.map((record): FlatRow => new Map(columns.map((name, index) => [name, record[index] ?? '']))),
    limits,
  )
  return {
    layout: {
      sheet: sheet.sheet,
      otherSheets: sheets.filter((other) => other !== sheet).map((other) => other.sheet),
      header: header.header,
      preambleLines: header.skip,
    },
    problems: [...preambleProblem(header.skip), ...header.problems],
  }
}

async function readSheets(path: string): ReturnType<typeof readXlsxFile<string>> {
  try {
    // Numbers keep the text the workbook stores.
    return await readXlsxFile(path, { parseNumber: (text) => text })
  } catch (error) {
    throw new JobError(
      'file_unreadable',
      `The workbook cannot be read (${error instanceof Error ? error.message : String(error)}); save it again as .xlsx, or export the sheet as CSV.`,
      { cause: error },
    )
  }
}

function textOf(cell: unknown): string {
  if (cell === null) return ''
  return cell instanceof Date ? cell.toISOString() : String(cell)
}

/** Every row of a sheet has the sheet's width: trailing empty cells are no fields of a preamble line. */
function trimmed(records: readonly (readonly string[])[]): string[][] {
  return records.map((record) => record.slice(0, record.findLastIndex((text) => text !== '') + 1))
}

const pad = (columns: readonly string[], width: number): string[] =>
  Array.from({ length: width }, (_, index) => columns[index] ?? `column_${index + 1}`)

/** A first look at what the archive claims; should it lie, the watchdog over the child's memory ends it. */
async function refuseBomb(path: string, limits: WorkspaceLimits): Promise<void> {
  await using file = await open(path)
  const { size } = await file.stat()
  const bytes = Math.min(size, zipTailBytes)
  const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, size - bytes)
  const entries = readZipDirectory(buffer, size)
  if (entries === null)
    throw new JobError('file_unreadable', 'The workbook is damaged: it has no directory of parts.')
  const unpacked = entries.reduce((sum, entry) => sum + entry.unpackedBytes, 0)
  if (unpacked > limits.xlsxUnpackedBytes)
    throw new JobError(
      'payload_too_large',
      `Unpacked, the workbook has ${unpacked} bytes; the limit is ${limits.xlsxUnpackedBytes}. Export the sheet as CSV.`,
    )
}
