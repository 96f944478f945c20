import type { ArtifactId, FileId, ThreadId, UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store } from '../store/store.ts'
import { BlobMissingError, type Blobs } from '../workspace/blobs.ts'
import type { ArchiveWriter } from './archive/archive.ts'
import type { OnProgress } from './progress.ts'

export interface UserExportOptions {
  readonly userId: UserId
  /** All that is kept of them but the bytes, as objects. */
  readonly lines: AsyncIterable<object>
  readonly store: Pick<Store, 'db'>
  readonly blobs: Pick<Blobs, 'open'>
  readonly archive: ArchiveWriter
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

export interface UserExport {
  readonly lines: number
  readonly files: number
  readonly bytes: number
}

/** Of one entry: it is in memory. */
const pageCharacters = 1024 * 1024
/** Of one question to the store. */
const blobsPerPage = 500

/**
 *   account/00000000.ndjson          an object a line
 *   files/thr_…/fil_….csv            uploads and artifacts, by their ids
 */
export async function writeUserExport(options: UserExportOptions): Promise<UserExport> {
  const { archive } = options
  const lines = await writeLines(options)
  const { files, bytes } = await writeFiles(options)
  await archive.finish()
  return { lines, files, bytes }
}

async function writeLines({ lines, archive, onProgress, signal }: UserExportOptions): Promise<number> {
  let count = 0
  let page = 0
  let waiting = ''
  const flush = async (): Promise<void> => {
    await archive.text(`account/${String(page).padStart(8, '0')}.ndjson`, waiting)
    page += 1
    waiting = ''
    onProgress({ doing: 'rows', table: 'account', rows: count })
  }
  for await (const line of lines) {
    signal.throwIfAborted()
    waiting += `${JSON.stringify(line)}\n`
    count += 1
    if (waiting.length > pageCharacters) await flush()
  }
  if (waiting !== '') await flush()
  return count
}

interface BlobRow {
  readonly thread_id: ThreadId
  readonly id: FileId | ArtifactId
  readonly bytes: number
  readonly ending: string
}

const endings: Readonly<Record<string, string>> = {
  'image/svg+xml': 'svg',
  'image/png': 'png',
  'application/json': 'json',
  'text/csv': 'csv',
  'text/plain': 'txt',
  'text/markdown': 'md',
}

/** Page by page, and not in one transaction: an embedded store has one connection, which others wait for. */
async function* blobRows({ store: { db }, userId }: UserExportOptions): AsyncGenerator<BlobRow> {
  let [thread, id] = ['', '']
  for (;;) {
    const { rows } = await sql<BlobRow>`select thread_id, id, bytes, ending from (
        select thread_id, id, bytes, kind as ending from files where owner = ${userId}
        union all select thread_id, id, bytes, split_part(media_type, ';', 1) from artifacts where owner = ${userId}
      ) as blobs where (thread_id, id) > (${thread}, ${id}) order by thread_id, id limit ${blobsPerPage}`.execute(
      db,
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    ;[thread, id] = [last.thread_id, last.id]
  }
}

async function writeFiles(options: UserExportOptions): Promise<Pick<UserExport, 'files' | 'bytes'>> {
  const { blobs, archive, onProgress, signal } = options
  let [files, bytes] = [0, 0]
  for await (const { thread_id: threadId, id, bytes: size, ending } of blobRows(options)) {
    signal.throwIfAborted()
    const content = await blobs.open({ threadId, id }).catch((error: unknown) => {
      // Deleted since it was listed.
      if (error instanceof BlobMissingError) return null
      throw error
    })
    if (content === null) continue
    await archive.stream(
      `files/${threadId}/${id}.${endings[ending] ?? ending.replaceAll(/\W/g, '-')}`,
      size,
      content,
    )
    files += 1
    bytes += size
    onProgress({ doing: 'files', files, bytes })
  }
  return { files, bytes }
}
