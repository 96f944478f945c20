import { CreatedToken, TokenList } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

async function ask(server: TestServer, method: 'GET' | 'POST' | 'DELETE', url: string, sent: object = {}) {
  const response = await server.inject({
    method,
    url,
    headers: { host: new URL(server.url).host, authorization: `Bearer ${server.token}` },
    ...(method === 'POST' ? { payload: sent } : {}),
  })
  return { status: response.statusCode, headers: response.headers, body: response.body }
}

test('a token is made, shown once, listed without its secret, used and revoked', async () => {
  await using server = await openTestServer()
  const made = await ask(server, 'POST', '/v1/tokens', { name: 'CI', scopes: ['write'], days: 30 })
  expect([made.status, made.headers['cache-control']]).toEqual([201, 'no-store'])
  const { token, ...info } = CreatedToken.parse(JSON.parse(made.body))
  expect(info).toMatchObject({ name: 'CI', scopes: ['read', 'write'], usedAt: null })
  const used = await server.inject({
    url: '/v1/session',
    headers: { host: new URL(server.url).host, authorization: `Bearer ${token}` },
  })
  expect(used.json()).toMatchObject({ user: server.principal.userId })
  const listed = await ask(server, 'GET', '/v1/tokens')
  expect(listed.body).not.toContain(token.slice(-43))
  expect(TokenList.parse(JSON.parse(listed.body)).items).toMatchObject([{ id: info.id, name: 'CI' }])
  expect((await ask(server, 'DELETE', `/v1/tokens/${info.id}`)).status).toBe(204)
  expect((await ask(server, 'DELETE', `/v1/tokens/${info.id}`)).status).toBe(404)
})

test.each([{}, { name: '' }, { name: 'a\nb' }, { name: 'x', scopes: ['account'] }, { name: 'x', days: 91 }])(
  'a token like %j is not made',
  async (sent) => {
    await using server = await openTestServer()
    expect((await ask(server, 'POST', '/v1/tokens', sent)).status).toBe(400)
  },
)

test('signing out everywhere ends every session of the user, and no token', async () => {
  await using server = await openTestServer()
  const { userId } = server.principal
  const [one, two] = [await server.auth.sessions.open(userId), await server.auth.sessions.open(userId)]
  const withCookie = (secret: string) => ({
    host: new URL(server.url).host,
    cookie: `${server.auth.cookies.name}=${secret}`,
    'sec-fetch-site': 'same-origin',
  })
  const out = await server.inject({
    method: 'DELETE',
    url: '/v1/sessions',
    headers: withCookie(one.secret),
  })
  expect([out.statusCode, String(out.headers['set-cookie'])]).toEqual([
    204,
    expect.stringContaining('Expires=Thu, 01 Jan 1970'),
  ])
  for (const { secret } of [one, two]) {
    const { statusCode } = await server.inject({ url: '/v1/session', headers: withCookie(secret) })
    expect(statusCode).toBe(401)
  }
  expect((await ask(server, 'GET', '/v1/tokens')).status).toBe(200)
})
