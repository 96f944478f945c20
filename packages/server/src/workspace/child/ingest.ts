import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteName } from '../casts.ts'
import { fileDatabase, type IngestJob, jobFiles, type TableProfile } from '../child-jobs.ts'
import type { FileLayout } from '../file-profile.ts'
import { type Database, openDatabase, readRows } from './duckdb.ts'
import { holdTable } from './hold-table.ts'
import { loadText } from './ingest-delimited.ts'
import { isJsonLines, loadJsonDocument, loadJsonLines } from './ingest-json.ts'
import { loadParquet } from './ingest-parquet.ts'
import { columnNames, storeTable } from './load-table.ts'
import { profileTable } from './profile-table.ts'
import { asUtf8, readHead } from './text-encoding.ts'
import { unpackGzip } from './unpack.ts'

export interface Ingested {
  /** null where it was not asked for. */
  readonly profile: TableProfile | null
  /** Locked, with the table in its database `file 0`; null where the table has been stored. */
  readonly held: Database | null
}

/** Reads the upload into the table `raw`, profiles all of its rows, and stores it or holds it. */
export async function ingest(job: IngestJob): Promise<Ingested> {
  const gzip = isGzip(await readHead(jobFiles.source, 2))
  if (gzip) await unpackGzip(jobFiles.source, 'unpacked', job.workspace)
  const path = gzip ? 'unpacked' : jobFiles.source
  const database = await openDatabase(job.sql, 'spill')
  const { connection } = database
  // Where the queries of a job expect it, whether it is held or stored.
  await connection.run(`ATTACH ':memory:' AS ${fileDatabase(0)}`)
  await connection.run(`USE ${fileDatabase(0)}`)
  const loaded = await load(connection, job, path)
  const profile = job.profile ? await profileOf(connection, job, gzip, loaded) : null
  if (await holdTable(database, job)) return { profile, held: database }
  await storeTable(connection)
  return { profile, held: null }
}

async function profileOf(
  connection: DuckDBConnection,
  job: IngestJob,
  gzip: boolean,
  loaded: Loaded,
): Promise<TableProfile> {
  const columns = await columnNames(connection, 'raw')
  const profile = await profileTable(connection, columns)
  const totals = await findTotalsRow(connection, columns, profile.rows)
  return {
    kind: job.kind,
    rows: profile.rows,
    columns: profile.columns,
    layout: { ...loaded.layout, compression: gzip ? 'gzip' : 'none' },
    problems: [...loaded.problems, ...totals, ...profile.problems],
  }
}

const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b

interface Loaded {
  readonly layout: Omit<FileLayout, 'compression'>
  readonly problems: readonly string[]
}

async function load(connection: DuckDBConnection, job: IngestJob, path: string): Promise<Loaded> {
  const { kind } = job
  switch (kind) {
    case 'parquet':
      await loadParquet(connection, path)
      return { layout: { encoding: 'binary', rejectedRows: 0 }, problems: [] }
    case 'xlsx': {
      // On demand: other jobs need not wait for a module they do not use.
      const { loadXlsx } = await import('./ingest-xlsx.ts')
      const { layout, problems } = await loadXlsx(connection, path, job.workspace)
      return { layout: { encoding: 'binary', rejectedRows: 0, ...layout }, problems }
    }
    case 'csv':
    case 'tsv':
    case 'json':
    case 'jsonl': {
      const text = await asUtf8(path, 'decoded')
      const loaded = await loadTextOf(kind, connection, text.path, job)
      return {
        layout: { ...loaded.layout, encoding: text.encoding },
        problems: [...text.problems, ...loaded.problems],
      }
    }
    default:
      return kind satisfies never
  }
}

async function loadTextOf(
  kind: 'csv' | 'tsv' | 'json' | 'jsonl',
  connection: DuckDBConnection,
  path: string,
  job: IngestJob,
): Promise<{ layout: Omit<FileLayout, 'encoding' | 'compression'>; problems: readonly string[] }> {
  if (kind === 'csv' || kind === 'tsv') return await loadText(connection, path, job.workspace)
  const asLines = kind === 'jsonl' || (await isJsonLines(path, job.workspace))
  const load = asLines ? loadJsonLines : loadJsonDocument
  const { rejectedRows, problems } = await load(connection, path, job.workspace)
  return { layout: { rejectedRows }, problems }
}

const totalWords = [
  'total',
  'totals',
  'sum',
  'grand total',
  'subtotal',
  'overall',
  'gesamt',
  'summe',
  'gesamtsumme',
]

/** A last row of sums would be added to what it sums. */
async function findTotalsRow(
  connection: DuckDBConnection,
  columns: readonly string[],
  rows: number,
): Promise<string[]> {
  const [last] = await readRows(
    connection,
    `SELECT ${columns.map(quoteName).join(', ')} FROM raw WHERE rowid = ${rows - 1}`,
  )
  const first = last?.find((cell) => typeof cell === 'string' && cell.trim() !== '')
  const word = String(first ?? '')
    .trim()
    .replace(/:$/, '')
  return totalWords.includes(word.toLowerCase())
    ? [`The last row is a row of totals ("${word}"): it is part of the table and has to be left out of sums.`]
    : []
}
