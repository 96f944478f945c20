import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreAwayError } from '../store/store-fault.ts'
import { createWorkspace } from './create-workspace.ts'
import { createDirectoryBlobs } from './directory-blobs.ts'
import {
  chunksOf,
  makePrincipal,
  openTestWorkspace,
  type TestWorkspace,
  untimed,
} from './workspace.test-support.ts'

let here: TestWorkspace
beforeAll(async () => {
  here = await openTestWorkspace({ limits: { fileBytes: 1_000, artifactBytes: 100 } })
})
afterAll(async () => await here[Symbol.asyncDispose]())

const names = async (folder: string) => await readdir(join(here.directory, folder)).catch(() => [])
/** Of all threads, and of what is being written. */
const blobNames = async () =>
  (await readdir(join(here.directory, 'blobs'), { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
const chart = (content: string | Uint8Array) =>
  ({ kind: 'chart', title: 'Cost', mediaType: 'image/svg+xml', content }) as const

describe('uploads', () => {
  test('are kept under their id with size, sum and the name as shown', async () => {
    const file = await here.upload('../../etc/\u202epass\nwd.csv', 'a,b\n1,2\n')
    expect(file).toMatchObject({
      threadId: here.threadId,
      name: '../../etc/passwd.csv',
      kind: 'csv',
      bytes: 8,
      sha256: createHash('sha256').update('a,b\n1,2\n').digest('hex'),
    })
    expect(await blobNames()).toContain(file.id)
    expect(await here.workspace.file(here.principal, file.id)).toEqual(file)
    expect(await here.workspace.files(here.principal, here.threadId)).toContainEqual(file)
  })
  test('names are cut, and nothing is a name too', async () => {
    expect((await here.upload('x'.repeat(300), 'a\n1\n')).name).toHaveLength(255)
    expect((await here.upload(' \n', 'a\n1\n')).name).toBe('unnamed')
  })
  test('files are for the owner of the server alone', async () => {
    const file = await here.upload('a', 'a,b\n1,2\n')
    await here.profile(file)
    for (const path of [`blobs/${here.threadId}/${file.id}`, `tables/${file.id}.duckdb`])
      expect((await stat(join(here.directory, path))).mode & 0o777, path).toBe(0o600)
    for (const path of ['blobs', `blobs/${here.threadId}`, 'tables', 'jobs'])
      expect((await stat(join(here.directory, path))).mode & 0o777, path).toBe(0o700)
  })
  test('one byte over the limit leaves nothing', async () => {
    expect((await here.upload('a', `a\n${'1'.repeat(998)}`)).bytes).toBe(1_000)
    const before = await blobNames()
    await expect(here.upload('a', `a\n${'1'.repeat(999)}`)).rejects.toMatchObject({
      code: 'payload_too_large',
    })
    expect(await blobNames()).toEqual(before)
  })
  test('one that is aborted, breaks off or is refused leaves nothing', async () => {
    const before = [await blobNames(), (await here.workspace.files(here.principal, here.threadId)).length]
    const gone = new AbortController()
    const slow = async function* () {
      yield Buffer.from('a,b\n')
      gone.abort(new Error('gone'))
      yield Buffer.from('1,2\n')
    }
    const broken = async function* () {
      yield Buffer.from('a,b\n')
      throw new Error('the connection broke')
    }
    const upload = (content: AsyncIterable<Uint8Array>, signal = untimed()) =>
      here.workspace.upload(here.principal, here.threadId, { name: 'a', content }, signal)
    await expect(upload(slow(), gone.signal)).rejects.toThrow()
    await expect(upload(broken())).rejects.toThrow('the connection broke')
    await expect(upload(chunksOf(''))).rejects.toMatchObject({ code: 'file_unreadable' })
    await expect(upload(chunksOf('%PDF-1.4'))).rejects.toMatchObject({ code: 'unsupported_media_type' })
    expect([await blobNames(), (await here.workspace.files(here.principal, here.threadId)).length]).toEqual(
      before,
    )
  })
})

describe('profiles and tables', () => {
  test('a profile is stored with the file and answered from there', async () => {
    const file = await here.upload('a.csv', 'a,b\n1,2\n')
    const profile = await here.profile(file)
    expect(profile).toMatchObject({ fileId: file.id, fileName: 'a.csv', rows: 1 })
    const again = createWorkspace({
      store: here.store,
      blobs: createDirectoryBlobs({ directory: join(here.directory, 'elsewhere'), durable: false }),
      dataDir: join(here.directory, 'elsewhere'),
    })
    expect(await again.thread(here.principal, here.threadId).profile(file.id, untimed())).toEqual(profile)
  })
  test('many callers at once share one reading; one who leaves does not stop it for the others', async () => {
    const file = await here.upload('a.csv', 'a,b\n1,2\n')
    const thread = here.workspace.thread(here.principal, here.threadId)
    const gone = new AbortController()
    const left = thread.profile(file.id, gone.signal)
    const stayed = [thread.profile(file.id, untimed()), thread.profile(file.id, untimed())]
    gone.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    for (const profile of await Promise.all(stayed)) expect(profile.rows).toBe(1)
  })
  test('a table that is gone from the disk is made again', async () => {
    const file = await here.upload('a.csv', 'a,b\n1,2\n')
    const { rm } = await import('node:fs/promises')
    await here.profile(file)
    await rm(join(here.directory, 'tables', `${file.id}.duckdb`))
    expect((await here.query(file, 'SELECT a FROM t')).rows).toEqual([['1']])
  })
})

describe('[P1] a foreign object answers as a missing one', () => {
  test('threads, files and artifacts of another', async () => {
    const other = makePrincipal()
    const file = await here.upload('a.csv', 'a,b\n1,2\n')
    const mine = here.workspace.thread(here.principal, here.threadId)
    const artifact = await mine.createArtifact(here.runId, chart('<svg/>'))
    const theirs = here.workspace.thread(other, here.threadId)
    const job = {
      tables: [{ name: 't', fileId: file.id }],
      prepare: [],
      queries: [{ id: 'q', sql: 'SELECT 1' }],
    }
    const attempts: Record<string, () => Promise<unknown>> = {
      upload: () =>
        here.workspace.upload(other, here.threadId, { name: 'a', content: chunksOf('a\n1\n') }, untimed()),
      files: () => here.workspace.files(other, here.threadId),
      file: () => here.workspace.file(other, file.id),
      removeFile: () => here.workspace.removeFile(other, file.id),
      artifact: () => here.workspace.artifact(other, artifact.id),
      'thread files': () => theirs.files(),
      profile: () => theirs.profile(file.id, untimed()),
      runSql: () => theirs.runSql(job, untimed()),
      createArtifact: () => theirs.createArtifact(here.runId, chart('x')),
      readArtifact: () => theirs.readArtifact(artifact.id),
    }
    for (const [name, attempt] of Object.entries(attempts))
      await expect(attempt(), name).rejects.toMatchObject({ code: 'not_found' })
    expect(await here.workspace.file(here.principal, file.id)).toEqual(file)
  })
  test('[A3] a thread reaches its own files only, also those of the same owner', async () => {
    const file = await here.upload('a.csv', 'a,b\n1,2\n')
    const second = here.workspace.thread(here.principal, await here.makeThread(here.principal))
    const job = {
      tables: [{ name: 't', fileId: file.id }],
      prepare: [],
      queries: [{ id: 'q', sql: 'FROM t' }],
    }
    await expect(second.profile(file.id, untimed())).rejects.toMatchObject({ code: 'not_found' })
    await expect(second.runSql(job, untimed())).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('artifacts', () => {
  test('are stored with their bytes and read back', async () => {
    const thread = here.workspace.thread(here.principal, here.threadId)
    const info = await thread.createArtifact(here.runId, chart('<svg>ä</svg>'))
    expect(info).toMatchObject({
      runId: here.runId,
      kind: 'chart',
      bytes: 13,
      rows: null,
      mediaType: 'image/svg+xml',
    })
    expect(Buffer.from(await thread.readArtifact(info.id)).toString()).toBe('<svg>ä</svg>')
    const { info: again, content } = await here.workspace.artifact(here.principal, info.id)
    expect([again, await text(content)]).toEqual([info, '<svg>ä</svg>'])
  })
  test('have a size', async () => {
    const thread = here.workspace.thread(here.principal, here.threadId)
    expect((await thread.createArtifact(here.runId, chart(new Uint8Array(100)))).bytes).toBe(100)
    await expect(thread.createArtifact(here.runId, chart(new Uint8Array(101)))).rejects.toMatchObject({
      code: 'payload_too_large',
    })
  })
})

test('what is removed is forgotten here; what another node removed is forgotten by the next sweep', async () => {
  const [first, second, third] = [
    await here.upload('a', 'a,b\n1,2\n'),
    await here.upload('b', 'a,b\n1,2\n'),
    await here.upload('c', 'a,b\n1,2\n'),
  ]
  for (const file of [first, second, third]) await here.profile(file)
  const tables = async () => {
    const all: readonly string[] = await names('tables')
    return [first, second, third].map(({ id }) => all.includes(`${id}.duckdb`))
  }
  await here.workspace.removeFile(here.principal, first.id)
  expect(await tables()).toEqual([false, true, true])
  expect(await here.blobs.exists({ threadId: here.threadId, id: first.id })).toBe(false)
  await here.store.db.deleteFrom('files').where('id', '=', second.id).execute()
  await here.workspace.sweep()
  expect(await tables()).toEqual([false, false, true])
})

test.each([
  ['stored', true],
  ['not stored', false],
])('of an upload whose row may be stored, and is %s, the bytes stay', async (_, isStored) => {
  let faults = 1
  const lost = () => {
    faults -= 1
    throw new StoreAwayError('away')
  }
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) =>
      faults > 0 && !isStored && node.kind === 'InsertQueryNode' ? lost() : node,
    transformResult: async ({ result }) => (faults > 0 && result.numAffectedRows === 1n ? lost() : result),
  }
  const workspace = createWorkspace({
    store: { ...here.store, db: here.store.db.withPlugin(plugin) },
    blobs: here.blobs,
    dataDir: here.directory,
  })
  const before = await blobNames()
  await expect(
    workspace.upload(here.principal, here.threadId, { name: 'lost', content: chunksOf('a\n1\n') }, untimed()),
  ).rejects.toMatchObject({ code: 'not_ready' })
  const rows = (await here.workspace.files(here.principal, here.threadId)).filter(
    ({ name }) => name === 'lost',
  )
  expect(rows).toHaveLength(isStored ? 1 : 0)
  for (const { id } of rows) expect(await here.blobs.exists({ threadId: here.threadId, id })).toBe(true)
  expect(await blobNames()).toHaveLength(before.length + 1)
  for (const { id } of rows) await here.workspace.removeFile(here.principal, id)
})

test('an upload into a thread that is deleted meanwhile finds none, and leaves nothing', async () => {
  const threadId = await here.makeThread(here.principal)
  const before = await blobNames()
  const slow = async function* () {
    yield Buffer.from('a,b\n')
    await here.store.db.deleteFrom('threads').where('id', '=', threadId).execute()
    yield Buffer.from('1,2\n')
  }
  await expect(
    here.workspace.upload(here.principal, threadId, { name: 'a', content: slow() }, untimed()),
  ).rejects.toMatchObject({ code: 'not_found' })
  expect(await blobNames()).toEqual(before)
})
