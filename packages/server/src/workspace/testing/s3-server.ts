import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from '@20minutes/s3rver'

/** A server that speaks S3 on a free port of this machine, with one bucket; it checks signatures. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: URL
  readonly bucket: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Objects and parts of uploads under way, as this server keeps them on its disk. */
  everything(): Promise<readonly string[]>
}

const bucket = 'files'
/** The one account that the server knows. */
const account = 'S3RVER'

export async function openS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-s3-'))
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket }],
  })
  const uploads = join(directory, bucket, '._S3rver_uploads')
  server.middleware.unshift(async (context, next) => {
    // It signs `/bucket` where a client signs `/bucket/`, as AWS has it: for requests to the bucket itself the
    // signature cannot be checked. Those to objects are.
    if (/^\/[^/]+\/$/.test(context.path))
      context.app = Object.create(context.app, { allowMismatchedSignatures: { value: true } }) as object
    const { uploadId } = context.query
    if (context.method !== 'DELETE' || uploadId === undefined) return await next()
    // AbortMultipartUpload, which it does not know.
    if (!/^[0-9a-f]+$/.test(uploadId)) return await next()
    await rm(join(uploads, uploadId), { recursive: true, force: true })
    context.status = 204
  })
  const { port } = await server.run()
  return {
    endpoint: new URL(`http://127.0.0.1:${port}`),
    bucket,
    credentials: { accessKeyId: account, secretAccessKey: account },
    everything: async () =>
      (await readdir(join(directory, bucket), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ name, parentPath }) => join(parentPath, name))
        .sort(),
    async [Symbol.asyncDispose]() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
