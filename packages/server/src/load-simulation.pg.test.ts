import {
  newSimulationKey,
  purgeRun,
  type SimulatedSession,
  signInAs,
  signRequest,
} from '@holdfast/protocol/e2e'
import { describe, expect, test } from 'vitest'
import { openNode } from './compose.test-support.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { startTestPostgres } from './store/testing/postgres.ts'
import { openPostgresServer } from './store/testing/postgres-server.ts'

const postgres = await startTestPostgres()
const key = newSimulationKey()
const host = '127.0.0.1:8080'

describe.skipIf(!postgres.available)(`personas on two nodes of one PostgreSQL${postgres.note}`, () => {
  test('are the same on both, by either’s tokens; a request is good on one; without the store nobody is let in', async () => {
    await using database = await openPostgresServer()
    const environment = {
      HOLDFAST_DATABASE_URL: database.url,
      E2E_SIMULATION_ENABLED: 'true',
      E2E_SIMULATION_HOST: host,
      E2E_OAUTH_SIMULATION_KEY: key,
    }
    await using one = await openNode(environment)
    await using two = await openNode(environment)
    const alice = { persona: 'alice', run: 'r1', mode: 'token' } as const
    const sessions = await Promise.all([one, two].map(({ url }) => signInAs(alice, { url, key, host })))
    expect(new Set(sessions.map(({ user }) => user)).size).toBe(1)
    const statusOf = async (url: string, { token }: SimulatedSession): Promise<number> =>
      (await fetch(`${url}/v1/session`, { headers: { authorization: `Bearer ${token}` } })).status
    for (const session of sessions)
      for (const { url } of [one, two]) expect(await statusOf(url, session)).toBe(200)

    const body = JSON.stringify(alice)
    const headers = signRequest({ key, host, method: 'POST', url: `${one.url}/auth/e2e/session`, body })
    const statuses = await Promise.all(
      [one, two, one, two].map(
        async ({ url }) => (await fetch(`${url}/auth/e2e/session`, { method: 'POST', headers, body })).status,
      ),
    )
    expect(statuses.sort()).toEqual([201, 409, 409, 409])

    const [session] = sessions
    const reader = readFrames(two.url, { headers: { authorization: `Bearer ${session?.token}` } })
    reader.send({ type: 'hello', instance: 'a' })
    await reader.next('ready')
    const beganMs = performance.now()
    expect(await purgeRun('r1', { url: one.url, key, host })).toEqual({ run: 'r1', users: 1 })
    expect((await reader.closed).code).toBe(4503)
    console.log(`closed on the other node after ${Math.round(performance.now() - beganMs)} ms`)

    await database.stop('fast')
    const away = await signInAs(alice, { url: one.url, key, host }).catch((error: unknown) => error)
    expect(away).toMatchObject({ code: 'not_ready' })
    await database.start()
    await expect
      .poll(() => signInAs(alice, { url: one.url, key, host }).catch(() => null), { timeout: 20_000 })
      .not.toBeNull()
  }, 120_000)
})
