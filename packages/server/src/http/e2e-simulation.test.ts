import { CreatedToken, FileInfo, Run, Thread } from '@holdfast/protocol'
import {
  e2eLimits,
  keyIdOf,
  newSimulationKey,
  PurgedRun,
  personas,
  SimulatedSession as SimulatedSessions,
  signRequest,
} from '@holdfast/protocol/e2e'
import * as jose from 'jose'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { readFrames } from '../realtime/frame-reader.test-support.ts'
import {
  alice,
  bearer,
  newRun,
  postSigned,
  purge,
  sessionOf,
  simulate,
} from './e2e-simulation.test-support.ts'
import { openTestServer } from './test-server.test-support.ts'

describe('a persona signs in', () => {
  test('with a cookie, for fifteen minutes, and each answer says that nobody real is there', async () => {
    await using server = await openTestServer()
    const run = newRun()
    const before = Date.now()
    const response = await postSigned(server, { persona: 'bob', run, mode: 'cookie' })
    expect(response.status).toBe(201)
    expect(response.headers.get('x-holdfast-simulated')).toBe('1')
    const session = SimulatedSessions.parse(await response.json())
    expect(session).toMatchObject({ kind: 'simulated', persona: 'bob', run, role: 'member', token: null })
    expect(Math.abs(Date.parse(session.expiresAt) - before - 900_000)).toBeLessThan(10_000)
    const [cookie = ''] = response.headers.getSetCookie()
    expect(cookie).toMatch(/; Max-Age=900; Path=\/; HttpOnly; SameSite=Lax/)
    const shown = await fetch(`${server.url}/v1/session`, {
      headers: { cookie: cookie.split(';')[0] ?? '' },
    })
    expect(shown.headers.get('x-holdfast-simulated')).toBe('1')
    expect(await shown.json()).toMatchObject({
      user: session.user,
      kind: 'simulated',
      simulated: { persona: 'bob', run },
    })
  })

  test('with a token of its own issuer, that says what it is and is refreshed by nothing', async () => {
    await using server = await openTestServer()
    const session = await simulate(server)
    const claims = jose.decodeJwt(session.token ?? '')
    const issuer = `holdfast:e2e:${server.simulation.host}`
    expect(claims).toMatchObject({ iss: issuer, aud: issuer, sub: session.user, simulated: true })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(e2eLimits.sessionSeconds)
    expect(jose.decodeProtectedHeader(session.token ?? '').alg).toBe('EdDSA')
    expect(await sessionOf(server, bearer(session))).toMatchObject({ user: session.user })
    const real = await fetch(`${server.url}/v1/session`, {
      headers: { authorization: `Bearer ${server.token}` },
    })
    expect(real.headers.get('x-holdfast-simulated')).toBeNull()
  })

  test('as the same user all through a run, and as another one in the next', async () => {
    await using server = await openTestServer()
    const run = newRun()
    const [one, again] = [await simulate(server, { run }), await simulate(server, { run })]
    expect(again.user).toBe(one.user)
    const others = [await simulate(server, { run, persona: 'bob' }), await simulate(server)]
    expect(new Set([one.user, ...others.map(({ user }) => user)]).size).toBe(3)
  })

  test('by the previous key too, while a key is being replaced', async () => {
    await using server = await openTestServer()
    const response = await postSigned(server, alice, { signing: { key: server.simulation.previousKey } })
    expect(response.status).toBe(201)
  })

  test('and event streams say it as well', async () => {
    await using server = await openTestServer()
    const headers = bearer(await simulate(server))
    const made = await fetch(`${server.url}/v1/threads`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    })
    const { id } = Thread.parse(await made.json())
    const ended = new AbortController()
    const stream = await fetch(`${server.url}/v1/threads/${id}/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal: ended.signal,
    })
    expect(stream.headers.get('x-holdfast-simulated')).toBe('1')
    ended.abort()
  })
})

test('purging a run takes its users with all that is theirs, and nobody else’s', async () => {
  await using server = await openTestServer()
  const run = newRun()
  const [one, bystander] = [await simulate(server, { run }), await simulate(server, { run: `${run}-2` })]
  await simulate(server, { run, persona: 'bob' })
  const headers = bearer(one)
  const json = { ...headers, 'content-type': 'application/json' }
  const made = await fetch(`${server.url}/v1/threads`, { method: 'POST', headers: json, body: '{}' })
  const thread = Thread.parse(await made.json())
  const form = new FormData()
  form.set('file', new Blob(['a,b\n1,2\n']), 'requests.csv')
  const uploaded = await fetch(`${server.url}/v1/threads/${thread.id}/files`, {
    method: 'POST',
    headers,
    body: form,
  })
  const file = FileInfo.parse(await uploaded.json())
  const asked = await fetch(`${server.url}/v1/threads/${thread.id}/runs`, {
    method: 'POST',
    headers: json,
    body: '{"message":"Why?"}',
  })
  const artifact = await server.workspace
    .thread({ kind: 'simulated', userId: one.user }, thread.id)
    .createArtifact(Run.parse(await asked.json()).id, {
      kind: 'table',
      title: 't',
      mediaType: 'text/plain',
      content: 'x',
    })
  const reader = readFrames(server.url, { headers })
  reader.send({ type: 'hello', instance: 'a' })
  expect(await reader.next('ready')).toMatchObject({ user: one.user, authExpiresAt: one.expiresAt })

  const response = await purge(server, run)
  expect([response.status, PurgedRun.parse(await response.json())]).toEqual([200, { run, users: 2 }])
  expect((await reader.closed).code).toBe(4503)
  expect(await sessionOf(server, headers)).toBe(401)
  expect(await sessionOf(server, bearer(bystander))).toMatchObject({ user: bystander.user })
  const { db } = server.store
  for (const [table, id] of [
    ['users', one.user],
    ['threads', thread.id],
    ['files', file.id],
    ['artifacts', artifact.id],
  ] as const)
    expect([table, await db.selectFrom(table).select('id').where('id', '=', id).execute()]).toEqual([
      table,
      [],
    ])
  // The same persona of the same run is somebody new, and the old token is not theirs.
  const again = await simulate(server, { run })
  expect(again.user).not.toBe(one.user)
  expect(await sessionOf(server, headers)).toBe(401)
  expect(PurgedRun.parse(await (await purge(server, newRun())).json()).users).toBe(0)
})

test('the audit log has each of it: by which key, for whom, from where, and never the key', async () => {
  await using server = await openTestServer()
  const run = newRun()
  const { key, previousKey } = server.simulation
  const body = JSON.stringify({ ...alice, run })
  const url = `${server.url}/auth/e2e/session`
  const headers = signRequest({ ...server.simulation, method: 'POST', url, body })
  const first = await fetch(url, { method: 'POST', headers, body })
  const { user, token } = SimulatedSessions.parse(await first.json())
  await fetch(url, { method: 'POST', headers, body })
  await postSigned(server, { ...alice, persona: 'mallory' }, { signing: { key: previousKey } })
  await postSigned(server, alice, { signing: { key: newSimulationKey() } })
  await purge(server, run)
  const lines = await server.auditLog()
  expect(lines.map(({ event, user_id: who, detail }) => ({ event, who, detail }))).toEqual([
    {
      event: 'simulated_session_created',
      who: user,
      detail: { key: keyIdOf(key), run, persona: 'alice', mode: 'token' },
    },
    { event: 'simulated_session_replayed', who: null, detail: { key: keyIdOf(key) } },
    { event: 'simulated_session_refused', who: null, detail: { why: 'persona', key: keyIdOf(previousKey) } },
    { event: 'simulated_session_refused', who: null, detail: { why: 'proof' } },
    { event: 'simulated_run_purged', who: null, detail: { key: keyIdOf(key), run, users: 1 } },
  ])
  expect(lines[0]).toMatchObject({ address: '127.0.0.1' })
  const all = JSON.stringify(lines)
  for (const secret of [key, previousKey, token ?? 'x']) expect(all).not.toContain(secret)
})

test('the database itself tells simulated users from real ones', async () => {
  await using server = await openTestServer()
  const insert = (kind: string, issuer: string, subject: string) =>
    sql`insert into users (id, issuer, subject, kind) values (${`usr_${newRun()}`}, ${issuer}, ${subject}, ${kind})`.execute(
      server.store.db,
    )
  const ours = `holdfast:e2e:${server.simulation.host}`
  await expect(insert('user', ours, 'sim_r_alice')).rejects.toThrow(/users_simulated_issuer/)
  await expect(insert('simulated', 'https://id.example.com', 'sim_r_alice')).rejects.toThrow(/issuer/)
  await expect(insert('simulated', ours, 'alice')).rejects.toThrow(/users_simulated_subject/)
  await expect(insert('simulated', ours, 'simxrxalice')).rejects.toThrow(/users_simulated_subject/)
  const promote = sql`update users set kind = 'user' where kind = 'simulated'`
  await simulate(server)
  await expect(promote.execute(server.store.db)).rejects.toThrow(/users_simulated_issuer/)
  // A provider may call its people what it likes.
  await insert('user', 'https://id.example.com', `sim_${newRun()}_alice`)
})

test('every persona is there', async () => {
  await using server = await openTestServer()
  const run = newRun()
  for (const persona of personas) expect((await simulate(server, { run, persona })).persona).toBe(persona)
})

test('where nobody is simulated there is nothing at that address', async () => {
  await using server = await openTestServer({ deps: { simulation: null } })
  const routes = [
    ['POST', '/auth/e2e/session'],
    ['DELETE', '/auth/e2e/runs/r1'],
  ] as const
  for (const [method, path] of routes) {
    const [here, nowhere] = await Promise.all(
      [path, `${path}x`].map((where) => fetch(`${server.url}${where}`, { method })),
    )
    expect([here?.status, nowhere?.status]).toEqual([404, 404])
    expect((await here?.text())?.replaceAll(path, '')).toBe(
      (await nowhere?.text())?.replaceAll(`${path}x`, ''),
    )
  }
})

test('a personal token of somebody real is not taken for a simulated one', async () => {
  await using server = await openTestServer()
  const made = await fetch(`${server.url}/v1/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    body: '{"name":"x"}',
  })
  const { token } = CreatedToken.parse(await made.json())
  expect(await sessionOf(server, { authorization: `Bearer ${token}` })).toMatchObject({
    user: server.principal.userId,
    kind: 'local',
  })
})
