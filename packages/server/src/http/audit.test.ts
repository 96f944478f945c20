import { Problem } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { noQuotas } from '../auth/quotas.ts'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

const rowsOf = async (server: TestServer) =>
  (await server.auditLog()).map(({ event, user_id: user, by, detail }) => ({ event, user, by, detail }))

test('what is done to an account is told: who, by what, from where, and never a secret', async () => {
  await using server = await openTestServer()
  const host = new URL(server.url).host
  const user = server.principal.userId
  const link = new URL(server.localMode.loginLink()).hash.slice('#token='.length)
  const page = { host, 'sec-fetch-site': 'same-origin', 'user-agent': 'Browser/1\u0007' }
  const signedIn = await server.inject({
    method: 'POST',
    url: '/v1/session',
    headers: page,
    payload: { token: link },
  })
  const cookie = String(signedIn.headers['set-cookie']).split(';')[0] ?? ''
  await server.inject({ method: 'POST', url: '/v1/session', headers: page, payload: { token: link } })
  const headers = { ...page, cookie }
  const made = await server.inject({
    method: 'POST',
    url: '/v1/tokens',
    headers,
    payload: { name: 'secret plan' },
  })
  const { id, token } = made.json<{ id: string; token: string }>()
  await server.inject({ method: 'DELETE', url: `/v1/tokens/${id}`, headers })
  await server.inject({ method: 'DELETE', url: '/v1/sessions', headers })
  const rows = await rowsOf(server)
  const by = expect.stringMatching(/^ses_/)
  expect(rows).toEqual([
    { event: 'signed_in', user, by, detail: {} },
    { event: 'sign_in_refused', user: null, by: null, detail: { why: 'link' } },
    { event: 'token_created', user, by, detail: { token: id, scopes: 'read write', days: 90 } },
    { event: 'token_revoked', user, by, detail: { token: id } },
    { event: 'signed_out_everywhere', user, by, detail: {} },
  ])
  const all = await server.auditLog()
  expect(all[0]).toMatchObject({ address: '127.0.0.1', agent: 'Browser/1?' })
  for (const secret of [link, token, token.slice(-43), cookie.split('=')[1] ?? '', 'secret plan'])
    expect(JSON.stringify(all)).not.toContain(secret)
})

test('what anybody can do as often as they like is one line, with its number', async () => {
  const server = await openTestServer()
  const host = new URL(server.url).host
  for (let count = 0; count < 5; count += 1)
    await server.inject({ url: '/v1/threads', headers: { host, authorization: 'Bearer guess' } })
  await server.inject({ url: '/v1/threads', headers: { host: 'evil.test' } })
  await server[Symbol.asyncDispose]()
  expect(await rowsOf(server)).toEqual([
    { event: 'credentials_refused', user: null, by: null, detail: { times: 5 } },
    { event: 'request_refused', user: null, by: null, detail: { times: 1 } },
  ])
})

test('a message too many is 429, with when to come back', async () => {
  await using server = await openTestServer({ quotas: { ...noQuotas, messages: 2 } })
  const headers = { host: new URL(server.url).host, authorization: `Bearer ${server.token}` }
  const { id } = await server.threads.create(server.principal)
  const send = () =>
    server.inject({ method: 'POST', url: `/v1/threads/${id}/runs`, headers, payload: { message: 'x' } })
  expect([(await send()).statusCode, (await send()).statusCode]).toEqual([202, 202])
  const refused = await send()
  expect(Problem.parse(refused.json())).toMatchObject({ status: 429, code: 'quota_reached', retryable: true })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
})

test('quotas that are used up are told: whose, which, and how often it was tried', async () => {
  const server = await openTestServer({ quotas: { ...noQuotas, messages: 0, sign_ins: 0 } })
  const { host } = new URL(server.url)
  const { id } = await server.threads.create(server.principal)
  const headers = { host, authorization: `Bearer ${server.token}` }
  for (let count = 0; count < 3; count += 1)
    await server.inject({ method: 'POST', url: `/v1/threads/${id}/runs`, headers, payload: { message: 'x' } })
  await server.inject({ method: 'POST', url: '/v1/session', headers: { host }, payload: { token: 'guess' } })
  await server[Symbol.asyncDispose]()
  const user = server.principal.userId
  expect(await rowsOf(server)).toEqual([
    { event: 'quota_reached', user, by: null, detail: { what: 'messages', times: 3 } },
    { event: 'quota_reached', user: null, by: null, detail: { what: 'sign_ins', times: 1 } },
  ])
  expect((await server.auditLog()).map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1'])
})

test('an upload counts as large as it says it is, and when it is done as large as it was', async () => {
  await using server = await openTestServer({ quotas: { ...noQuotas, upload_bytes: 1_000 } })
  const { id } = await server.threads.create(server.principal)
  const upload = async (bytes: number): Promise<number> => {
    const form = new FormData()
    form.set('file', new Blob([Buffer.alloc(bytes, 'a,b\n1,2\n')]), 'x.csv')
    const response = await fetch(`${server.url}/v1/threads/${id}/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}` },
      body: form,
    })
    await response.arrayBuffer()
    return response.status
  }
  expect(await upload(2_000)).toBe(429)
  // With the form around them 400 bytes are some 560; only the file stays counted.
  expect([await upload(400), await upload(400), await upload(400)]).toEqual([201, 201, 429])
})

test('an address that tries to sign in too often waits', async () => {
  await using server = await openTestServer({ quotas: { ...noQuotas, sign_ins: 3 } })
  const headers = { host: new URL(server.url).host }
  const tries: number[] = []
  for (let count = 0; count < 4; count += 1) {
    const payload = { token: `guess-${count}` }
    tries.push((await server.inject({ method: 'POST', url: '/v1/session', headers, payload })).statusCode)
  }
  expect(tries).toEqual([401, 401, 401, 429])
})
