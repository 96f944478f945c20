import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileInfo, problem, type Run } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { retryAfterMs } from '../src/http.ts'
import { createClient, HoldfastHttpError } from '../src/index.ts'
import { type FakeServer, makeId, openFakeServer, token } from './fake-server.test-support.ts'
import { connect } from './reading.test-support.ts'

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

const json = (response: ServerResponse, status: number, body: object, headers = {}): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body))

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** A source of numbered tokens, and why it was asked. */
function numbered() {
  const asked: string[] = []
  const source = async (why: 'first' | 'renewal'): Promise<string> => {
    asked.push(why)
    return `token-${asked.length}`
  }
  return { asked, source }
}
const session = () => ({ user: makeId('user'), kind: 'local', scopes: ['write'], tier: 'development' })

describe('an error', () => {
  test('of the server is a HoldfastHttpError with what it said', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.respond = (_, response) => json(response, 404, problem('not_found', 'There is no such thread'))
    const error = await client.thread(server.threadId).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HoldfastHttpError)
    expect(error).toMatchObject({ status: 404, code: 'not_found', message: 'There is no such thread' })
  })

  test('of something in between is one too', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.respond = (_, response) => void response.writeHead(502).end('<html>bad gateway</html>')
    await expect(client.session()).rejects.toMatchObject({ status: 502, code: 'unknown' })
  })

  test.each(['<html>', '{"user":7}'])('is also an answer of something else: %s', async (text) => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.respond = (_, response) => void response.end(text)
    await expect(client.session()).rejects.toMatchObject({ name: 'HoldfastAnswerError', code: 'bad_answer' })
  })

  test.each([
    ['3', 3_000],
    ['Fri, 27 Nov 2026 20:00:05 GMT', 5_000],
    ['Fri, 27 Nov 2026 19:00:00 GMT', 0],
    ['soon', 0],
    [null, 0],
  ])('says when to come back, in seconds or with a date: %s', (header, expected) => {
    expect(retryAfterMs(header, Date.parse('2026-11-27T20:00:00Z'))).toBe(expected)
  })
})

describe('a token', () => {
  test('is renewed once for all that were refused with it, also where a refusal comes late', async () => {
    await using server = await openFakeServer()
    const { asked, source } = numbered()
    await using client = createClient({ url: server.url, token: source })
    const renewed = Promise.withResolvers<void>()
    let requests = 0
    server.respond = (request, response) => {
      requests += 1
      const refuse = (): void => json(response, 401, problem('unauthenticated', 'Send a valid token'))
      if (request.headers.authorization === 'Bearer token-2') json(response, 200, session())
      else if (requests === 1) void renewed.promise.then(refuse)
      else refuse()
    }
    const both = [client.session(), client.session()]
    await Promise.race(both)
    renewed.resolve()
    await Promise.all(both)
    expect(asked).toEqual(['first', 'renewal'])
  })

  test('that does not come is not waited for longer than the signal says', async () => {
    await using server = await openFakeServer()
    const { promise: never } = Promise.withResolvers<string>()
    await using client = createClient({ url: server.url, token: () => never })
    const abort = new AbortController()
    const asked = client.session({ signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
})

test('the token travels in Authorization', async () => {
  await using server = await openFakeServer()
  await using client = connect(server)
  const seen: (string | undefined)[] = []
  server.respond = (request, response) => {
    seen.push(request.headers.authorization, request.url)
    json(response, 200, session())
  }
  await client.session()
  expect(seen).toEqual([`Bearer ${token}`, '/v1/session'])
})

describe('submit', () => {
  const run = (server: FakeServer): Run => ({
    id: makeId('run'),
    threadId: server.threadId,
    agent: 'data-helper',
    model: null,
    status: 'queued',
    attempt: 0,
    createdAt: new Date().toISOString(),
    queuedAt: 1 as Run['queuedAt'],
  })

  test('repeats itself under one key until the server has answered', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const answer = run(server)
    const keys: unknown[] = []
    server.respond = (request, response) => {
      keys.push(request.headers['idempotency-key'])
      // First the line breaks after the server may have read everything, then the server is not ready.
      if (keys.length === 1) request.socket.destroy()
      else if (keys.length === 2) json(response, 503, problem('not_ready', 'Starting'))
      else json(response, 202, answer)
    }
    expect(await client.submit(server.threadId, { message: 'Why?' })).toEqual(answer)
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('never waits less than the server’s Retry-After', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const answer = run(server)
    const arrivals: number[] = []
    server.respond = (_, response) => {
      arrivals.push(performance.now())
      if (arrivals.length === 1) json(response, 503, problem('not_ready', 'Starting'), { 'retry-after': '1' })
      else json(response, 202, answer)
    }
    await client.submit(server.threadId, { message: 'Why?' })
    // A lower bound only, a little under it for the clocks of timers.
    expect((arrivals[1] ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(990)
  })

  test('does not repeat a refusal, and gives up after its attempts', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    let requests = 0
    server.respond = (_, response) => {
      requests += 1
      json(response, 409, problem('thread_busy', 'Busy'))
    }
    await expect(client.submit(server.threadId, { message: 'x' })).rejects.toMatchObject({
      code: 'thread_busy',
    })
    expect(requests).toBe(1)
    server.respond = (_, response) => {
      requests += 1
      json(response, 503, problem('not_ready', 'Starting'))
    }
    await expect(client.submit(server.threadId, { message: 'x' })).rejects.toMatchObject({ status: 503 })
    expect(requests).toBe(7)
  })

  test('a signal ends the repetition', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const abort = new AbortController()
    server.respond = (_, response) => {
      json(response, 503, problem('not_ready', 'Starting'), { 'retry-after': '60' })
      setImmediate(() => abort.abort(new Error('enough')))
    }
    const submitted = client.submit(server.threadId, { message: 'x' }, { signal: abort.signal })
    await expect(submitted).rejects.toThrow('enough')
  })
})

describe('upload', () => {
  const info = (server: FakeServer, bytes: number): FileInfo => ({
    id: makeId('file'),
    threadId: server.threadId,
    name: 'big.csv',
    kind: 'csv',
    bytes,
    sha256: '0'.repeat(64),
    createdAt: new Date().toISOString(),
  })

  test('sends a file from the disk as it is read, and tells how far it is', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-upload-'))
    try {
      const path = join(directory, 'big.csv')
      const content = Buffer.alloc(8 * 1024 * 1024, 'a,b\n')
      await writeFile(path, content)
      await using server = await openFakeServer()
      await using client = connect(server)
      let received: Buffer = Buffer.alloc(0)
      server.respond = (request, response) =>
        void bodyOf(request).then((body) => {
          received = body
          json(response, 201, info(server, content.length))
        })
      const progress: number[] = []
      const file = { name: 'größe "1".csv', content: await openAsBlob(path) }
      await client.upload(server.threadId, file, { onProgress: (sentBytes) => progress.push(sentBytes) })
      expect(received.includes(content)).toBe(true)
      expect(received.subarray(0, 300).toString()).toContain('name="file"; filename="größe %221%22.csv"')
      expect(progress.length).toBeGreaterThan(2)
      expect(progress.at(-1)).toBe(content.length)
      expect(progress).toEqual([...progress].sort((a, b) => a - b))
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('with an old token is sent whole once more with a new one, telling its progress', async () => {
    await using server = await openFakeServer()
    const { asked, source } = numbered()
    await using client = createClient({ url: server.url, token: source })
    const bodies: string[] = []
    server.respond = (request, response) =>
      void bodyOf(request).then((body) => {
        bodies.push(body.toString())
        if (request.headers.authorization === 'Bearer token-2') json(response, 201, info(server, 4))
        else json(response, 401, problem('unauthenticated', 'Send a valid token'))
      })
    const progress: number[] = []
    const file = { name: 'x.csv', content: new Blob(['a,b\n']) }
    await client.upload(server.threadId, file, { onProgress: (sentBytes) => progress.push(sentBytes) })
    expect(bodies.map((body) => body.includes('\r\n\r\na,b\n\r\n'))).toEqual([true, true])
    expect([asked, progress.at(-1)]).toEqual([['first', 'renewal'], 4])
  })

  test('never holds a large file in memory, nor a copy of it for a repeat', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-upload-'))
    try {
      const path = join(directory, 'big.csv')
      const bytes = 384 * 1024 * 1024
      await writeFile(path, '')
      // Sparse: takes no room on the disk.
      await truncate(path, bytes)
      await using server = await openFakeServer()
      await using client = connect(server)
      server.respond = (request, response) => {
        request.resume()
        request.on('end', () => json(response, 201, info(server, bytes)))
      }
      const beforeBytes = process.memoryUsage.rss()
      let peakBytes = 0
      const onProgress = (): void => {
        peakBytes = Math.max(peakBytes, process.memoryUsage.rss() - beforeBytes)
      }
      const file = { name: 'big.csv', content: await openAsBlob(path) }
      await client.upload(server.threadId, file, { onProgress })
      expect(peakBytes).toBeLessThan(bytes / 2)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('ends with its signal', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const abort = new AbortController()
    server.respond = () => abort.abort()
    const file = { name: 'x.csv', content: new Blob(['a']) }
    await expect(client.upload(server.threadId, file, { signal: abort.signal })).rejects.toThrow('abort')
  })
})
