import { createHash } from 'node:crypto'
import type { BlobKey } from '../../workspace/blobs.ts'

export interface StoredDigest {
  readonly files: number
  readonly bytes: number
  /** SHA-256 over the names and contents of all, in their order, as hex. */
  readonly sha256: string
}

/** Looks on while blobs pass by, one after another. */
export function createStoredDigester(): {
  pass(key: BlobKey, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>
  result(): StoredDigest
} {
  const all = createHash('sha256')
  let files = 0
  let bytes = 0
  return {
    async *pass({ threadId, id }, content) {
      const hash = createHash('sha256')
      for await (const chunk of content) {
        hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
      files += 1
      all.update(`${threadId}/${id} ${hash.digest('hex')}\n`)
    },
    result: () => ({ files, bytes, sha256: all.copy().digest('hex') }),
  }
}
