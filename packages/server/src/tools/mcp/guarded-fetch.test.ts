import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGuardedFetch, guardLimits } from './guarded-fetch.ts'
import { isPrivateAddress } from './private-address.ts'
import { openHostileServer, type TestToolServer } from './testing/tool-server.ts'

let server: TestToolServer
let port = ''
beforeAll(async () => {
  server = await openHostileServer((request, response) => {
    switch (request.url) {
      case '/elsewhere':
        return void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
      case '/much': {
        response.writeHead(200)
        const chunk = Buffer.alloc(1024 * 1024)
        for (let count = 0; count < 10; count += 1) response.write(chunk)
        return void response.end()
      }
      case '/silent':
        return void response.writeHead(200).flushHeaders()
      default:
        return void response.writeHead(200, { 'x-seen': request.method }).end('here')
    }
  })
  port = new URL(server.url).port
})
afterAll(() => server[Symbol.asyncDispose]())

test.each([
  '127.0.0.1',
  'localhost',
  '0x7f000001',
  '2130706433',
  '127.1',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  'user:password@127.0.0.1',
])('%s leads to this machine and is refused before anything is sent', async (host) => {
  const before = server.requests.length
  const fetch = createGuardedFetch({ allowPrivate: false })
  await expect(fetch(`http://${host}:${port}/`)).rejects.toThrow()
  expect(server.requests).toHaveLength(before)
})

test.each([
  ['169.254.169.254', true],
  ['fd00:ec2::254', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['::ffff:10.0.0.1', true],
  ['64:ff9b::a00:1', true],
  ['2002:7f00:1::', true],
  ['fe80::1', true],
  ['nonsense', true],
  ['8.8.8.8', false],
  ['1.1.1.1', false],
  ['2606:4700:4700::1111', false],
  ['::ffff:8.8.8.8', false],
])('%s is private: %s', (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected)
})

test('where it is allowed, it is fetched, by address and by name', async () => {
  const fetch = createGuardedFetch({ allowPrivate: true })
  for (const host of ['127.0.0.1', 'localhost']) {
    const response = await fetch(`http://${host}:${port}/`, { method: 'POST', body: 'x' })
    expect([response.status, response.headers.get('x-seen'), await response.text()]).toEqual([
      200,
      'POST',
      'here',
    ])
  }
})

test('a redirect is not followed, wherever it leads', async () => {
  const fetch = createGuardedFetch({ allowPrivate: true })
  await expect(fetch(`http://127.0.0.1:${port}/elsewhere`)).rejects.toThrow(/redirects are not followed/)
})

test('an answer longer than the limit is cut off with an error', async () => {
  const fetch = createGuardedFetch({ allowPrivate: true })
  const response = await fetch(`http://127.0.0.1:${port}/much`)
  await expect(response.arrayBuffer()).rejects.toThrow(String(guardLimits.responseBytes))
})

test('an abort ends the waiting', async () => {
  const fetch = createGuardedFetch({ allowPrivate: true })
  const ending = new AbortController()
  const response = await fetch(`http://127.0.0.1:${port}/silent`, { signal: ending.signal })
  const reading = response.text()
  ending.abort(new Error('enough'))
  await expect(reading).rejects.toThrow()
})

test.each(['file:///etc/passwd', 'ftp://example.com/', 'data:text/plain,x'])(
  '%s is not spoken',
  async (url) => {
    await expect(createGuardedFetch({ allowPrivate: true })(url)).rejects.toThrow(/not spoken/)
  },
)
