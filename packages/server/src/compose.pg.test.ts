import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemIdMaker, type UserId } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import type { Authenticator } from './auth/authenticator.ts'
import { findNatsServer, natsNote, openNatsServer } from './bus/testing/nats-server.ts'
import { type RunningServer, startServer } from './compose.ts'
import { readSettings } from './environment/settings.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { startTestPostgres } from './store/testing/postgres.ts'
import { silentLogger } from './telemetry/logger.ts'

const postgres = await startTestPostgres()

/** Tokens that every node knows, and that one of them revokes. */
function tokens() {
  const valid = new Map<string, UserId>()
  const authenticator = () => {
    const listeners = new Set<(userId: UserId) => void>()
    const part: Authenticator = {
      cookieName: 'none',
      async authenticate({ bearer }) {
        const userId = valid.get(bearer ?? '')
        return userId === undefined ? null : { kind: 'user', userId }
      },
      onRevoke(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    const revoke = (token: string): void => {
      const userId = valid.get(token)
      valid.delete(token)
      if (userId !== undefined) for (const listener of listeners) listener(userId)
    }
    return { part, revoke }
  }
  return { valid, authenticator }
}

/** A whole server; its data directory goes with it. */
async function openNode(
  environment: Record<string, string>,
  authenticator: Authenticator,
): Promise<RunningServer> {
  await using opening = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-node-'))
  opening.defer(() => rm(dataDir, { recursive: true, force: true }))
  const settings = readSettings({
    HOLDFAST_ENV: 'test',
    HOLDFAST_PORT: '0',
    HOLDFAST_DATA_DIR: dataDir,
    ...environment,
  })
  const server = opening.use(
    await startServer({ settings, logger: silentLogger, advertise: false, parts: { authenticator } }),
  )
  const owned = opening.move()
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Revoking is what nobody asks for in between: credentials are looked at again every five minutes. */
async function revokeAcross(environment: Record<string, string>): Promise<void> {
  const { valid, authenticator } = tokens()
  const makeId = systemIdMaker()
  valid.set('mine', makeId('user')).set('other', makeId('user'))
  const [first, second] = [authenticator(), authenticator()]
  await using one = await openNode(environment, first.part)
  await using two = await openNode(environment, second.part)
  expect(one.url).not.toBe(two.url)
  const readers = ['mine', 'other'].map((token) => {
    const reader = readFrames(two.url, { headers: { authorization: `Bearer ${token}` } })
    reader.send({ type: 'hello', instance: token, subs: [] })
    return reader
  })
  for (const reader of readers) await reader.next('ready')
  first.revoke('mine')
  expect(await readers[0]?.closed).toMatchObject({ code: 4503 })
  expect(readers[1]?.socket.readyState).toBe(1)
}

describe.skipIf(!postgres.available)(`two nodes on real PostgreSQL${postgres.note}`, () => {
  test('what is revoked on one closes the connections of its user on the other: NOTIFY', async () => {
    await using database = await postgres.createDatabase()
    await revokeAcross({ HOLDFAST_DATABASE_URL: database.connectionString })
  })

  test.skipIf(findNatsServer() === null)(
    `what is revoked on one closes the connections of its user on the other: NATS${natsNote}`,
    async () => {
      await using database = await postgres.createDatabase()
      await using nats = await openNatsServer()
      await revokeAcross({ HOLDFAST_DATABASE_URL: database.connectionString, HOLDFAST_NATS_URL: nats.url })
    },
  )
})
