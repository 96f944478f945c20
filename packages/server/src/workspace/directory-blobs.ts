import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type BlobKey, BlobMissingError, type Blobs } from './blobs.ts'

export interface DirectoryBlobsOptions {
  /** Made, 0700, when something is written. May be a volume that several nodes share. */
  readonly directory: string
  /** Bytes are on the disk before `write` resolves: as durable as the rows of a store that survives a loss of power. */
  readonly durable: boolean
}

/** What may wait to be written while the next is read: with a stream's own 64 KiB, one stands still for the other. */
const waitingBytes = 1024 * 1024

/**
 * Blobs as files, 0600, named by ids and never by anything a user wrote:
 *
 *   <directory>/partial/<id>.<random>   while it is being written
 *   <directory>/<thread>/<id>           whole: a rename brings it here
 */
export function createDirectoryBlobs({ directory, durable }: DirectoryBlobsOptions): Blobs {
  const partials = partialBlobs(directory)
  const pathOf = ({ threadId, id }: BlobKey): string => join(directory, threadId, id)
  const make = async (path: string): Promise<void> =>
    void (await mkdir(path, { recursive: true, mode: 0o700 }))

  return {
    async write(key, content, signal) {
      const thread = join(directory, key.threadId)
      await make(partials)
      // Whoever died over the same blob has left theirs: a restore that broke off begins again.
      const part = join(partials, `${key.id}.${randomUUID()}`)
      const closed = Promise.withResolvers<void>()
      try {
        // With `flush` it is on the disk before the stream is closed, for which the pipeline waits.
        const file = createWriteStream(part, {
          flags: 'wx',
          mode: 0o600,
          flush: durable,
          highWaterMark: waitingBytes,
        })
        file.once('close', closed.resolve)
        await pipeline(content, file, signal === undefined ? {} : { signal })
        await make(thread)
        await rename(part, pathOf(key))
        if (durable) for (const path of [thread, directory]) await syncDirectory(path)
      } catch (error) {
        // A stream that fails while its file is being opened makes the file all the same, a moment later.
        await closed.promise
        await rm(part, { force: true })
        throw error
      }
    },
    async open(key) {
      const stream = createReadStream(pathOf(key))
      return await opened(stream, key)
    },
    exists: async (key) =>
      await access(pathOf(key)).then(
        () => true,
        (error: unknown) => {
          if (isMissing(error)) return false
          throw error
        },
      ),
    remove: async (key) => await rm(pathOf(key), { force: true }),
    removeThread: async (threadId) => await rm(join(directory, threadId), { recursive: true, force: true }),
    localPath: pathOf,
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Where writes that died leave their beginnings. */
export const partialBlobs = (directory: string): string => join(directory, 'partial')

async function opened(stream: Readable, key: BlobKey): Promise<Readable> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  stream.once('open', () => resolve())
  stream.once('error', reject)
  try {
    await promise
    return stream
  } catch (error) {
    if (isMissing(error)) throw new BlobMissingError(key, { cause: error })
    throw error
  } finally {
    stream.off('error', reject)
  }
}

/** A rename is on the disk when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'
