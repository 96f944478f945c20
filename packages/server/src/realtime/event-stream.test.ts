import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ThreadId } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import {
  makeId,
  openTestServer,
  type TestServer,
  type TestServerOptions,
} from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'
import { closeOf, holdCalls, settled } from './held-calls.test-support.ts'
import { realtimeLimits } from './limits.ts'
import { manualClock } from './manual-clock.test-support.ts'

/** A run of its own each time: servers of a file share one store, and what is stored under a key is not stored again (L5). */
const append = (server: TestServer, id: ThreadId, ...texts: readonly string[]): Promise<void> =>
  server.append(
    id,
    { id: makeId('run'), agent: 'test' },
    ...texts.map((text, index) => ({ type: 'agent_thinking', data: { step: index + 1, text } }) as const),
  )
const follow = (server: TestServer, id: ThreadId, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/v1/threads/${id}/events`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${server.token}` },
    ...(signal === undefined ? {} : { signal }),
  })
const requestLine = (server: TestServer, id: ThreadId): string =>
  [
    `GET /v1/threads/${id}/events HTTP/1.1`,
    `Host: ${new URL(server.url).host}`,
    'Accept: text/event-stream',
    `Authorization: Bearer ${server.token}`,
    '',
    '',
  ].join('\r\n')

describe('who leaves before the stream begins', () => {
  test('is not served, and nobody waits for them at a drain', async () => {
    const lookUps = holdCalls()
    await using server = await openTestServer({
      realtime: (given) => ({ ...given, threads: { get: lookUps.wrap(given.threads.get) } }),
    })
    const { id } = await server.threads.create(server.principal)
    const leaving = new AbortController()
    const asked = follow(server, id, leaving.signal)
    asked.catch(() => {})
    await lookUps.held
    const [serverSide] = server.sockets
    if (serverSide === undefined) throw new Error('Nobody is connected')
    const closed = closeOf(serverSide)
    leaving.abort()
    await closed
    lookUps.release()
    await settled()
    expect(server.realtime.connections).toBe(0)
    await server.realtime.drain()
  })
})

/** More than the kernel holds for a line that nobody reads. */
const large = Array.from({ length: 50 }, () => 'x'.repeat(40_000))
const largeTimes = 8

/** A stream of 16 MB whose client reads the head of the answer and nothing more. */
async function stalled(options: TestServerOptions) {
  const server = await openTestServer(options)
  const { id } = await server.threads.create(server.principal)
  for (let times = 0; times < largeTimes; times += 1) await append(server, id, ...large)
  const client = connect(Number(new URL(server.url).port), '127.0.0.1')
  client.on('error', () => {})
  client.write(requestLine(server, id))
  await once(client, 'readable')
  const [serverSide] = server.sockets as ReadonlySet<Socket>
  if (serverSide === undefined) throw new Error('Nobody is connected')
  await expect.poll(() => serverSide.writableLength, { timeout: 10_000 }).toBeGreaterThan(0)
  return {
    server,
    id,
    closed: closeOf(serverSide),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('who does not read', () => {
  test('is given up after progressWithinMs, however often something new is there', async () => {
    const clock = manualClock()
    await using line = await stalled({ schedule: clock.schedule })
    const { server, id, closed } = line
    for (let passedMs = 0; passedMs < 10 * realtimeLimits.progressWithinMs; passedMs += 10_000) {
      await append(server, id, 'x')
      clock.advance(10_000)
    }
    await closed
  })

  test('is gone closeTimeoutMs after the drain', async () => {
    await using line = await stalled({ limits: { closeTimeoutMs: 10 } })
    await line.server.realtime.drain()
    expect(line.server.realtime.connections).toBe(0)
  })

  test('is gone closeTimeoutMs after the thread', async () => {
    await using line = await stalled({ limits: { closeTimeoutMs: 10, pollMs: 10 } })
    await line.server.threads.remove(line.server.principal, line.id)
    await line.closed
  })

  test('is sent no heartbeat after the end', async () => {
    const clock = manualClock()
    await using line = await stalled({
      schedule: clock.schedule,
      limits: { closeTimeoutMs: 1e9, progressWithinMs: 1e9 },
    })
    const drained = line.server.realtime.drain()
    // A write after the end is an error, and the second one is heard by nobody: this file would fail by it.
    for (let beats = 0; beats < 3; beats += 1) {
      clock.advance(realtimeLimits.heartbeatMs)
      await settled()
    }
    clock.advance(1e9)
    await drained
  })
})

describe('a stream is a connection', () => {
  test('of which a user has connectionsPerUser, WebSockets among them; one that leaves makes room', async () => {
    await using server = await openTestServer({ limits: { connectionsPerUser: 2 } })
    const { id } = await server.threads.create(server.principal)
    const reader = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
    reader.send({ type: 'hello', instance: 'tab' })
    await reader.next('ready')
    const leaving = new AbortController()
    expect((await follow(server, id, leaving.signal)).status).toBe(200)
    const refused = await follow(server, id)
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      429,
      'limit_reached',
    ])
    expect(server.realtime.connections).toBe(2)
    leaving.abort()
    await expect.poll(() => server.realtime.connections).toBe(1)
    expect((await follow(server, id)).status).toBe(200)
  })

  test('of which a node has no more than it may', async () => {
    await using server = await openTestServer({ limits: { connections: 0 } })
    const { id } = await server.threads.create(server.principal)
    const refused = await follow(server, id)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  })

  test('that was refused takes no place', async () => {
    await using server = await openTestServer()
    expect((await follow(server, makeId('thread'))).status).toBe(404)
    expect(server.realtime.connections).toBe(0)
  })

  test('and not one behind another on the same line', async () => {
    await using server = await openTestServer()
    const { id } = await server.threads.create(server.principal)
    const client = connect(Number(new URL(server.url).port), '127.0.0.1')
    client.write(requestLine(server, id).repeat(2))
    let heard = ''
    client.setEncoding('utf8').on('data', (part: string) => {
      heard += part
    })
    await expect.poll(() => heard).toContain('event: live')
    await server.realtime.drain()
    await expect.poll(() => heard).toContain('needs a connection of its own')
    client.destroy()
  })

  test('and says which node it is of', async () => {
    await using server = await openTestServer()
    const { id } = await server.threads.create(server.principal)
    const { headers } = await follow(server, id)
    expect(headers.get('x-holdfast-node')).toMatch(/^nod_/)
  })
})
