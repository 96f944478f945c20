import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { HoldfastError } from '@holdfast/protocol'
import { type BlobKey, BlobMissingError, type Blobs } from './blobs.ts'

export interface S3BlobsOptions {
  readonly bucket: string
  /** Put before every key, without slashes at its ends; empty: none. */
  readonly prefix: string
  /** null: that of AWS for the region. Set for MinIO, R2, Ceph, …, which are then addressed by path. */
  readonly endpoint: URL | null
  /** null: as the SDK finds it (AWS_REGION, its configuration files). */
  readonly region: string | null
  /** null: as the SDK finds them, such as the role of the machine or the pod. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
}

export const s3Limits = {
  /** An upload is sent in parts of this size, of which two are in memory; 10,000 parts make the largest file. */
  partBytes: 8 * 1024 * 1024,
  partsAtOnce: 2,
  /** Keys of one request to list or to delete. */
  keysPerRequest: 1_000,
  connectMs: 5_000,
  /** A connection on which nothing moves for so long is given up. */
  silenceMs: 30_000,
} as const

/**
 * Blobs as objects `<prefix>/<thread>/<id>` of an S3-compatible store.
 * @throws {HoldfastError} not_ready: the bucket cannot be listed with these settings
 */
export async function openS3Blobs(options: S3BlobsOptions): Promise<Blobs> {
  // 20 MB of client, for those who use it.
  const [s3, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')])
  const { bucket, prefix, endpoint, region, credentials } = options
  const client: S3Client = new s3.S3Client({
    ...(endpoint === null ? {} : { endpoint: endpoint.href, forcePathStyle: true }),
    // A store with an endpoint of its own has no regions, and wants one named all the same.
    ...(region === null ? (endpoint === null ? {} : { region: 'us-east-1' }) : { region }),
    ...(credentials === null ? {} : { credentials }),
    requestHandler: { connectionTimeout: s3Limits.connectMs, socketTimeout: s3Limits.silenceMs },
    // Checksums in trailers, the default since 2025, are not understood by most stores but Amazon's.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const root = prefix === '' ? '' : `${prefix}/`
  const keyOf = ({ threadId, id }: BlobKey): string => `${root}${threadId}/${id}`
  const place = `s3://${bucket}/${root}`
  const away = (error: unknown): HoldfastError =>
    new HoldfastError(
      'not_ready',
      `The files in ${place} cannot be reached now (${codeOf(error)}); try again. If it lasts, check HOLDFAST_FILES and ` +
        'the HOLDFAST_S3 settings.',
      { cause: error },
    )
  const asking = async <T>(work: Promise<T>): Promise<T> =>
    await work.catch((error: unknown) => {
      throw away(error)
    })

  async function page(prefix: string): Promise<{ readonly keys: string[]; readonly more: boolean }> {
    // The first version of the call, which every store knows: the tokens of the second are not needed here.
    const found = await asking(
      client.send(
        new s3.ListObjectsCommand({ Bucket: bucket, Prefix: prefix, MaxKeys: s3Limits.keysPerRequest }),
      ),
    )
    return {
      keys: (found.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key])),
      more: found.IsTruncated === true,
    }
  }

  async function removeAll(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true }
    const { Errors = [] } = await asking(client.send(new s3.DeleteObjectsCommand({ Bucket: bucket, Delete })))
    const [first] = Errors
    if (first !== undefined) throw away(new Error(`${first.Code}: ${first.Message}`))
  }

  // Better a start that fails than uploads that do.
  try {
    await page(`${root}nothing/`)
  } catch (error) {
    client.destroy()
    throw error
  }
  return {
    async write(key, content, signal) {
      let fault: Fault | null = null
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield* untilAborted(content, signal)
        } catch (error) {
          if (error instanceof Error) fault = { error }
          throw error
        }
      }
      // An error of its body ends the upload and removes the parts before `done` rejects; its own `abort` rejects first.
      const body = Readable.from(watched())
      try {
        const upload = new Upload({
          client,
          params: { Bucket: bucket, Key: keyOf(key), Body: body },
          partSize: s3Limits.partBytes,
          queueSize: s3Limits.partsAtOnce,
        })
        await upload.done()
      } catch (error) {
        // What the content threw is the caller's own, and not the store's fault.
        throw faultOf(fault)?.error ?? away(error)
      } finally {
        body.destroy()
      }
    },
    async open(key) {
      try {
        const { Body } = await client.send(new s3.GetObjectCommand({ Bucket: bucket, Key: keyOf(key) }))
        if (!(Body instanceof Readable)) throw new Error('The answer has no body')
        return Body
      } catch (error) {
        if (isMissing(error)) throw new BlobMissingError(key, { cause: error })
        throw away(error)
      }
    },
    async exists(key) {
      try {
        await client.send(new s3.HeadObjectCommand({ Bucket: bucket, Key: keyOf(key) }))
        return true
      } catch (error) {
        if (isMissing(error)) return false
        throw away(error)
      }
    },
    remove: async (key) => await removeAll([keyOf(key)]),
    async removeThread(threadId) {
      for (;;) {
        // From the beginning each time: what was listed is gone.
        const { keys, more } = await page(`${root}${threadId}/`)
        await removeAll(keys)
        if (!more) return
      }
    },
    localPath: () => null,
    [Symbol.asyncDispose]: async () => client.destroy(),
  }
}

interface Fault {
  readonly error: Error
}

/** Control flow analysis does not see that the body set it. */
const faultOf = (fault: Fault | null): Fault | null => fault

/** Also while the next chunk does not come. */
async function* untilAborted(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  aborted.catch(() => {})
  const onAbort = (): void => reject(signal?.reason as Error)
  signal?.addEventListener('abort', onAbort, { once: true })
  const iterator = content[Symbol.asyncIterator]()
  try {
    for (;;) {
      signal?.throwIfAborted()
      const next = await Promise.race([iterator.next(), aborted])
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Not awaited: it may be the one that does not come.
    iterator.return?.().catch(() => {})
  }
}

const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(codeOf(error))

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name === 'Error' ? error.message : error.name
}
