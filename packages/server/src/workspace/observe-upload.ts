import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/protocol'
import { kindHeadBytes } from './file-kind.ts'
import { zipTailBytes } from './zip-directory.ts'

export interface ObservedUpload {
  readonly bytes: number
  readonly sha256: string
  /** The first `kindHeadBytes` and the last `zipTailBytes`, or all of a shorter file. */
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

/** Looks on while an upload passes by, and stops it at the first byte over the limit. */
export function createUploadObserver(maxBytes: number): {
  pass(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>
  result(): ObservedUpload
} {
  const hash = createHash('sha256')
  const head: Uint8Array[] = []
  let headBytes = 0
  const tail = createTail(zipTailBytes)
  let bytes = 0
  return {
    async *pass(content) {
      for await (const chunk of content) {
        bytes += chunk.length
        if (bytes > maxBytes)
          throw new HoldfastError(
            'payload_too_large',
            `A file may have ${maxBytes} bytes; send it gzipped, or export a shorter period or fewer columns.`,
          )
        hash.update(chunk)
        if (headBytes < kindHeadBytes) {
          head.push(chunk.slice(0, kindHeadBytes - headBytes))
          headBytes += Math.min(chunk.length, kindHeadBytes - headBytes)
        }
        tail.push(chunk)
        yield chunk
      }
    },
    result: () => ({
      bytes,
      sha256: hash.digest('hex'),
      head: Buffer.concat(head),
      tail: tail.read(),
    }),
  }
}

/** The last `size` bytes of what is pushed, kept in place: a large upload passes without a byte of it being allocated. */
function createTail(size: number): { push(chunk: Uint8Array): void; read(): Uint8Array } {
  const ring = Buffer.alloc(size)
  let pushed = 0
  return {
    push(chunk) {
      const last = chunk.subarray(-size)
      const at = (pushed + chunk.length - last.length) % size
      ring.set(last.subarray(0, size - at), at)
      ring.set(last.subarray(size - at), 0)
      pushed += chunk.length
    },
    read() {
      if (pushed <= size) return ring.subarray(0, pushed)
      const oldest = pushed % size
      return Buffer.concat([ring.subarray(oldest), ring.subarray(0, oldest)])
    },
  }
}
