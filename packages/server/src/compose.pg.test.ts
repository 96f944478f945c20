import { CreatedToken } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { findNatsServer, natsNote, openNatsServer } from './bus/testing/nats-server.ts'
import { openNode } from './compose.test-support.ts'
import type { RunningServer } from './compose.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { startTestPostgres } from './store/testing/postgres.ts'

const postgres = await startTestPostgres()

/** The local user is the same on all nodes of a store, and so are the user's tokens. */
async function tokenRequest(
  server: RunningServer,
  method: string,
  path = '',
  body?: object,
): Promise<unknown> {
  const response = await fetch(`${server.url}/v1/tokens${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.local?.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? null : response.json()
}

async function revokeAcross(environment: Record<string, string>): Promise<void> {
  await using one = await openNode(environment)
  await using two = await openNode(environment)
  expect(one.url).not.toBe(two.url)
  const make = async (name: string) => CreatedToken.parse(await tokenRequest(one, 'POST', '', { name }))
  const [mine, other] = [await make('mine'), await make('other')]
  const readers = [mine, other].map(({ name, token }) => {
    const reader = readFrames(two.url, { headers: { authorization: `Bearer ${token}` } })
    reader.send({ type: 'hello', instance: name, subs: [] })
    return reader
  })
  for (const reader of readers) await reader.next('ready')
  await tokenRequest(one, 'DELETE', `/${mine.id}`)
  expect(await readers[0]?.closed).toMatchObject({ code: 4503 })
  expect(readers[1]?.socket.readyState).toBe(1)
}

describe.skipIf(!postgres.available)(`two nodes on real PostgreSQL${postgres.note}`, () => {
  test('what is revoked on one closes the connections it had opened on the other: NOTIFY', async () => {
    await using database = await postgres.createDatabase()
    await revokeAcross({ HOLDFAST_DATABASE_URL: database.connectionString })
  })

  test.skipIf(findNatsServer() === null)(
    `what is revoked on one closes the connections it had opened on the other: NATS${natsNote}`,
    async () => {
      await using database = await postgres.createDatabase()
      await using nats = await openNatsServer()
      await revokeAcross({ HOLDFAST_DATABASE_URL: database.connectionString, HOLDFAST_NATS_URL: nats.url })
    },
  )
})
