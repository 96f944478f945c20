import { once } from 'node:events'
import { createServer } from 'node:net'
import { systemIdMaker } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobsContract } from './blobs.contract.ts'
import { openS3Blobs, type S3BlobsOptions, s3Limits } from './s3-blobs.ts'
import { openS3Server, type S3Server } from './testing/s3-server.ts'

const makeId = systemIdMaker()

const optionsOf = (server: S3Server, prefix = ''): S3BlobsOptions => ({
  bucket: server.bucket,
  prefix,
  endpoint: server.endpoint,
  region: null,
  credentials: server.credentials,
})

for (const prefix of ['', 'holdfast/test'])
  blobsContract(`blobs in an S3-compatible store, under the prefix "${prefix}"`, async () => {
    const server = await openS3Server()
    const blobs = await openS3Blobs(optionsOf(server, prefix))
    return {
      blobs,
      everything: server.everything,
      async [Symbol.asyncDispose]() {
        await blobs[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  })

describe('an S3-compatible store', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await openS3Server()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const bytes = async function* (text: string) {
    yield Buffer.from(text)
  }

  test('two servers under two prefixes of one bucket see nothing of each other', async () => {
    await using one = await openS3Blobs(optionsOf(server, 'one'))
    await using other = await openS3Blobs(optionsOf(server, 'other'))
    const key = { threadId: makeId('thread'), id: makeId('file') }
    await one.write(key, bytes('x'))
    await other.removeThread(key.threadId)
    expect([await one.exists(key), await other.exists(key)]).toEqual([true, false])
  })

  test('a thread of more blobs than one page goes as a whole', async () => {
    await using blobs = await openS3Blobs(optionsOf(server, 'many'))
    const threadId = makeId('thread')
    const before = await server.everything()
    const count = s3Limits.keysPerRequest + 3
    for (let made = 0; made < count; made += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, count - made) }, () =>
          blobs.write({ threadId, id: makeId('artifact') }, bytes('')),
        ),
      )
    await blobs.removeThread(threadId)
    expect(await server.everything()).toEqual(before)
  })

  test('a wrong secret is refused by the server, and the error names the settings and no secret', async () => {
    const credentials = { ...server.credentials, secretAccessKey: 'geheim' }
    await using blobs = await openS3Blobs({ ...optionsOf(server), credentials })
    const key = { threadId: makeId('thread'), id: makeId('file') }
    const error: unknown = await blobs.write(key, bytes('x')).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'not_ready', retryable: true })
    expect(String(error)).toMatch(/s3:\/\/files\/.*SignatureDoesNotMatch.*HOLDFAST_S3/)
    expect(String(error)).not.toContain('geheim')
  })

  test('a bucket that is not there, and a store that does not answer, are a start that fails', async () => {
    await expect(openS3Blobs({ ...optionsOf(server), bucket: 'nothing' })).rejects.toThrow(/NoSuchBucket/)
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const address = closed.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    closed.close()
    await once(closed, 'close')
    const endpoint = new URL(`http://127.0.0.1:${port}`)
    await expect(openS3Blobs({ ...optionsOf(server), endpoint })).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringMatching(/ECONNREFUSED/),
    })
  })
})
