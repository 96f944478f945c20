import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openMemoryStore, openPgliteStore, StoreLockedError } from './pglite-store.ts'
import { storeContract } from './store.contract.ts'
import { openTestPgliteStore } from './testing/pglite.ts'

storeContract('the store on PGlite in a directory', openTestPgliteStore)

describe('a PGlite directory', () => {
  let parent: string
  let dataDir: string
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'holdfast-pglite-'))
    dataDir = join(parent, 'deep', 'store')
  })
  afterAll(() => rm(parent, { recursive: true, force: true }))

  test('[L6] keeps its rows and its epoch, and nobody else may look into it', async () => {
    const first = await openPgliteStore({ dataDir })
    expect(first.capabilities).toEqual({ durability: 'process-crash', exclusive: true })
    await first.db.insertInto('meta').values({ key: 'kept', value: 'yes' }).execute()
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)

    await using second = await openPgliteStore({ dataDir })
    expect(second.epoch).toBe(first.epoch)
    const kept = await second.db.selectFrom('meta').select('value').where('key', '=', 'kept').execute()
    expect(kept).toEqual([{ value: 'yes' }])
  })

  test('is refused a second time, in this process too; the error says by whom and what to do', async () => {
    await using store = await openPgliteStore({ dataDir })
    const error: unknown = await openPgliteStore({ dataDir }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StoreLockedError)
    expect(error).toMatchObject({ code: 'not_ready', pid: process.pid, directory: dataDir })
    expect(String(error)).toContain(`process ${process.pid}`)
    expect(String(error)).toContain('--url')
    expect(String(error)).toContain('--data-dir')
    // The one that has it did not notice.
    expect((await sql<{ one: number }>`select 1 as one`.execute(store.db)).rows).toEqual([{ one: 1 }])
  })

  test('is refused while a live process has it, and free when that process is killed', async () => {
    const module = new URL('./directory-lock.ts', import.meta.url).href
    const script = `const { lockDirectory } = await import(${JSON.stringify(module)})
      globalThis.lock = lockDirectory(${JSON.stringify(dataDir)})
      console.log('held')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()))
    try {
      for await (const line of createInterface(child.stdout)) if (line === 'held') break
      const error: unknown = await openPgliteStore({ dataDir }).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'StoreLockedError', pid: child.pid })
    } finally {
      child.kill('SIGKILL')
      await gone
    }
    await using store = await openPgliteStore({ dataDir })
    expect(store.kind).toBe('pglite')
  })

  test('a pid left behind does not lock it, whoever has that pid now', async () => {
    await writeFile(join(dataDir, 'owner.pid'), '1\n')
    await using store = await openPgliteStore({ dataDir })
    expect(store.kind).toBe('pglite')
  })

  test('that is no database is an error that says so, and is not locked afterwards', async () => {
    const broken = join(parent, 'broken')
    await mkdir(join(broken, 'pgdata'), { recursive: true })
    await writeFile(join(broken, 'pgdata', 'PG_VERSION'), '9.6\n')
    for (const attempt of [1, 2]) {
      const error: unknown = await openPgliteStore({ dataDir: broken }).catch((reason: unknown) => reason)
      expect([attempt, error]).toEqual([attempt, expect.objectContaining({ code: 'not_ready' })])
      expect(error).not.toBeInstanceOf(StoreLockedError)
    }
  })

  test('after the end every query is refused, also one that was waiting', async () => {
    const store = await openPgliteStore({ dataDir })
    const waiting = Promise.allSettled([sql`select 1`.execute(store.db), sql`select 2`.execute(store.db)])
    await store[Symbol.asyncDispose]()
    await waiting
    await expect(sql`select 1`.execute(store.db)).rejects.toThrow()
  })

  test('a long statement does not stop the event loop', async () => {
    await using store = await openPgliteStore({ dataDir })
    let turns = 0
    let counting = true
    const count = (): void => {
      turns += 1
      if (counting) setImmediate(count)
    }
    count()
    await sql`select count(*) from generate_series(1, 300000) a`.execute(store.db)
    counting = false
    expect(turns).toBeGreaterThan(20)
  })
})

test('a store in memory says that it keeps nothing', async () => {
  await using store = await openMemoryStore()
  expect(store.capabilities).toEqual({ durability: 'memory', exclusive: true })
})
