import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { systemIdMaker } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BlobKey, Blobs } from './blobs.ts'

export interface BlobsHarness extends AsyncDisposable {
  readonly blobs: Blobs
  /** All there is where the blobs are, unfinished ones too. */
  everything(): Promise<readonly string[]>
}

const makeId = systemIdMaker()
const MiB = 1024 * 1024

async function* chunks(content: Uint8Array, chunkBytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes)
}

/** What every place for files keeps to. */
export function blobsContract(name: string, open: () => Promise<BlobsHarness>): void {
  describe(name, () => {
    let harness: BlobsHarness
    let blobs: Blobs
    beforeAll(async () => {
      harness = await open()
      blobs = harness.blobs
    })
    afterAll(() => harness[Symbol.asyncDispose]())

    const newKey = (threadId = makeId('thread')): BlobKey => ({ threadId, id: makeId('file') })
    const read = async (key: BlobKey): Promise<Buffer> => await buffer(await blobs.open(key))

    test.each([
      ['no bytes', 0],
      ['one byte', 1],
      ['a few chunks', 200_000],
      ['more than one part', 20 * MiB + 1],
    ])('%s are read as they were written', async (_name, bytes) => {
      const content = randomBytes(bytes)
      const key = newKey()
      expect(await blobs.exists(key)).toBe(false)
      await blobs.write(key, chunks(content))
      expect(await blobs.exists(key)).toBe(true)
      expect((await read(key)).equals(content)).toBe(true)
    })

    test('what is absent is said before the first byte, and the error tells what to check', async () => {
      const key = newKey()
      await expect(blobs.open(key)).rejects.toMatchObject({ name: 'BlobMissingError', code: 'not_found' })
      await expect(blobs.open(key)).rejects.toThrow(/HOLDFAST_FILES/)
    })

    test('content that breaks off leaves nothing behind, and its error goes on', async () => {
      const before = await harness.everything()
      for (const bytes of [10, 9 * MiB]) {
        const key = newKey()
        const broken = async function* () {
          yield* chunks(Buffer.alloc(bytes))
          throw new Error('the connection broke')
        }
        await expect(blobs.write(key, broken())).rejects.toThrow('the connection broke')
        expect(await blobs.exists(key)).toBe(false)
      }
      expect(await harness.everything()).toEqual(before)
    })

    test('a write that is aborted leaves nothing behind', async () => {
      const before = await harness.everything()
      for (const bytes of [10, 9 * MiB]) {
        const key = newKey()
        const gone = new AbortController()
        const slow = async function* () {
          yield* chunks(Buffer.alloc(bytes))
          gone.abort(new Error('gone'))
          yield Buffer.from('more')
        }
        await expect(blobs.write(key, slow(), gone.signal)).rejects.toThrow(/gone|abort/)
        expect(await blobs.exists(key)).toBe(false)
      }
      await expect(
        blobs.write(newKey(), chunks(Buffer.alloc(1)), AbortSignal.abort(new Error('before'))),
      ).rejects.toThrow(/before|abort/)
      expect(await harness.everything()).toEqual(before)
    })

    test('content is taken as it is written: an endless one stops at the abort, in bounded memory', async () => {
      const gone = new AbortController()
      let sent = 0
      const endless = async function* () {
        for (;;) {
          sent += MiB
          if (sent > 40 * MiB) gone.abort(new Error('enough'))
          yield Buffer.alloc(MiB)
        }
      }
      await expect(blobs.write(newKey(), endless(), gone.signal)).rejects.toThrow(/enough|abort/)
      expect(sent).toBeLessThan(80 * MiB)
    })

    test('two writes of one blob at a time do not hinder each other', async () => {
      const key = newKey()
      const content = Buffer.from('the same')
      const [begun, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const slow = async function* () {
        yield content.subarray(0, 3)
        begun.resolve()
        await second.promise
        yield content.subarray(3)
      }
      const first = blobs.write(key, slow())
      await begun.promise
      await blobs.write(key, chunks(content)).finally(second.resolve)
      await first
      expect(String(await read(key))).toBe('the same')
    })

    test('one that is removed is gone, its neighbours stay, and once more is no error', async () => {
      const threadId = makeId('thread')
      const [one, other] = [newKey(threadId), newKey(threadId)]
      for (const key of [one, other]) await blobs.write(key, chunks(Buffer.from(key.id)))
      await blobs.remove(one)
      await blobs.remove(one)
      expect([await blobs.exists(one), await blobs.exists(other)]).toEqual([false, true])
      expect(String(await read(other))).toBe(other.id)
    })

    test('a thread goes with all it has, and no other thread', async () => {
      const threadId = makeId('thread')
      const keys = Array.from({ length: 7 }, () => newKey(threadId))
      const stays = newKey()
      for (const key of [...keys, stays]) await blobs.write(key, chunks(Buffer.from('x')))
      await blobs.removeThread(threadId)
      await blobs.removeThread(threadId)
      expect(await Promise.all(keys.map((key) => blobs.exists(key)))).toEqual(keys.map(() => false))
      expect(await blobs.exists(stays)).toBe(true)
      // And may be written again, as by an upload that was under way.
      const late = newKey(threadId)
      await blobs.write(late, chunks(Buffer.from('late')))
      expect(String(await read(late))).toBe('late')
    })
  })
}
