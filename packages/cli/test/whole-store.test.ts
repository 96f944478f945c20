import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventPage, Thread, type ThreadId, ThreadState } from '@holdfast/protocol'
import { readLocalAccess } from '@holdfast/server/start'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPostgres } from '../../server/src/store/testing/postgres.ts'
import type { AskResult } from '../src/ask/result.ts'
import { run, start, temporaryDirectory } from '../src/holdfast.test-support.ts'
import { sampleUsage } from '../src/sample/sample-usage.ts'

const postgres = await startTestPostgres()
/** Servers start and questions are answered: long on a machine that does other things as well. */
const patienceMs = 180_000

interface Served extends AsyncDisposable {
  readonly pid: number | undefined
  get(path: string): Promise<{ readonly status: number; readonly body: unknown }>
  ask(question: string, ...args: readonly string[]): Promise<AskResult>
  stop(): Promise<void>
}

async function serve(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const server = start(['serve', '--port', '0', '--data-dir', dataDir], { env })
  await server.saw(/Ctrl-C/)
  const access = await readLocalAccess(dataDir)
  if (access === null) throw new Error('the server did not say where it is')
  return {
    pid: server.child.pid,
    async get(path) {
      const response = await fetch(`${access.url}/v1${path}`, {
        headers: { authorization: `Bearer ${access.token}` },
      })
      return { status: response.status, body: await response.json() }
    },
    async ask(question, ...args) {
      const { stdout, stderr } = await run(['ask', question, '--json', '--url', access.url, ...args], {
        env: { HOLDFAST_TOKEN: access.token },
      })
      if (stdout === '') throw new Error(stderr)
      return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as AskResult
    },
    async stop() {
      server.child.kill('SIGTERM')
      await server.ended
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('a store that has been worked with', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let dataDir: string
  let archive: string
  let threadId: ThreadId
  /** As a client that follows the thread keeps it. */
  let cursor: { readonly epoch: string; readonly after: number }
  let events: unknown
  const place = (name: string): string => join(directory.path, name)

  beforeAll(async () => {
    directory = await temporaryDirectory()
    dataDir = place('data')
    archive = place('backup.tar.gz')
    const file = place('usage.csv')
    await writeFile(file, [...sampleUsage({ rows: 500 })].join(''))
    await using server = await serve(dataDir)
    const asked = await server.ask('Where does the money go?', '--data', file)
    threadId = Thread.shape.id.parse(asked.threadId)
    const page = EventPage.parse((await server.get(`/threads/${threadId}/events`)).body)
    cursor = { epoch: page.epoch, after: 5 }
    events = page.items

    const refused = await run(['backup', '--to', archive, '--data-dir', dataDir])
    expect(refused.code).toBe(73)
    expect(refused.stderr).toContain(`process ${server.pid}`)
    await server.stop()
    const made = await run(['backup', '--to', archive, '--data-dir', dataDir])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(made.stdout).toMatch(/threads +1\n/)
    expect(made.stdout).toMatch(/files: \d+, \d+\.\d kB/)
  }, patienceMs)
  afterAll(() => directory[Symbol.asyncDispose]())

  const resume = (server: Served, { epoch, after } = cursor) =>
    server.get(`/threads/${threadId}/events?after=${after}&epoch=${epoch}`)

  test(
    'a data directory that is none, a place that is taken, and a backup that is none are sentences',
    async () => {
      const nowhere = await run(['backup', '--to', place('x'), '--data-dir', place('nowhere')])
      expect(nowhere).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^holdfast: There is no database in/),
      })
      const taken = await run(['backup', '--to', archive, '--data-dir', dataDir])
      expect(taken).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^holdfast: .*backup\.tar\.gz exists/),
      })
      const none = await run(['restore', '--from', place('usage.csv'), '--data-dir', place('none')])
      expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/^holdfast: .*cannot be read/) })
      expect((await readdir(directory.path)).filter((name) => name.includes('partial'))).toEqual([])
    },
    patienceMs,
  )

  test(
    '[L6] restored it answers as before, to cursors with epoch_changed, and goes on',
    async () => {
      const restored = place('restored')
      const made = await run(['restore', '--from', archive, '--data-dir', restored])
      expect(made).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringMatching(/^Restored as of 20.*\n.*/),
      })
      const again = await run(['restore', '--from', archive, '--data-dir', restored])
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--overwrite') })

      await using server = await serve(restored)
      const answer = await resume(server)
      expect(answer).toMatchObject({ status: 409, body: { code: 'epoch_changed' } })
      const state = ThreadState.parse((await server.get(`/threads/${threadId}/state`)).body)
      expect(state.epoch).not.toBe(cursor.epoch)
      const page = EventPage.parse((await server.get(`/threads/${threadId}/events`)).body)
      expect(page.items).toEqual(events)
      // Its file came with it: no new one is sent.
      const asked = await server.ask('average latency by model', '--thread', threadId)
      expect(asked).toMatchObject({ outcome: 'answered' })
    },
    patienceMs,
  )

  describe.skipIf(!postgres.available)(`and PostgreSQL${postgres.note}`, () => {
    test(
      '[L6] moved it stays the same log: equal counts are printed, cursors go on, questions too',
      async () => {
        await using database = await postgres.createDatabase()
        const to = ['migrate-store', '--data-dir', dataDir, '--to', database.connectionString]
        const moved = await run(to)
        expect(moved).toMatchObject({ code: 0, stderr: '' })
        expect(moved.stdout).toMatch(new RegExp(`events +${(events as unknown[]).length}\\n`))
        const twice = await run(to)
        expect(twice).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') })

        await using server = await serve(dataDir, { HOLDFAST_DATABASE_URL: database.connectionString })
        const answer = await resume(server)
        expect(answer.status).toBe(200)
        expect(EventPage.parse(answer.body).items).toEqual((events as unknown[]).slice(cursor.after))
        expect(await server.ask('average latency by model', '--thread', threadId)).toMatchObject({
          outcome: 'answered',
        })
        const busy = await run(['restore', '--from', archive, '--overwrite', '--data-dir', dataDir], {
          env: { HOLDFAST_DATABASE_URL: database.connectionString },
        })
        expect(busy).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/Servers are using this database/),
        })
        expect((await resume(server)).status).toBe(200)
      },
      patienceMs,
    )

    test(
      '[L6] restored into PostgreSQL, while it is backed up under a running server',
      async () => {
        await using database = await postgres.createDatabase()
        const env = { HOLDFAST_DATABASE_URL: database.connectionString }
        const moved = place('moved')
        const made = await run(['restore', '--from', archive, '--data-dir', moved], { env })
        expect(made).toMatchObject({ code: 0, stderr: '' })
        await using server = await serve(moved, env)
        expect(await resume(server)).toMatchObject({ status: 409, body: { code: 'epoch_changed' } })
        const live = await run(['backup', '--to', place('live'), '--data-dir', moved], { env })
        expect(live).toMatchObject({ code: 0, stderr: '' })
        expect((await readdir(place('live'))).toSorted()).toEqual([
          'backup.json',
          'rows',
          'stored',
          'summary.json',
        ])
      },
      patienceMs,
    )
  })
})
