import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openArchiveReader, openArchiveWriter } from './open-archive.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-archive-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function* chunks(content: Uint8Array) {
  for (let at = 0; at < content.length; at += 10_000) yield content.subarray(at, at + 10_000)
}
const places = ['plain', 'archive.tar', 'archive.tar.gz', 'archive.tgz']

describe.each(places)('an archive at %s', (name) => {
  const place = (suffix: string): string => join(directory, `${suffix}-${name}`)
  const large = randomBytes(3_000_000)

  async function write(path: string): Promise<void> {
    await using archive = await openArchiveWriter(path)
    await archive.text('a.json', '{"ü":1}')
    await archive.text('b/000/1.jsonl', '')
    await archive.stream('b/000/2', large.length, chunks(large))
    await archive.stream('c/1', 0, chunks(Buffer.alloc(0)))
    await archive.finish()
  }

  test('is read as it was written, in the same order, by its owner alone', async () => {
    const path = place('whole')
    await write(path)
    expect((await stat(path)).mode & 0o077).toBe(0)
    await using archive = await openArchiveReader(path)
    const found: [string, number, Buffer][] = []
    for await (const { name: entry, bytes, content } of archive.entries())
      found.push([entry, bytes, await buffer(content)])
    expect(found.map(([entry, bytes]) => [entry, bytes])).toEqual([
      ['a.json', 8],
      ['b/000/1.jsonl', 0],
      ['b/000/2', large.length],
      ['c/1', 0],
    ])
    expect(String(found[0]?.[2])).toBe('{"ü":1}')
    expect(found[2]?.[2].equals(large)).toBe(true)
  })

  test('an entry that is left unread is passed over', async () => {
    const path = place('passed')
    await write(path)
    await using archive = await openArchiveReader(path)
    // Whoever opened it may have other things to do first.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const found: string[] = []
    for await (const { name: entry } of archive.entries()) found.push(entry)
    expect(found).toEqual(['a.json', 'b/000/1.jsonl', 'b/000/2', 'c/1'])
  })

  test.each([
    ['shorter', 9],
    ['longer', 11],
  ])('content that is %s than it was said to be breaks it off, and nothing is left', async (_, bytes) => {
    const path = place(`broken-${bytes}`)
    await expect(
      (async () => {
        await using archive = await openArchiveWriter(path)
        await archive.stream('a', 10, chunks(Buffer.alloc(bytes)))
        await archive.finish()
      })(),
    ).rejects.toThrow(/a has .* than 10 bytes/)
    expect((await readdir(directory)).filter((found) => found.includes('broken'))).toEqual([])
  })

  test('content that breaks off breaks it off', async () => {
    const path = place('off')
    const broken = async function* () {
      yield Buffer.alloc(5)
      throw new Error('the disk is gone')
    }
    await expect(
      (async () => {
        await using archive = await openArchiveWriter(path)
        await archive.stream('a', 10, broken())
      })(),
    ).rejects.toThrow('the disk is gone')
    expect((await readdir(directory)).filter((found) => found.includes('off-'))).toEqual([])
  })
})

test.each(places.slice(1))(
  'a %s that was cut off is an error that says so, not fewer entries',
  async (name) => {
    const path = join(directory, `cut-${name}`)
    {
      await using archive = await openArchiveWriter(path)
      const content = randomBytes(500_000)
      await archive.stream('a', content.length, chunks(content))
      await archive.finish()
    }
    await writeFile(path, (await readFile(path)).subarray(0, 300_000))
    const read = async () => {
      await using archive = await openArchiveReader(path)
      for await (const { content } of archive.entries()) await buffer(content)
    }
    await expect(read()).rejects.toThrow(/cannot be read|end of data|unexpected end|Premature/i)
  },
)
