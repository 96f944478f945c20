import type { DuckDBConnection } from '@duckdb/node-api'
import type { FileKind } from '@holdfast/protocol'
import type { IngestJob } from '../child-jobs.ts'
import { type Database, lock, numberOf, readRows } from './duckdb.ts'

/** Kinds that are read again about as fast as a stored table is written: the others are always stored. */
const quickKinds: ReadonlySet<FileKind> = new Set(['csv', 'tsv', 'parquet'])

/**
 * Keeps the table of an ingest in memory for the queries to come, instead of storing it, where that pays: storing a
 * table of 1.4 million rows takes as long as reading the text once more.
 *
 * The child is then locked as one that has attached stored tables is (run-queries.ts), before any SQL but the server's
 * own has run in it. The table counts as beside the memory a query may use, as the pages of a stored one would.
 *
 * @returns false where the table has to be stored: small, too large, of a slow kind, or spilled
 */
export async function holdTable({ connection }: Database, job: IngestJob): Promise<boolean> {
  const { workspace } = job
  if (!job.mayHold || !quickKinds.has(job.kind)) return false
  const bytes = await tableBytes(connection)
  if (bytes < workspace.heldFromBytes || bytes > workspace.heldUpToBytes) return false
  // While files of a spill exist DuckDB refuses to forget where they are, and SQL could read them.
  const [[spilled] = []] = await readRows(connection, 'SELECT count(*) FROM duckdb_temporary_files()')
  if (numberOf(spilled) > 0) return false
  await connection.run(`SET temp_directory = ''`)
  await connection.run(`SET memory_limit = '${job.sql.memoryBytes + bytes}B'`)
  await connection.run('USE memory')
  await lock(connection)
  return true
}

async function tableBytes(connection: DuckDBConnection): Promise<number> {
  const [[bytes] = []] = await readRows(
    connection,
    `SELECT coalesce(sum(memory_usage_bytes), 0) FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'`,
  )
  return numberOf(bytes)
}
