import { type ArtifactId, type FileId, HoldfastError, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store, Tx } from '../../store/store.ts'
import { type BlobKey, BlobMissingError, type Blobs } from '../../workspace/blobs.ts'
import type { ArchiveWriter } from '../archive/archive.ts'
import type { OnProgress } from '../progress.ts'
import { createTableDigester, readRows, rowLine, type TableDigest } from '../tables/table-rows.ts'
import { type TableShape, tableShapes } from '../tables/table-shapes.ts'
import { inSnapshot, migrationsOf } from '../tables/whole-store.ts'
import { type BackupHeader, type BackupSummary, backupNames } from './backup-format.ts'
import { createStoredDigester, type StoredDigest } from './stored-digest.ts'

export interface BackupOptions {
  readonly store: Store
  readonly blobs: Pick<Blobs, 'open'>
  readonly archive: ArchiveWriter
  /** Files whose bytes are lost are left out, rather than that there is no backup. */
  readonly allowMissing: boolean
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

export interface BackupResult {
  readonly tables: Readonly<Record<string, TableDigest>>
  readonly stored: StoredDigest
  /** Files whose bytes are not in it: deleted while it was made, or lost before. */
  readonly missing: number
}

/**
 * Rows of one moment, and the bytes that they refer to. Servers may go on working meanwhile.
 * @throws {HoldfastError} not_found: there are files without bytes that nobody has deleted
 */
export async function writeBackup(options: BackupOptions): Promise<BackupResult> {
  const { store, archive } = options
  const { tables, stored, missing } = await inSnapshot(store.db, async (tx) => {
    const shapes = await tableShapes(tx)
    const header: BackupHeader = {
      holdfast: 'backup',
      format: 1,
      createdAt: new Date().toISOString(),
      epoch: store.epoch,
      migrations: [...(await migrationsOf(tx))],
      tables: shapes.map(({ name, columns }) => ({ name, columns: columns.map((column) => column.name) })),
    }
    await archive.text(backupNames.header, JSON.stringify(header, null, 2))
    const tables: Record<string, TableDigest> = {}
    for (const [index, shape] of shapes.entries())
      tables[shape.name] = await writeTable(tx, index, shape, options)
    return { tables, ...(await writeStored(tx, options)) }
  })
  if (!options.allowMissing) await requireDeleted(store, missing)
  const summary: BackupSummary = { tables, stored, missing: [...missing] }
  await archive.text(backupNames.summary, JSON.stringify(summary, null, 2))
  await archive.finish()
  return { tables, stored, missing: missing.length }
}

/**
 * Whoever deletes a file takes its row away before its bytes, so that a row that still stands has lost its bytes: most
 * likely all of them are elsewhere, and a restore would take the rows of the files away. Asked outside the snapshot,
 * which goes on seeing rows that have gone.
 */
async function requireDeleted({ db }: Store, missing: readonly BlobKey[]): Promise<void> {
  const ids = missing.map(({ id }) => id)
  const { rows } = await sql<{ id: string }>`select id from files where id = any(${ids})
    union all select id from artifacts where id = any(${ids})`.execute(db)
  const [first] = rows
  if (first === undefined) return
  throw new HoldfastError(
    'not_found',
    `The bytes of ${rows.length} files are not where this server keeps files (${first.id} is the first). Check ` +
      'HOLDFAST_FILES, or --data-dir: they must be those of the servers. If the bytes are lost, --allow-missing makes a ' +
      'backup without these files. Nothing was kept.',
  )
}

async function writeTable(
  tx: Tx,
  index: number,
  shape: TableShape,
  { archive, onProgress, signal }: BackupOptions,
): Promise<TableDigest> {
  const digester = createTableDigester()
  let page = 0
  for await (const { rows } of readRows(tx, shape)) {
    signal.throwIfAborted()
    await archive.text(backupNames.rows(index, shape.name, page), rows.map(rowLine).join(''))
    digester.add(rows)
    page += 1
    onProgress({ doing: 'rows', table: shape.name, rows: digester.result().rows })
  }
  return digester.result()
}

interface BlobRow {
  readonly thread_id: ThreadId
  readonly id: FileId | ArtifactId
  readonly bytes: number
}

/** Of one question to the store. */
const blobsPerPage = 500

/** In the order of their names, as an archive has it. */
async function* blobRows(tx: Tx): AsyncGenerator<BlobRow> {
  await sql`declare stored no scroll cursor for
    select thread_id, id, bytes from files union all select thread_id, id, bytes from artifacts
    order by thread_id, id`.execute(tx)
  for (;;) {
    const { rows } = await sql<BlobRow>`fetch ${sql.lit(blobsPerPage)} from stored`.execute(tx)
    if (rows.length === 0) break
    yield* rows
  }
  await sql`close stored`.execute(tx)
}

async function writeStored(
  tx: Tx,
  { blobs, archive, onProgress, signal }: BackupOptions,
): Promise<{ readonly stored: StoredDigest; readonly missing: readonly BlobKey[] }> {
  const digester = createStoredDigester()
  const missing: BlobKey[] = []
  for await (const { thread_id: threadId, id, bytes } of blobRows(tx)) {
    signal.throwIfAborted()
    const key = { threadId, id }
    const content = await blobs.open(key).catch((error: unknown) => {
      if (error instanceof BlobMissingError) return null
      throw error
    })
    if (content === null) {
      missing.push(key)
      continue
    }
    await archive.stream(backupNames.stored(threadId, id), bytes, digester.pass(key, content))
    const { files, bytes: all } = digester.result()
    onProgress({ doing: 'files', files, bytes: all })
  }
  return { stored: digester.result(), missing }
}
