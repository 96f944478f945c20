import { expect, test } from 'vitest'
import { readFrames } from '../realtime/frame-reader.test-support.ts'
import { makeId, openTestServer } from './test-server.test-support.ts'

test('[P1] a user exports all of their own, and nothing of another, and no secret', async () => {
  await using server = await openTestServer()
  const mine = await server.threads.create(server.principal, 'mine')
  const run = { id: makeId('run'), agent: 'test' }
  await server.append(mine.id, run, { type: 'agent_thinking', data: { step: 1, text: 'my thought' } })
  const other = await server.newUser('user')
  const theirs = await server.threads.create(other, 'theirs')
  const { text } = await server.auth.tokens.create(server.principal, {
    name: 'CI',
    scopes: ['read'],
    days: 1,
  })
  const response = await fetch(`${server.url}/v1/account/export`, {
    headers: { authorization: `Bearer ${server.token}` },
  })
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  const exported = await response.text()
  const rows = exported
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string })
  expect(rows.map(({ type }) => type)).toEqual(['user', 'token', 'thread', 'event', 'audit'])
  expect(exported).toContain('my thought')
  for (const foreign of [theirs.id, other.userId, text.slice(-43), server.token])
    expect(exported).not.toContain(foreign)
})

test('a user who leaves leaves nothing but lines of the audit log: 401, closed, and a stranger when they come again', async () => {
  await using server = await openTestServer()
  const identity = { issuer: 'https://id.test', subject: crypto.randomUUID(), name: 'Ann' }
  const user = await server.auth.users.signIn(identity, 'user')
  if (user === null) throw new Error('A new user is not disabled')
  const { secret } = await server.auth.sessions.open(user.userId)
  const { text } = await server.auth.tokens.create(user, { name: 'CI', scopes: ['read'], days: 1 })
  const thread = await server.threads.create(user, 'costs')
  const stays = await server.threads.create(server.principal, 'of another')
  const reader = readFrames(server.url, { headers: { authorization: `Bearer ${text}` } })
  reader.send({ type: 'hello', instance: 'a' })
  await reader.next('ready')
  const headers = {
    cookie: `${server.auth.cookies.name}=${secret}`,
    'sec-fetch-site': 'same-origin',
  }
  const left = await fetch(`${server.url}/v1/account`, { method: 'DELETE', headers })
  expect(left.status).toBe(204)
  expect((await reader.closed).code).toBe(4503)
  for (const shown of [headers, { authorization: `Bearer ${text}` }])
    expect((await fetch(`${server.url}/v1/session`, { headers: shown })).status).toBe(401)
  const { db } = server.store
  await expect(server.threads.get(user, thread.id)).rejects.toMatchObject({ code: 'not_found' })
  for (const table of ['sessions', 'tokens', 'ws_tickets', 'lifecycle', 'lifecycle_heads'] as const)
    expect(await db.selectFrom(table).selectAll().where('user_id', '=', user.userId).execute()).toEqual([])
  expect(await db.selectFrom('users').selectAll().where('id', '=', user.userId).execute()).toEqual([])
  expect((await server.auditLog()).map(({ event }) => event)).toEqual(['data_deleted'])
  // Another's is untouched, and the same person is a new user.
  expect((await server.threads.get(server.principal, stays.id)).title).toBe('of another')
  expect((await server.auth.users.signIn(identity, 'user'))?.userId).not.toBe(user.userId)
})
