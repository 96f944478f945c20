import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLocalAccess, writeLocalAccess } from './local-access.ts'

let dataDir = ''
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-access-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

const access = { pid: 4242, url: 'http://127.0.0.1:8080', token: 'secret' }
const file = (): string => join(dataDir, 'local-access.json')

test('what a server wrote another program of the user reads, and nobody else', async () => {
  expect(await readLocalAccess(dataDir)).toBeNull()
  const remove = await writeLocalAccess(dataDir, access)
  expect(await readLocalAccess(dataDir)).toEqual(access)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  await remove()
  expect(await readLocalAccess(dataDir)).toBeNull()
  await remove()
})

test('a file with wider permissions that stood there is replaced, not filled', async () => {
  await writeFile(file(), '{}', { mode: 0o644 })
  await writeLocalAccess(dataDir, access)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test('a server that closes late leaves the file of its successor alone', async () => {
  const removeOld = await writeLocalAccess(dataDir, access)
  const successor = { ...access, pid: 4243, token: 'newer' }
  await writeLocalAccess(dataDir, successor)
  await removeOld()
  expect(await readLocalAccess(dataDir)).toEqual(successor)
})

test.each(['', '{', '{"pid":1}', '{"pid":1,"url":"https://example.test","token":"t"}'])(
  'a file that holds %j is as good as none',
  async (text) => {
    await writeFile(file(), text)
    expect(await readLocalAccess(dataDir)).toBeNull()
  },
)
