import { existsSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileInfo } from '@holdfast/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorkspace } from './create-workspace.ts'
import { openTestWorkspace, type TestWorkspace, untimed } from './workspace.test-support.ts'
import type { SqlJob, Workspace } from './workspace.ts'
import type { WorkspaceLimits } from './workspace-limits.ts'

let here: TestWorkspace
let workspace: Workspace
let ended: AbortController

// One store for all: each test has a workspace of its own on it.
beforeAll(async () => {
  here = await openTestWorkspace()
})
afterAll(async () => await here[Symbol.asyncDispose]())
afterEach(async () => {
  ended.abort()
  await allGone()
})

function open(limits: Partial<WorkspaceLimits> = {}): void {
  ended = new AbortController()
  workspace = createWorkspace({
    store: here.store,
    blobs: here.blobs,
    dataDir: here.directory,
    ended: ended.signal,
    limits: { heldFromBytes: 0, ...limits },
  })
}

const allGone = () => vi.waitFor(async () => expect(await children()).toEqual([]), { timeout: 10_000 })

/** Children of this workspace, known by the (removed) working directories they had. */
async function children(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const own = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      return cwd.startsWith(join(here.directory, 'jobs')) ? [pid] : []
    }),
  )
  return own.flat()
}

const profiled = async (name = 'a.csv'): Promise<FileInfo> => {
  const file = await here.upload(name, 'n,word\n1,one\n2,two\n')
  await workspace.thread(here.principal, here.threadId).profile(file.id, untimed())
  return file
}

const count = (file: FileInfo, more: Partial<SqlJob> = {}) =>
  workspace.thread(here.principal, here.threadId).runSql(
    {
      tables: [{ name: 't', fileId: file.id }],
      prepare: [],
      queries: [{ id: 'q', sql: 'SELECT count(*) FROM t' }],
      verified: true,
      ...more,
    },
    untimed(),
  )

const stored = (file: FileInfo): boolean => existsSync(join(here.directory, 'tables', `${file.id}.duckdb`))

// The children are found in /proc.
describe.skipIf(process.platform !== 'linux')('[W1] a child that holds a table (needs Linux)', () => {
  test('answers the jobs that follow, if they are the server’s own', async () => {
    open()
    const file = await profiled()
    const [first] = await children()
    expect(first).toBeDefined()
    expect(await count(file)).toMatchObject([{ rows: [[2]] }])
    expect(await count(file)).toMatchObject([{ rows: [[2]] }])
    expect(await children()).toEqual([first])
    expect(stored(file)).toBe(false)
  })

  test('answers nobody after SQL that others wrote, or after a job that failed', async () => {
    open()
    const file = await profiled()
    await count(file, { verified: false })
    expect(await children()).toEqual([])
    await count(file)
    expect(await children()).toHaveLength(1)
    const failing = { queries: [{ id: 'q', sql: "SELECT error('no')" }] }
    await expect(count(file, failing)).rejects.toMatchObject({ code: 'sql_failed' })
    expect(await children()).toEqual([])
    expect(await count(file)).toMatchObject([{ rows: [[2]] }])
  })

  test('keeps nothing of a job for the next', async () => {
    open()
    const file = await profiled()
    await count(file, { prepare: ['CREATE VIEW v AS SELECT 1', 'CREATE TEMP TABLE w AS SELECT 1'] })
    const [same] = await children()
    for (const name of ['v', 'w'])
      await expect(count(file, { queries: [{ id: 'q', sql: `FROM ${name}` }] })).rejects.toMatchObject({
        code: 'sql_refused',
      })
    expect(await children()).not.toContain(same)
  })

  test('leaves after its time, with its file, and when the server ends', async () => {
    open({ heldMs: 100 })
    await profiled()
    await allGone()
    open()
    const file = await profiled()
    await workspace.removeFile(here.principal, file.id)
    await allGone()
    await profiled()
    expect(await children()).toHaveLength(1)
    ended.abort()
    await allGone()
  })

  test('makes room for a newer one, and its table is read again when asked for', async () => {
    open({ heldTables: 1 })
    const [one] = [await profiled('a.csv'), await profiled('b.csv')]
    await vi.waitFor(async () => expect(await children()).toHaveLength(1), { timeout: 10_000 })
    expect(await count(one)).toMatchObject([{ rows: [[2]] }])
  })

  test('is not made for a job over several files', async () => {
    open()
    const [one, two] = [await profiled('a.csv'), await profiled('b.csv')]
    const sql = 'SELECT count(*) FROM t, u'
    const tables = [
      { name: 't', fileId: one.id },
      { name: 'u', fileId: two.id },
    ]
    expect(await count(one, { tables, queries: [{ id: 'q', sql }] })).toMatchObject([{ rows: [[4]] }])
    expect([stored(one), stored(two)]).toEqual([true, true])
  })

  test('is not made for a small table, nor for one too large', async () => {
    for (const limits of [{ heldFromBytes: 2 ** 30 }, { heldUpToBytes: 0 }]) {
      open(limits)
      expect(stored(await profiled())).toBe(true)
      expect(await children()).toEqual([])
    }
  })
})
