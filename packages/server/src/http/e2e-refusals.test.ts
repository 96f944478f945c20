import { Problem } from '@holdfast/protocol'
import { e2eLimits, keyIdOf, macOf, newSimulationKey, signRequest } from '@holdfast/protocol/e2e'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { addressLimits } from '../auth/e2e-simulation/address-limits.ts'
import {
  alice,
  bearer,
  type Change,
  newRun,
  postSigned,
  sessionOf,
  simulate,
} from './e2e-simulation.test-support.ts'
import { openTestServer, type TestServer, type TestServerOptions } from './test-server.test-support.ts'

describe('a proof that is not one', () => {
  const minute = 60_000
  const flipped = (hex: string, at: number): string =>
    `${hex.slice(0, at)}${hex.at(at) === '0' ? '1' : '0'}${hex.slice(at === -1 ? hex.length : at + 1)}`
  const cases: readonly [string, Change][] = [
    ['another key', { signing: { key: newSimulationKey() } }],
    [
      'another key under the name of ours',
      {
        signing: { key: newSimulationKey() },
        headers: (signed, { simulation }) => ({ ...signed, 'x-e2e-key-id': keyIdOf(simulation.key) }),
      },
    ],
    [
      'a good key under the name of the other',
      {
        headers: (signed, { simulation }) => ({ ...signed, 'x-e2e-key-id': keyIdOf(simulation.previousKey) }),
      },
    ],
    ['another host', { signing: { host: 'chat.staging.example.test.evil.test' } }],
    ['the host of the request', { signing: { host: '127.0.0.1' } }],
    ['another body', { body: JSON.stringify({ ...alice, persona: 'bob' }) }],
    ['a body that is not JSON', { body: '{' }],
    ['no body', { body: '' }],
    ['a query', { path: '/auth/e2e/session?x=1' }],
    ['a minute and a half ago', { signing: { nowMs: Date.now() - 1.5 * minute } }],
    ['in a minute and a half', { signing: { nowMs: Date.now() + 1.5 * minute } }],
    ['nothing at all', { headers: () => ({}) }],
    ['no key id', { headers: ({ 'x-e2e-key-id': _, ...rest }) => rest }],
    ['a key id of another', { headers: (signed) => ({ ...signed, 'x-e2e-key-id': keyIdOf('x') }) }],
    ['no nonce', { headers: ({ 'x-e2e-nonce': _, ...rest }) => rest }],
    ['another nonce', { headers: (signed) => ({ ...signed, 'x-e2e-nonce': 'A'.repeat(22) }) }],
    ['another time', { headers: (signed) => ({ ...signed, 'x-e2e-timestamp': '1' }) }],
    ['a time that is none', { headers: (signed) => ({ ...signed, 'x-e2e-timestamp': 'now' }) }],
    ['no signature', { headers: (signed) => ({ ...signed, 'x-e2e-signature': '' }) }],
    [
      'a signature of another version',
      {
        headers: (signed) => ({
          ...signed,
          'x-e2e-signature': (signed['x-e2e-signature'] ?? '').replace('v1', 'v2'),
        }),
      },
    ],
    [
      'a wrong first digit',
      {
        headers: (s) => ({
          ...s,
          'x-e2e-signature': `v1=${flipped((s['x-e2e-signature'] ?? '').slice(3), 0)}`,
        }),
      },
    ],
    [
      'a wrong last digit',
      {
        headers: (s) => ({
          ...s,
          'x-e2e-signature': `v1=${flipped((s['x-e2e-signature'] ?? '').slice(3), 63)}`,
        }),
      },
    ],
  ]

  test('is 401 with one and the same answer, whatever is wrong with it', async () => {
    await using server = await openTestServer()
    const answers = new Set<string>()
    for (const [what, change] of cases) {
      const response = await postSigned(server, alice, change)
      expect([what, response.status]).toEqual([what, 401])
      answers.add(await response.text())
    }
    expect([...answers]).toHaveLength(1)
    expect(Problem.parse(JSON.parse([...answers][0] ?? ''))).toMatchObject({ code: 'unauthenticated' })
    const unsigned = await fetch(`${server.url}/auth/e2e/runs/r1`, { method: 'DELETE' })
    expect(await unsigned.text()).toBe([...answers][0])
    const lines = await server.auditLog()
    expect(lines).toHaveLength(cases.length + 1)
    expect(new Set(lines.map(({ event }) => event))).toEqual(new Set(['simulated_session_refused']))
  })

  test('half a minute of difference between two clocks is nothing', async () => {
    await using server = await openTestServer()
    for (const off of [-30_000, 30_000])
      expect((await postSigned(server, alice, { signing: { nowMs: Date.now() + off } })).status).toBe(201)
  })
})

test('a request is good once, also for two at the same time, and on any node', async () => {
  await using server = await openTestServer()
  const url = `${server.url}/auth/e2e/session`
  const body = JSON.stringify(alice)
  const headers = signRequest({ ...server.simulation, method: 'POST', url, body })
  const send = async () => (await fetch(url, { method: 'POST', headers, body })).status
  expect((await Promise.all([send(), send()])).sort()).toEqual([201, 409])
  expect(await send()).toBe(409)
  // The store says so, not the process: nonces of another node count.
  const nonce = 'B'.repeat(22)
  await sql`insert into e2e_nonces values (${nonce}, now() + interval '1 minute')`.execute(server.store.db)
  const timestamp = headers['x-e2e-timestamp'] ?? ''
  const parts = { method: 'POST', host: server.simulation.host, path: '/auth/e2e/session', timestamp, nonce }
  const mac = macOf(server.simulation.key, parts, Buffer.from(body)).toString('hex')
  const used = { ...headers, 'x-e2e-nonce': nonce, 'x-e2e-signature': `v1=${mac}` }
  expect((await fetch(url, { method: 'POST', headers: used, body })).status).toBe(409)
  const events = (await server.auditLog()).map(({ event }) => event)
  expect(events.filter((event) => event === 'simulated_session_replayed')).toHaveLength(3)
})

describe('what is asked for', () => {
  test.each<[string, unknown, number]>([
    ['a user id', { ...alice, user: 'usr_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 400],
    ['an address', { ...alice, email: 'ceo@example.com' }, 400],
    ['a role', { ...alice, role: 'admin' }, 400],
    ['an issuer', { ...alice, iss: 'https://id.example.com' }, 400],
    ['a run that breaks out of its place', { ...alice, run: 'r_alice' }, 400],
    ['a run with a path', { ...alice, run: '../../x' }, 400],
    ['no mode', { persona: 'alice', run: 'r' }, 400],
    ['no JSON', '{', 400],
    ['no object', 'null', 400],
    ['nobody known', { ...alice, persona: 'mallory' }, 403],
    ['an object of JavaScript', { ...alice, persona: 'constructor' }, 403],
    ['too much', { ...alice, run: 'r'.repeat(e2eLimits.bodyBytes) }, 413],
  ])('%s: refused', async (_what, content, status) => {
    await using server = await openTestServer()
    const users = async () => (await server.store.db.selectFrom('users').select('id').execute()).length
    const before = await users()
    const response = await postSigned(server, content)
    expect(response.status).toBe(status)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await users()).toBe(before)
  })

  test('a persona that an operator disabled stays out of its run', async () => {
    await using server = await openTestServer()
    const run = newRun()
    const session = await simulate(server, { run })
    await server.auth.users.disable(session.user)
    expect(await sessionOf(server, bearer(session))).toBe(401)
    expect((await postSigned(server, { ...alice, run })).status).toBe(403)
  })
})

describe('too often', () => {
  const limited = (limits: Partial<typeof addressLimits>): TestServerOptions => ({
    simulationLimits: { ...addressLimits, ...limits },
  })
  /** All tests of this file come from one address, and what is counted is in the store. */
  const forget = async ({ store: { db } }: TestServer): Promise<void> => {
    await db.deleteFrom('e2e_refusals').execute()
    await db.deleteFrom('usage').where('what', '=', 'simulated_requests').execute()
  }

  test('more than requestsPerMinute of an address wait', async () => {
    await using server = await openTestServer(limited({}))
    await forget(server)
    const statuses: number[] = []
    let last: Response | null = null
    // A minute may turn meanwhile, and begin the count anew.
    for (let count = 0; count < 2 * addressLimits.requestsPerMinute + 2; count += 1) {
      last = await postSigned(server, alice)
      statuses.push(last.status)
      if (last.status === 429) break
    }
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(30)
    expect(statuses.at(-1)).toBe(429)
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0)
    await forget(server)
  })

  test('after ten wrong signatures the address is not listened to, not even with a good one', async () => {
    await using server = await openTestServer(limited({}))
    await using otherNode = await openTestServer(limited({}))
    await forget(server)
    const wrong = (node: TestServer) => postSigned(node, alice, { signing: { key: newSimulationKey() } })
    for (let count = 0; count < 10; count += 1)
      expect((await wrong(count % 2 === 0 ? server : otherNode)).status).toBe(401)
    for (const node of [server, otherNode]) {
      const response = await postSigned(node, alice)
      expect(response.status).toBe(429)
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(800)
      expect(Problem.parse(await response.json()).code).toBe('rate_limited')
    }
    const past = sql`update e2e_refusals set blocked_until = now() - interval '1 second', begins = begins - interval '16 minutes'`
    await past.execute(server.store.db)
    expect((await postSigned(server, alice)).status).toBe(201)
    // It begins to count anew: nine more do not block.
    for (let count = 0; count < 9; count += 1) await wrong(server)
    expect((await postSigned(server, alice)).status).toBe(201)
    await forget(server)
  })
})
