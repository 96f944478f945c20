import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

/** A built page, as far as a server cares. */
let directory: string
let server: TestServer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
  await mkdir(join(directory, 'assets'))
  const files = {
    'index.html': '<!doctype html><title>page</title>',
    'login.html': '<!doctype html><title>login</title>',
    'plain.css': 'p {}',
    'assets/app-1a2b.js': 'console.log(1)',
    'assets/app-1a2b.js.gz': gzipSync('console.log(1)'),
    '.built-of': 'x',
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
  server = await openTestServer({ deps: { pageDirectory: directory } })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})
const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, { headers })

describe('the page', () => {
  test('each of its addresses is the same document, asked for anew each time', async () => {
    for (const path of ['/', '/settings', '/operations', '/threads/thr_00000000000000000000000000']) {
      const response = await get(path)
      expect([response.status, await response.text()]).toEqual([200, '<!doctype html><title>page</title>'])
      expect(response.headers.get('cache-control')).toBe('no-cache')
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
    }
    expect(await (await get('/login')).text()).toContain('login')
  })

  test('what bears its digest in its name is kept for good, and sent compressed to whoever takes it', async () => {
    const plain = await get('/page/assets/app-1a2b.js', { 'accept-encoding': 'identity' })
    expect(plain.headers.get('content-encoding')).toBeNull()
    const packed = await get('/page/assets/app-1a2b.js', { 'accept-encoding': 'gzip' })
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    for (const response of [plain, packed]) {
      expect(await response.text()).toBe('console.log(1)')
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    }
    expect((await get('/page/plain.css')).headers.get('cache-control')).toBe('no-cache')
  })

  test('nothing else of the directory is served, and nothing beside it', async () => {
    for (const path of ['/page/.built-of', '/page/index.html', '/page/..%2fpackage.json', '/page/assets/'])
      expect((await get(path)).status).toBe(404)
  })
})

test('a server without a built page says so to people, and answers programs', async () => {
  await using bare = await openTestServer({ deps: { pageDirectory: join(directory, 'not-there') } })
  const response = await fetch(`${bare.url}/`)
  expect([response.status, response.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
  expect(await response.text()).toContain('npm run build')
  expect((await fetch(`${bare.url}/health/live`)).status).toBe(200)
})

test('an address that is none is told to people in a page, and to programs as a problem', async () => {
  const page = await get('/nowhere', { accept: 'text/html,*/*' })
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
  const problem = await get('/nowhere')
  expect([problem.status, problem.headers.get('content-type')]).toEqual([
    404,
    'application/problem+json; charset=utf-8',
  ])
  // Under /v1 nobody but a program asks.
  expect((await get('/v1/nowhere', { accept: 'text/html' })).headers.get('content-type')).toBe(
    'application/problem+json; charset=utf-8',
  )
})
