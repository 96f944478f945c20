import { ArtifactInfo, FileInfo } from '@holdfast/protocol'
import type { Selectable } from 'kysely'
import type { Schema } from '../store/schema.ts'

export type FileRow = Selectable<Schema['files']>
export type ArtifactRow = Selectable<Schema['artifacts']>

export const fileInfo = (row: FileRow): FileInfo =>
  FileInfo.parse({
    id: row.id,
    threadId: row.thread_id,
    name: row.name,
    kind: row.kind,
    bytes: row.bytes,
    sha256: row.sha256,
    createdAt: row.created_at.toISOString(),
  })

export const artifactInfo = (row: ArtifactRow): ArtifactInfo =>
  ArtifactInfo.parse({
    id: row.id,
    threadId: row.thread_id,
    runId: row.run_id,
    kind: row.kind,
    title: row.title,
    mediaType: row.media_type,
    rows: row.rows,
    bytes: row.bytes,
    createdAt: row.created_at.toISOString(),
  })

/** A name is only ever shown. Control and direction characters could make it show as another. */
export function cleanName(name: string, maxLength: number): string {
  const clean = name.replaceAll(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069]/gu, '').trim()
  return clean === '' ? 'unnamed' : Array.from(clean).slice(0, maxLength).join('')
}
