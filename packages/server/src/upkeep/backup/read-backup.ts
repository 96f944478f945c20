import { text } from 'node:stream/consumers'
import { HoldfastError } from '@holdfast/protocol'
import type { z } from 'zod'
import type { BlobKey } from '../../workspace/blobs.ts'
import type { ArchiveEntry, ArchiveReader } from '../archive/archive.ts'
import { createTableDigester, type RowTexts, type TableDigest } from '../tables/table-rows.ts'
import type { TableShape } from '../tables/table-shapes.ts'
import { BackupHeader, BackupSummary, backupEntry } from './backup-format.ts'
import { createStoredDigester, type StoredDigest } from './stored-digest.ts'

/** Where what is read goes, in the order of the backup. */
export interface BackupSink {
  entry(entry: ArchiveEntry): void
  rows(shape: TableShape, rows: readonly RowTexts[]): Promise<void>
  /** Takes all of the content. */
  stored(key: BlobKey, content: AsyncIterable<Uint8Array>, bytes: number): Promise<void>
}

/** What a backup holds that adds up. */
export interface BackupContent {
  readonly header: z.output<typeof BackupHeader>
  readonly summary: z.output<typeof BackupSummary>
  readonly tables: ReadonlyMap<string, TableDigest>
  readonly stored: StoredDigest
}

/**
 * Every entry of the backup. Whether it is what was written is known when it resolves, and not before: whoever must
 * not take what is damaged reads it twice.
 * @param ours what the store has that it is for
 * @throws {HoldfastError} bad_request: no backup, one that broke off or is damaged, or of another version
 */
export async function readBackup(
  { archive, signal }: { readonly archive: ArchiveReader; readonly signal: AbortSignal },
  ours: { readonly shapes: readonly TableShape[]; readonly migrations: readonly string[] },
  sink: BackupSink,
): Promise<BackupContent> {
  const { shapes, migrations } = ours
  const digesters = new Map(shapes.map(({ name }) => [name, createTableDigester()]))
  const digester = createStoredDigester()
  let header: BackupContent['header'] | null = null
  let summary: BackupContent['summary'] | null = null
  for await (const entry of archive.entries()) {
    signal.throwIfAborted()
    const what = backupEntry(entry.name)
    if (what === null || summary !== null || (header === null) !== (what.kind === 'header'))
      throw damaged(`${entry.name} does not belong where it stands`)
    switch (what.kind) {
      case 'header':
        header = await parse(entry, BackupHeader)
        requireSameTables(header, shapes, migrations)
        break
      case 'rows': {
        const shape = shapes.find(({ name }) => name === what.table)
        if (shape === undefined) throw damaged(`there is no table ${what.table}`)
        const rows = await rowsOf(entry, shape)
        digesters.get(shape.name)?.add(rows)
        await sink.rows(shape, rows)
        break
      }
      case 'stored':
        await sink.stored(what.key, digester.pass(what.key, entry.content), entry.bytes)
        break
      case 'summary':
        summary = await parse(entry, BackupSummary)
        break
      default:
        what satisfies never
    }
    sink.entry(entry)
  }
  if (header === null) throw new HoldfastError('bad_request', 'This is no backup of Holdfast.')
  if (summary === null) throw damaged('it has no end: making it was interrupted')
  const tables = new Map([...digesters].map(([name, each]) => [name, each.result()]))
  for (const [name, { sha256 }] of tables)
    if (summary.tables[name]?.sha256 !== sha256)
      throw damaged(`the rows of ${name} are not those that were written`)
  const stored = digester.result()
  if (stored.sha256 !== summary.stored.sha256) throw damaged('the files are not those that were written')
  return { header, summary, tables, stored }
}

function requireSameTables(
  header: BackupContent['header'],
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
  const columns = (tables: BackupContent['header']['tables']): string => JSON.stringify(tables)
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
