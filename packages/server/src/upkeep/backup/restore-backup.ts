import { text } from 'node:stream/consumers'
import { type EpochId, HoldfastError, systemIdMaker } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { z } from 'zod'
import type { Store, Tx } from '../../store/store.ts'
import type { Blobs } from '../../workspace/blobs.ts'
import type { ArchiveEntry, ArchiveReader } from '../archive/archive.ts'
import type { OnProgress } from '../progress.ts'
import {
  continueNumbering,
  createTableDigester,
  digestTable,
  insertRows,
  type RowTexts,
  type TableDigest,
  type TableDigester,
} from '../tables/table-rows.ts'
import { type TableShape, tableShapes } from '../tables/table-shapes.ts'
import { emptyTables, migrationsOf, usedTables, withoutHaste } from '../tables/whole-store.ts'
import { BackupHeader, BackupSummary, backupEntry } from './backup-format.ts'
import { createStoredDigester, type StoredDigest } from './stored-digest.ts'

export interface RestoreOptions {
  readonly store: Store
  readonly blobs: Pick<Blobs, 'write'>
  readonly archive: ArchiveReader
  /** What is in the store now goes. */
  readonly overwrite: boolean
  /** Personal tokens that were revoked after the backup would be good again. */
  readonly withoutTokens: boolean
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
 * All or nothing: rows are committed when the whole backup has been read and adds up. Bytes that were written before it
 * broke off are found again by the next try.
 * @throws {HoldfastError} bad_request: no backup, one that broke off or is damaged, or of another version; or the store
 *   is not empty
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { store } = options
  return await store.db.transaction().execute(async (tx) => {
    await withoutHaste(tx)
    // A server that starts now waits for the end of this.
    await sql`lock table meta in access exclusive mode`.execute(tx)
    const shapes = await tableShapes(tx)
    await requireRoom(tx, shapes, options.overwrite)
    await sql`create temporary table threads_before on commit drop as select id from threads`.execute(tx)
    await emptyTables(tx, shapes)

    const read = await readInto(tx, shapes, options)
    const tables = await checked(tx, shapes, read, options.onProgress)
    for (const shape of shapes) await continueNumbering(tx, shape)
    const { missing } = read.summary
    for (const table of ['files', 'artifacts'] as const)
      if (missing.length > 0)
        await tx
          .deleteFrom(table)
          .where(
            'id',
            'in',
            missing.map(({ id }) => id as never),
          )
          .execute()
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

interface Read {
  readonly header: z.output<typeof BackupHeader>
  readonly summary: z.output<typeof BackupSummary>
  readonly tables: ReadonlyMap<string, TableDigester>
  readonly stored: StoredDigest
}

/** Every entry of the backup, in its order, into the tables and the place for files. */
async function readInto(
  tx: Tx,
  shapes: readonly TableShape[],
  { archive, blobs, onProgress, signal }: RestoreOptions,
): Promise<Read> {
  const digests = new Map(shapes.map(({ name }) => [name, createTableDigester()]))
  const stored = createStoredDigester()
  let header: Read['header'] | null = null
  let summary: Read['summary'] | null = null
  for await (const entry of archive.entries) {
    signal.throwIfAborted()
    const what = backupEntry(entry.name)
    if (what === null || summary !== null || (header === null) !== (what.kind === 'header'))
      throw damaged(`${entry.name} does not belong where it stands`)
    switch (what.kind) {
      case 'header':
        header = await parse(entry, BackupHeader)
        requireSameTables(header, shapes, await migrationsOf(tx))
        break
      case 'rows': {
        const shape = shapes.find(({ name }) => name === what.table)
        const digester = digests.get(what.table)
        if (shape === undefined || digester === undefined) throw damaged(`there is no table ${what.table}`)
        const rows = await rowsOf(entry, shape)
        await insertRows(tx, shape.name, shape.columns, rows)
        digester.add(rows)
        onProgress({ doing: 'rows', table: shape.name, rows: digester.result().rows })
        break
      }
      case 'stored': {
        await blobs.write(what.key, stored.pass(what.key, entry.content), signal)
        const { files, bytes } = stored.result()
        onProgress({ doing: 'files', files, bytes })
        break
      }
      case 'summary':
        summary = await parse(entry, BackupSummary)
        break
      default:
        what satisfies never
    }
  }
  if (header === null) throw new HoldfastError('bad_request', 'This is no backup of Holdfast.')
  if (summary === null) throw damaged('it has no end: making it was interrupted')
  return { header, summary, tables: digests, stored: stored.result() }
}

/** What was read is what was written, and what the store holds is what was read. */
async function checked(
  tx: Tx,
  shapes: readonly TableShape[],
  { summary, tables, stored }: Read,
  onProgress: OnProgress,
): Promise<Readonly<Record<string, TableDigest>>> {
  const found: Record<string, TableDigest> = {}
  for (const shape of shapes) {
    const wanted = summary.tables[shape.name]
    const read = tables.get(shape.name)?.result()
    if (wanted?.sha256 !== read?.sha256)
      throw damaged(`the rows of ${shape.name} are not those that were written`)
    onProgress({ doing: 'check', table: shape.name })
    const held = await digestTable(tx, shape)
    if (held.sha256 !== wanted?.sha256)
      throw new Error(`The store does not hold the rows of ${shape.name} as they were given to it`)
    found[shape.name] = held
  }
  if (stored.sha256 !== summary.stored.sha256) throw damaged('the files are not those that were written')
  return found
}

function requireSameTables(
  header: Read['header'],
  shapes: readonly TableShape[],
  migrations: readonly string[],
): void {
  const [theirs, ours] = [header.migrations.at(-1) ?? '', migrations.at(-1) ?? '']
  if (JSON.stringify(header.migrations) !== JSON.stringify(migrations))
    throw new HoldfastError(
      'bad_request',
      `The backup was made by a version whose tables end at ${theirs}, and these end at ${ours}. Restore it with that ` +
        'version; a newer one brings the store up to date when it starts.',
    )
  const columns = (tables: Read['header']['tables']): string => JSON.stringify(tables)
  const own = shapes.map(({ name, columns: all }) => ({ name, columns: all.map((column) => column.name) }))
  if (columns(header.tables) !== columns(own)) throw damaged('its tables are not those of its version')
}

async function parse<T extends z.ZodType>(entry: ArchiveEntry, schema: T): Promise<z.output<T>> {
  const content = await text(entry.content)
  try {
    return schema.parse(JSON.parse(content))
  } catch (error) {
    throw damaged(`${entry.name} is not what it should be`, error)
  }
}

async function rowsOf(entry: ArchiveEntry, { columns }: TableShape): Promise<readonly RowTexts[]> {
  const content = await text(entry.content)
  try {
    return content
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const row: unknown = JSON.parse(line)
        if (!isRow(row) || row.length !== columns.length) throw new Error('A row is an array of texts')
        return row
      })
  } catch (error) {
    throw damaged(`${entry.name} is not what it should be`, error)
  }
}

const isRow = (row: unknown): row is RowTexts =>
  Array.isArray(row) && row.every((value) => value === null || typeof value === 'string')

const damaged = (why: string, cause?: unknown): HoldfastError =>
  new HoldfastError('bad_request', `The backup is damaged: ${why}. Nothing was restored.`, { cause })
