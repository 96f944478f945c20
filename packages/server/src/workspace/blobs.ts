import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ArtifactId, FileId } from '@holdfast/protocol'

export type BlobId = FileId | ArtifactId

/** Bytes by id. All or nothing: a blob is either whole or absent. */
export interface Blobs {
  /** Consumes `content`; where it throws or `signal` aborts, nothing is left behind and the error goes on. */
  write(id: BlobId, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>
  read(id: BlobId): Readable
  /** A local path at which a child process can read the blob while it exists. */
  localPath(id: BlobId): Promise<string>
  /** Removing what is absent is no error. */
  remove(id: BlobId): Promise<void>
}

/** Blobs as files of a directory, 0700 and 0600, named by id and never by anything a user wrote. */
export function createDirectoryBlobs(directory: string): Blobs {
  const pathOf = (id: BlobId): string => join(directory, id)
  return {
    async write(id, content, signal) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const temporary = `${pathOf(id)}.part`
      try {
        const file = createWriteStream(temporary, { flags: 'wx', mode: 0o600 })
        await pipeline(content, file, signal === undefined ? {} : { signal })
        await rename(temporary, pathOf(id))
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
    read: (id) => createReadStream(pathOf(id)),
    localPath: async (id) => pathOf(id),
    remove: async (id) => await rm(pathOf(id), { force: true }),
  }
}
