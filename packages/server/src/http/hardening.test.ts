import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

/** Whatever the server says to these bytes before it closes. */
async function exchange(server: TestServer, text: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  let heard = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    heard += part
  })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(text)
  await closed
  return heard
}
const head = (server: TestServer, line: string, ...headers: string[]): string =>
  [`${line} HTTP/1.1`, `Host: ${new URL(server.url).host}`, ...headers, '', ''].join('\r\n')

test('a body of which nothing more comes is not waited for', async () => {
  await using server = await openTestServer({ deps: { httpLimits: { bodyIdleMs: 100 } } })
  const authorization = `Authorization: Bearer ${server.token}`
  const post = head(
    server,
    'POST /v1/threads',
    authorization,
    'Content-Type: application/json',
    'Content-Length: 100',
  )
  expect(await exchange(server, `${post}{"title":`)).toBe('')
  // One that is complete is answered, however long that takes, and the connection stays.
  const whole = head(
    server,
    'POST /v1/threads',
    authorization,
    'Content-Type: application/json',
    'Content-Length: 2',
    'Connection: close',
  )
  expect(await exchange(server, `${whole}{}`)).toMatch(/^HTTP\/1.1 201/)
})

test('a head that is never done is cut off', async () => {
  const httpLimits = { headersMs: 100, checkMs: 50 }
  await using server = await openTestServer({ deps: { httpLimits } })
  expect(await exchange(server, 'GET / HTTP/1.1\r\nHost: x')).toMatch(/^(HTTP\/1.1 408|$)/)
})

test.each([
  ['two lengths (smuggling)', ['Content-Length: 2', 'Content-Length: 3']],
  ['a length beside chunks (smuggling)', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
])('a request with %s is refused', async (_what, headers) => {
  await using server = await openTestServer()
  const request = `${head(server, 'POST /v1/session', 'Content-Type: application/json', ...headers)}{}`
  expect(await exchange(server, request)).toMatch(/^HTTP\/1.1 400/)
})

test('what a server is made of is told nowhere, and every answer says how it may be used', async () => {
  await using server = await openTestServer()
  for (const path of ['/', '/v1/threads', '/nowhere', '/health/live']) {
    const { headers } = await fetch(`${server.url}${path}`)
    for (const name of ['server', 'x-powered-by', 'via'])
      expect([path, headers.get(name)]).toEqual([path, null])
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{7,}/)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  }
})

test('answers that hold something of somebody are kept by nobody on the way', async () => {
  await using server = await openTestServer()
  await server.threads.create(server.principal)
  for (const path of ['/v1/threads', '/v1/session', '/v1/tokens']) {
    const response = await fetch(`${server.url}${path}`, {
      headers: { authorization: `Bearer ${server.token}` },
    })
    expect([path, response.headers.get('cache-control')]).toEqual([path, 'no-store'])
  }
})

test('keys of JSON that change what objects are do nothing', async () => {
  await using server = await openTestServer()
  const response = await fetch(`${server.url}/v1/threads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    body: '{"title":"x","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  })
  expect(response.status).toBe(400)
  expect(({} as { polluted?: true }).polluted).toBeUndefined()
})
