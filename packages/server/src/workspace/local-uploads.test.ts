import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import type { Blobs } from './blobs.ts'
import { createLocalUploads } from './local-uploads.ts'
import { openS3Blobs } from './s3-blobs.ts'
import { openS3Server } from './testing/s3-server.ts'
import { openTestWorkspace, untimed } from './workspace.test-support.ts'

const makeId = systemIdMaker()
const csv = 'a,b\n1,2\n'

async function openStore() {
  await using opening = new AsyncDisposableStack()
  const server = opening.use(await openS3Server())
  const { bucket, endpoint, credentials } = server
  const blobs = opening.use(await openS3Blobs({ bucket, prefix: 'p', endpoint, region: null, credentials }))
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-local-'))
  opening.defer(() => rm(directory, { recursive: true, force: true }))
  const owned = opening.move()
  return { blobs, directory, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function write(blobs: Blobs, text: string, sha256 = createHash('sha256').update(text).digest('hex')) {
  const file = { id: makeId('file'), thread_id: makeId('thread'), sha256 }
  await blobs.write(
    { threadId: file.thread_id, id: file.id },
    (async function* () {
      yield Buffer.from(text)
    })(),
  )
  return file
}

test('an upload is fetched once, and again when the cache had to give it up', async () => {
  await using store = await openStore()
  const uploads = createLocalUploads(store.blobs, store.directory, 10)
  const file = await write(store.blobs, csv)
  {
    using held = await uploads.hold(file, untimed())
    expect(await readFile(held.path, 'utf8')).toBe(csv)
  }
  const { blobs } = store
  // Without the store it is still here.
  await blobs.remove({ threadId: file.thread_id, id: file.id })
  ;(await uploads.hold(file, untimed()))[Symbol.dispose]()
  const other = await write(blobs, csv)
  ;(await uploads.hold(other, untimed()))[Symbol.dispose]()
  expect(await uploads.ids()).toEqual([other.id])
  await expect(uploads.hold(file, untimed())).rejects.toMatchObject({ name: 'BlobMissingError' })
})

test('bytes that are not those that were uploaded are refused, and nothing of them is kept', async () => {
  await using store = await openStore()
  const uploads = createLocalUploads(store.blobs, store.directory, 1_000)
  const file = await write(store.blobs, csv, 'other')
  await expect(uploads.hold(file, untimed())).rejects.toMatchObject({ code: 'file_unreadable' })
  expect(await uploads.ids()).toEqual([])
  expect(await readdir(join(store.directory, 'partial'))).toEqual([])
})

test('[D1] a workspace on a store of objects reads, asks and keeps artifacts; children see local files only', async () => {
  await using store = await openStore()
  await using here = await openTestWorkspace({ blobs: store.blobs })
  const file = await here.upload('a.csv', csv)
  expect((await here.profile(file)).rows).toBe(1)
  expect((await here.query(file, 'SELECT b FROM t')).rows).toEqual([['2']])
  const thread = here.workspace.thread(here.principal, here.threadId)
  const { id } = await thread.createArtifact(here.runId, {
    kind: 'chart',
    title: 'Cost',
    mediaType: 'image/svg+xml',
    content: '<svg/>',
  })
  expect(String(await thread.readArtifact(id))).toBe('<svg/>')
  await here.workspace.removeFile(here.principal, file.id)
  expect(await store.blobs.exists({ threadId: here.threadId, id: file.id })).toBe(false)
  expect(await readdir(join(here.directory, 'tables'))).toEqual([])
  expect(await readdir(join(here.directory, 'cache', 'whole'))).toEqual([])
})
