import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { WorkspaceLimits } from '../workspace-limits.ts'
import { JobError } from './job-error.ts'

/** Unpacks gzip into `target`, and stops at the first byte too many. */
export async function unpackGzip(source: string, target: string, limits: WorkspaceLimits): Promise<void> {
  const { size } = await stat(source)
  const guard = createUnpackGuard(size, limits)
  try {
    await pipeline(
      createReadStream(source),
      createGunzip(),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          guard(chunk.length)
          yield chunk
        }
      },
      createWriteStream(target, { mode: 0o600 }),
    )
  } catch (error) {
    if (error instanceof JobError) throw error
    throw new JobError(
      'file_unreadable',
      'The gzip file is damaged or cut off; pack it again, or send it unpacked.',
      { cause: error },
    )
  }
}

/** Counts unpacked bytes. @throws {JobError} payload_too_large beyond the size or the ratio of a real export */
export function createUnpackGuard(packedBytes: number, limits: WorkspaceLimits): (bytes: number) => void {
  let unpacked = 0
  return (bytes) => {
    unpacked += bytes
    if (unpacked > limits.unpackedBytes)
      throw new JobError(
        'payload_too_large',
        `Unpacked, the file has more than ${limits.unpackedBytes} bytes, the limit; split it, or export a shorter period.`,
      )
    if (unpacked > limits.ratioFromBytes && unpacked > packedBytes * limits.unpackedRatio)
      throw new JobError(
        'payload_too_large',
        `The file unpacks to more than ${limits.unpackedRatio} times its size, as no export does; send it unpacked if it is real.`,
      )
  }
}
