import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCacheDirectory } from './cache-directory.ts'

async function openDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-cache-'))
  const cached = join(directory, 'cached')
  return {
    cached,
    names: async () => (await readdir(cached).catch(() => [])).toSorted(),
    async make(text: string): Promise<string> {
      const path = join(directory, 'made')
      await writeFile(path, text)
      return path
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

test('what was used longest ago goes first, and the bound holds', async () => {
  await using here = await openDirectory()
  const cache = createCacheDirectory(here.cached, 10)
  for (const name of ['a', 'b']) (await cache.put(name, await here.make('12345')))[Symbol.dispose]()
  ;(await cache.hold('a'))?.[Symbol.dispose]()
  ;(await cache.put('c', await here.make('12345')))[Symbol.dispose]()
  expect(await here.names()).toEqual(['a', 'c'])
  expect(await cache.hold('b')).toBeNull()
  expect((await stat(join(here.cached, 'c'))).mode & 0o777).toBe(0o600)
})

test('what is held stays, whatever comes, until it is let go', async () => {
  await using here = await openDirectory()
  const cache = createCacheDirectory(here.cached, 10)
  const held = await cache.put('held', await here.make('1234567890'))
  ;(await cache.put('large', await here.make('1234567890')))[Symbol.dispose]()
  expect(await readFile(held.path, 'utf8')).toBe('1234567890')
  held[Symbol.dispose]()
  held[Symbol.dispose]()
  ;(await cache.put('next', await here.make('1')))[Symbol.dispose]()
  expect(await here.names()).toEqual(['next'])
})

test('one that is larger than the bound is there for whoever put it, and goes with the next', async () => {
  await using here = await openDirectory()
  const cache = createCacheDirectory(here.cached, 0)
  using held = await cache.put('large', await here.make('123'))
  expect(await readFile(held.path, 'utf8')).toBe('123')
})

test('a second one of a name takes the place of the first, while that is held too', async () => {
  await using here = await openDirectory()
  const cache = createCacheDirectory(here.cached, 100)
  using first = await cache.put('a', await here.make('first'))
  using second = await cache.put('a', await here.make('second'))
  expect([await readFile(first.path, 'utf8'), await readFile(second.path, 'utf8')]).toEqual([
    'second',
    'second',
  ])
  expect(await cache.names()).toEqual(['a'])
})

test('what an earlier process left is known, and counts', async () => {
  await using here = await openDirectory()
  ;(await createCacheDirectory(here.cached, 10).put('old', await here.make('1234567890')))[Symbol.dispose]()
  const cache = createCacheDirectory(here.cached, 10)
  expect(await cache.names()).toEqual(['old'])
  ;(await cache.put('new', await here.make('1')))[Symbol.dispose]()
  expect(await here.names()).toEqual(['new'])
})

test('what is removed, or was tidied away by hand, is not here', async () => {
  await using here = await openDirectory()
  const cache = createCacheDirectory(here.cached, 100)
  for (const name of ['a', 'b']) (await cache.put(name, await here.make('x')))[Symbol.dispose]()
  await cache.remove('a')
  await cache.remove('a')
  await rm(join(here.cached, 'b'))
  expect([await cache.hold('a'), await cache.hold('b'), await cache.names()]).toEqual([null, null, []])
})
