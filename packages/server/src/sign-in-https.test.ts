import { createServer, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Browser, createBrowser } from './auth/testing/browser.ts'
import { openStore } from './open-store.ts'
import { freePort, openWithProvider } from './sign-in.test-support.ts'
import { silentLogger } from './telemetry/logger.ts'

/** Where browsers reach the server. */
const host = 'chat.example.test'

/** Where TLS ends, and without TLS here: it hands on the name that the browser asked for. */
async function openProxy(to: string) {
  const server = createServer((asked, answer) => {
    const { method, headers } = asked
    const onward = request(
      new URL(asked.url ?? '/', to),
      { method, headers: { ...headers, host } },
      (got) => {
        answer.writeHead(got.statusCode ?? 502, got.rawHeaders)
        got.pipe(answer)
      },
    )
    asked.pipe(onward)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const logged: object[] = []
const log = (fields: object): void => void logged.push(fields)

let house: Awaited<ReturnType<typeof openWithProvider>>
let proxy: Awaited<ReturnType<typeof openProxy>>
beforeAll(async () => {
  house = await openWithProvider(
    { redirectUri: `https://${host}/auth/callback` },
    { HOLDFAST_PUBLIC_URL: `https://${host}` },
    { logger: { ...silentLogger, debug: log, info: log, warn: log, error: log } },
  )
  proxy = await openProxy(house.url)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

const visit = (browser: Browser, path: string, method = 'GET'): Promise<Response> =>
  browser.visit(`${proxy.url}${path}`, { method, headers: { 'sec-fetch-site': 'same-origin' } })

async function signIn(browser: Browser): Promise<Response> {
  const begun = await visit(browser, '/auth/login')
  expect(begun.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-login=\S+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
  ])
  const location = begun.headers.get('location') ?? ''
  const { url: callback } = await browser.follow(location, (at) => at.host === host)
  return await visit(browser, `${callback.pathname}${callback.search}`)
}

test('over https each cookie is bound to this very host, and is taken away as it was set', async () => {
  const browser = createBrowser()
  const [taken, session] = (await signIn(browser)).headers.getSetCookie()
  const gone = (name: string) =>
    expect.stringMatching(
      new RegExp(
        `^${name}=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax$`,
      ),
    )
  expect(taken).toEqual(gone('__Host-login'))
  expect(session).toMatch(/^__Host-sid=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  expect((await visit(browser, '/v1/session')).status).toBe(200)
  for (const path of ['/v1/session', '/v1/sessions', '/v1/account']) {
    const other = createBrowser()
    await signIn(other)
    const left = await visit(other, path, 'DELETE')
    expect([path, left.status, left.headers.getSetCookie()]).toEqual([path, 204, [gone('__Host-sid')]])
  }
})

test('no token of the provider, and no secret of a session, is in any table or line of the log', async () => {
  const browser = createBrowser()
  await signIn(browser)
  const secret = browser.cookie(proxy.url, '__Host-sid') ?? 'none'
  await house.server.close()
  await using store = await openStore(house.settings, 'test', silentLogger)
  const tables = await store.db.introspection.getTables()
  const rows = await Promise.all(
    tables.map(({ name }) =>
      store.db
        .selectFrom(name as 'users')
        .selectAll()
        .execute(),
    ),
  )
  const kept = JSON.stringify([rows, logged])
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['users', 'sessions', 'audit']))
  expect(kept).toContain('Name of ann')
  expect(house.oidc.granted.length).toBeGreaterThan(1)
  for (const token of [...house.oidc.granted, secret]) expect(kept).not.toContain(token)
})
