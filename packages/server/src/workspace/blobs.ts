import type { Readable } from 'node:stream'
import { type ArtifactId, type FileId, HoldfastError, type ThreadId } from '@holdfast/protocol'

/** A blob belongs to a thread and goes with it: whoever deletes a thread need not know what is in it. */
export interface BlobKey {
  readonly threadId: ThreadId
  readonly id: FileId | ArtifactId
}

/**
 * Bytes of uploads and artifacts, for all nodes. A blob is written once, is either whole or absent, and what `write`
 * has acknowledged survives what a commit of the store survives: rows that refer to it are stored afterwards.
 *
 * All may throw a HoldfastError `not_ready`: the place where the bytes are does not answer now.
 */
export interface Blobs extends AsyncDisposable {
  /** Consumes `content`; where it throws or `signal` aborts, no blob is left behind and the error goes on. */
  write(key: BlobKey, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>
  /** @throws {BlobMissingError} there is none; said before the first byte */
  open(key: BlobKey): Promise<Readable>
  exists(key: BlobKey): Promise<boolean>
  /** Removing what is absent is no error. */
  remove(key: BlobKey): Promise<void>
  /** All blobs of the thread. May be repeated after it broke off. */
  removeThread(threadId: ThreadId): Promise<void>
  /** Where a child process can read the blob in place while it exists; null where it must be fetched first. */
  localPath(key: BlobKey): string | null
}

/** A row says that there are bytes, and there are none: a store and a place for files that do not belong together. */
export class BlobMissingError extends HoldfastError {
  override readonly name = 'BlobMissingError'

  constructor({ id }: BlobKey, options?: ErrorOptions) {
    super(
      'not_found',
      `The bytes of ${id} are not where this server keeps files. Send the file again, or have HOLDFAST_FILES checked: ` +
        'all servers of one database need the same.',
      options,
    )
  }
}
