import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreatedToken, Session, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { openLocalAuth } from './auth/open-auth.ts'
import { readSettings } from './environment/settings.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { startServer } from './start-server.ts'
import { openPostgresStore } from './store/postgres-store.ts'
import { startTestPostgres } from './store/testing/postgres.ts'
import { silentLogger } from './telemetry/logger.ts'

const postgres = await startTestPostgres()

/** What is promised (auth-and-environment.md §2). */
const withinMs = 2_000

describe.skipIf(!postgres.available)(`a disabled user, on real PostgreSQL${postgres.note}`, () => {
  // In-process: no node hears another, so that what is seen is what the store alone does.
  test.each(['postgres', 'in-process'])(
    'is 401 at once and off every socket of both nodes within 2 s, with the bus %s',
    async (bus) => {
      await using opening = new AsyncDisposableStack()
      const { connectionString } = opening.use(await postgres.createDatabase())
      const open = async () => {
        const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-disabled-'))
        opening.defer(() => rm(dataDir, { recursive: true, force: true }))
        const settings = readSettings({
          HOLDFAST_ENV: 'test',
          HOLDFAST_PORT: '0',
          HOLDFAST_DATA_DIR: dataDir,
          HOLDFAST_DATABASE_URL: connectionString,
          HOLDFAST_BUS: bus,
        })
        return opening.use(await startServer({ settings, logger: silentLogger, advertise: false }))
      }
      const nodes = [await open(), await open()]
      const [first] = nodes
      const local = first?.local
      if (first === undefined || local === undefined || local === null) throw new Error('There are two nodes')
      const made = await fetch(`${first.url}/v1/tokens`, {
        method: 'POST',
        headers: { authorization: `Bearer ${local.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'x' }),
      })
      const { token } = CreatedToken.parse(await made.json())
      const headers = { authorization: `Bearer ${token}` }
      const session = (url: string) => fetch(`${url}/v1/session`, { headers })
      const { user } = Session.parse(await (await session(first.url)).json())
      const readers = nodes.flatMap(({ url }) =>
        Array.from({ length: 3 }, (_, index) => {
          const reader = readFrames(url, { headers })
          reader.send({ type: 'hello', instance: `tab ${index}` })
          return reader
        }),
      )
      for (const reader of readers) await reader.next('ready')

      // As an operator does it: by the store, from a process of its own.
      const store = opening.use(await openPostgresStore({ connectionString, poolSize: 1 }))
      const operator = opening.use(
        openLocalAuth({
          store,
          makeId: systemIdMaker(),
          userId: user,
          url: () => 'http://127.0.0.1:1',
          onError() {},
        }),
      )
      const began = performance.now()
      expect(await operator.users.disable(user)).toBe(true)
      for (const { url } of nodes) expect((await session(url)).status).toBe(401)
      const closes = await Promise.all(readers.map(({ closed }) => closed))
      const tookMs = performance.now() - began
      expect(closes.map(({ code }) => code)).toEqual(readers.map(() => 4503))
      expect(tookMs).toBeLessThan(withinMs)
    },
  )
})
