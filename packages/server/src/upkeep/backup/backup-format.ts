import { ArtifactId, EpochId, FileId, ThreadId } from '@holdfast/protocol'
import { z } from 'zod'

/**
 * What stands in a backup, in this order:
 *
 *   backup.json                      what made it, and what it was made of
 *   rows/003-threads/00000000.jsonl  a page of a table: a row a line, an array of texts as PostgreSQL writes them
 *   stored/thr_…/fil_…               the bytes of an upload or artifact
 *   summary.json                     what all of that has to add up to; a backup without one broke off
 */
export const backupNames = {
  header: 'backup.json',
  rows: (index: number, table: string, page: number): string =>
    `rows/${String(index).padStart(3, '0')}-${table}/${String(page).padStart(8, '0')}.jsonl`,
  stored: (threadId: string, id: string): string => `stored/${threadId}/${id}`,
  summary: 'summary.json',
} as const

const Table = z.object({ name: z.string(), columns: z.array(z.string()) })

export const BackupHeader = z.object({
  holdfast: z.literal('backup'),
  /** Raised by a change that an older version would misread. */
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  epoch: EpochId,
  /** A backup is restored into tables of the same making only. */
  migrations: z.array(z.string()),
  tables: z.array(Table),
})
export type BackupHeader = z.input<typeof BackupHeader>

const BlobName = z.object({ threadId: ThreadId, id: z.union([FileId, ArtifactId]) })

export const BackupSummary = z.object({
  tables: z.record(z.string(), z.object({ rows: z.int(), sha256: z.string() })),
  stored: z.object({ files: z.int(), bytes: z.int(), sha256: z.string() }),
  /**
   * Rows without bytes: deleted while the backup was made, after the moment that its rows are of; or lost before, and
   * whoever made it said that it shall be without them.
   */
  missing: z.array(BlobName),
})
export type BackupSummary = z.input<typeof BackupSummary>

export type BackupEntry =
  | { readonly kind: 'header' }
  | { readonly kind: 'rows'; readonly table: string }
  | { readonly kind: 'stored'; readonly key: z.output<typeof BlobName> }
  | { readonly kind: 'summary' }

/** null: nothing that stands in a backup. */
export function backupEntry(name: string): BackupEntry | null {
  if (name === backupNames.header) return { kind: 'header' }
  if (name === backupNames.summary) return { kind: 'summary' }
  const [, table] = /^rows\/\d{3}-(\w+)\/\d{8}\.jsonl$/.exec(name) ?? []
  if (table !== undefined) return { kind: 'rows', table }
  const [, threadId, id] = /^stored\/(\w+)\/(\w+)$/.exec(name) ?? []
  const key = BlobName.safeParse({ threadId, id })
  return key.success ? { kind: 'stored', key: key.data } : null
}
