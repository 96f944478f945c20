import { type EpochId, HoldfastError, systemIdMaker } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store, Tx } from '../../store/store.ts'
import type { Blobs } from '../../workspace/blobs.ts'
import type { ArchiveReader } from '../archive/archive.ts'
import type { OnProgress } from '../progress.ts'
import { continueNumbering, digestTable, insertRows, type TableDigest } from '../tables/table-rows.ts'
import { type TableShape, tableShapes } from '../tables/table-shapes.ts'
import { emptyTables, migrationsOf, usedTables, withoutHaste } from '../tables/whole-store.ts'
import { type BackupContent, type BackupSink, readBackup } from './read-backup.ts'
import type { StoredDigest } from './stored-digest.ts'

export interface RestoreOptions {
  readonly store: Store
  readonly blobs: Pick<Blobs, 'write'>
  readonly archive: ArchiveReader
  /** What is in the store now goes. */
  readonly overwrite: boolean
  /** Personal tokens that were revoked after the backup would be good again. */
  readonly withoutTokens: boolean
  /** Asked under the lock that keeps a server from starting. @throws {HoldfastError} not_ready: one is at work */
  readonly requireAlone: (tx: Tx) => Promise<void>
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

export interface RestoreResult {
  readonly createdAt: string
  /** L6: cursors of before the restore are of another log. */
  readonly epoch: EpochId
  readonly tables: Readonly<Record<string, TableDigest>>
  readonly stored: StoredDigest
  /** Files without bytes, which the backup could not have. */
  readonly missing: number
  /** Personal tokens that are good again. */
  readonly tokens: number
}

/**
 * All or nothing. The backup is read twice: before all of it adds up nothing is written, for bytes have no transaction,
 * and what is damaged must not take the place of what is whole. Rows are committed when the store holds what was read.
 * Bytes that were written before it broke off are found again by the next try.
 * @throws {HoldfastError} bad_request: no backup, one that broke off or is damaged, or of another version; or the store
 *   is not empty
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { store } = options
  return await store.db.transaction().execute(async (tx) => {
    await withoutHaste(tx)
    // A server that starts now waits for the end of this.
    await sql`lock table meta in access exclusive mode`.execute(tx)
    await options.requireAlone(tx)
    const shapes = await tableShapes(tx)
    await requireRoom(tx, shapes, options.overwrite)
    const ours = { shapes, migrations: await migrationsOf(tx) }
    await readBackup(options, ours, nowhere(options.onProgress))
    await sql`create temporary table threads_before on commit drop as select id from threads`.execute(tx)
    await emptyTables(tx, shapes)

    const read = await readBackup(options, ours, into(tx, options))
    const tables = await held(tx, shapes, read, options.onProgress)
    for (const shape of shapes) await continueNumbering(tx, shape)
    const missing = read.summary.missing.map(({ id }) => id)
    for (const table of ['files', 'artifacts'])
      await sql`delete from ${sql.table(table)} where id = any(${missing})`.execute(tx)
    // Whoever was signed in then signs in again. Tokens are of programs, and stay unless told otherwise.
    for (const table of ['ws_tickets', 'sessions'] as const) await tx.deleteFrom(table).execute()
    if (options.withoutTokens) await tx.deleteFrom('tokens').execute()
    const { tokens } = await tx
      .selectFrom('tokens')
      .select((select) => select.fn.countAll<number>().as('tokens'))
      .executeTakeFirstOrThrow()
    // Threads that the backup does not know leave their bytes behind: they go as those of deleted ones do.
    await sql`insert into thread_deletions (thread_id)
      select b.id from threads_before b where not exists (select from threads t where t.id = b.id)
      on conflict do nothing`.execute(tx)
    const epoch = systemIdMaker()('epoch')
    await tx.updateTable('meta').set({ value: epoch }).where('key', '=', 'epoch').execute()
    return {
      createdAt: read.header.createdAt,
      epoch,
      tables,
      stored: read.stored,
      missing: missing.length,
      tokens,
    }
  })
}

async function requireRoom(tx: Tx, shapes: readonly TableShape[], overwrite: boolean): Promise<void> {
  const used = await usedTables(tx, shapes)
  if (used.length > 0 && !overwrite)
    throw new HoldfastError(
      'bad_request',
      `The store is not empty (${used.join(', ')}). Restore into a new data directory or database, or say --overwrite: ` +
        'all that is in it now is lost then.',
    )
}

/** The first time: whether it adds up. */
function nowhere(onProgress: OnProgress): BackupSink {
  let bytes = 0
  return {
    entry: (entry) => {
      bytes += entry.bytes
      onProgress({ doing: 'read', bytes })
    },
    rows: async () => {},
    stored: async (_, content) => {
      for await (const _chunk of content);
    },
  }
}

/** The second time: into the tables and the place for files. */
function into(tx: Tx, { blobs, onProgress, signal }: RestoreOptions): BackupSink {
  const rowsOf = new Map<string, number>()
  let files = 0
  let bytes = 0
  return {
    entry: () => {},
    rows: async ({ name, columns }, rows) => {
      await insertRows(tx, name, columns, rows)
      const count = (rowsOf.get(name) ?? 0) + rows.length
      rowsOf.set(name, count)
      onProgress({ doing: 'rows', table: name, rows: count })
    },
    stored: async (key, content, size) => {
      await blobs.write(key, content, signal)
      files += 1
      bytes += size
      onProgress({ doing: 'files', files, bytes })
    },
  }
}

/** What the store holds is what was read. */
async function held(
  tx: Tx,
  shapes: readonly TableShape[],
  { tables }: BackupContent,
  onProgress: OnProgress,
): Promise<Readonly<Record<string, TableDigest>>> {
  const found: Record<string, TableDigest> = {}
  for (const shape of shapes) {
    onProgress({ doing: 'check', table: shape.name })
    const digest = await digestTable(tx, shape)
    if (digest.sha256 !== tables.get(shape.name)?.sha256)
      throw new Error(`The store does not hold the rows of ${shape.name} as they were given to it`)
    found[shape.name] = digest
  }
  return found
}
