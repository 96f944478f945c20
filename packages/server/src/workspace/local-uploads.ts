import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type FileId, HoldfastError } from '@holdfast/protocol'
import { BlobMissingError, type Blobs } from './blobs.ts'
import { createCacheDirectory, type Held } from './cache-directory.ts'
import type { FileRow } from './rows.ts'

export type UploadedFile = Pick<FileRow, 'id' | 'thread_id' | 'sha256'>

/** Uploads as local files, for children that read them (D1): in place, or fetched into a cache of this node. */
export interface LocalUploads {
  /**
   * @throws {BlobMissingError} the upload's bytes are gone
   * @throws {HoldfastError} file_unreadable: what came is not what was uploaded
   */
  hold(file: UploadedFile, signal: AbortSignal): Promise<Held>
  remove(id: FileId): Promise<void>
  /** Those that are cached here. */
  ids(): Promise<readonly FileId[]>
}

/** @param directory of fetched files and those that are being fetched, made when needed */
export function createLocalUploads(blobs: Blobs, directory: string, maxBytes: number): LocalUploads {
  const cache = createCacheDirectory(join(directory, 'whole'), maxBytes)
  const partials = join(directory, 'partial')

  async function fetch({ id, thread_id, sha256 }: UploadedFile, signal: AbortSignal): Promise<Held> {
    const content = await blobs.open({ threadId: thread_id, id })
    await mkdir(partials, { recursive: true, mode: 0o700 })
    // A name of its own: two jobs may fetch the same file.
    const part = join(partials, randomUUID())
    const hash = createHash('sha256')
    try {
      await pipeline(
        content,
        async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            hash.update(chunk)
            yield chunk
          }
        },
        createWriteStream(part, { flags: 'wx', mode: 0o600 }),
        { signal },
      )
      if (hash.digest('hex') !== sha256)
        throw new HoldfastError(
          'file_unreadable',
          `The stored bytes of ${id} are not those that were uploaded; send the file again.`,
        )
      return await cache.put(id, part)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof HoldfastError) throw error
      throw new HoldfastError('not_ready', `The bytes of ${id} could not be fetched to the end; try again.`, {
        cause: error,
      })
    } finally {
      await rm(part, { force: true })
    }
  }

  return {
    async hold(file, signal) {
      const key = { threadId: file.thread_id, id: file.id }
      const path = blobs.localPath(key)
      if (path === null) return (await cache.hold(file.id)) ?? (await fetch(file, signal))
      if (!(await blobs.exists(key))) throw new BlobMissingError(key)
      return { path, [Symbol.dispose]: () => {} }
    },
    remove: cache.remove,
    ids: async () => (await cache.names()) as readonly FileId[],
  }
}
