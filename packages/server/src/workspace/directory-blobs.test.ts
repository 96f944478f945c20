import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemIdMaker } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { type BlobsHarness, blobsContract } from './blobs.contract.ts'
import { createDirectoryBlobs, partialBlobs } from './directory-blobs.ts'
import { sweepStale } from './sweep-stale.ts'

interface DirectoryHarness extends BlobsHarness {
  readonly directory: string
}

async function open(durable: boolean): Promise<DirectoryHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-blobs-'))
  return {
    directory,
    blobs: createDirectoryBlobs({ directory, durable }),
    everything: async () =>
      (await readdir(directory, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ name, parentPath }) => join(parentPath, name))
        .sort(),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

blobsContract('blobs in a directory', () => open(false))
blobsContract('blobs in a directory, on the disk before they count', () => open(true))

const makeId = systemIdMaker()
const once = async function* (text: string) {
  yield Buffer.from(text)
}

test('files are for the owner of the server alone, and a child finds one by its path', async () => {
  await using harness = await open(false)
  const key = { threadId: makeId('thread'), id: makeId('file') }
  await harness.blobs.write(key, once('x'))
  const path = harness.blobs.localPath(key) ?? ''
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
})

test('a whole blob is never to be seen in part: it comes by a rename', async () => {
  await using harness = await open(false)
  const key = { threadId: makeId('thread'), id: makeId('file') }
  const middle = async function* () {
    yield Buffer.from('first')
    expect(await harness.blobs.exists(key)).toBe(false)
    // Opened while the first piece is already asked for.
    await expect
      .poll(() => readdir(partialBlobs(harness.directory)))
      .toEqual([expect.stringMatching(`^${key.id}\\.`)])
    yield Buffer.from('second')
  }
  await harness.blobs.write(key, middle())
  expect(await harness.blobs.exists(key)).toBe(true)
})

test('what a killed process left half written is swept after a day, and nothing younger', async () => {
  await using harness = await open(false)
  const partials = partialBlobs(harness.directory)
  await harness.blobs.write({ threadId: makeId('thread'), id: makeId('file') }, once('x'))
  for (const name of ['old', 'young']) await writeFile(join(partials, name), 'half')
  const now = Date.now()
  await utimes(join(partials, 'old'), new Date(now), new Date(now - 25 * 60 * 60 * 1_000))
  await sweepStale(partials, now)
  expect(await readdir(partials)).toEqual(['young'])
})
