import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { type LifecycleItem, limits, type Run, threadStream } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import {
  makeId,
  openTestServer,
  type TestServer,
  type TestServerOptions,
} from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'
import type { Schedule } from './schedule.ts'

const bearer = (server: TestServer) => ({ headers: { authorization: `Bearer ${server.token}` } })
const hello = (instance: string) => ({ type: 'hello', instance })

/** Tasks wait until the test lets those of a certain delay happen. */
function manualSchedule(): { schedule: Schedule; fire(delayMs: number): void } {
  const tasks = new Set<{ task: () => void; delayMs: number }>()
  return {
    schedule(task, delayMs) {
      const entry = { task, delayMs }
      tasks.add(entry)
      return () => void tasks.delete(entry)
    },
    fire(delayMs) {
      for (const entry of [...tasks]) if (entry.delayMs === delayMs && tasks.delete(entry)) entry.task()
    },
  }
}

async function followed(server: TestServer, options: { readonly acknowledges?: boolean } = {}) {
  const { id } = await server.threads.create(server.principal)
  const run: Pick<Run, 'id' | 'agent'> = { id: makeId('run'), agent: 'test' }
  const append = (count: number): Promise<void> =>
    server.append(
      id,
      run,
      ...Array.from({ length: count }, (_, index) => ({
        type: 'agent_thinking' as const,
        data: { step: index + 1, text: 'x' },
      })),
    )
  const reader = readFrames(server.url, { ...bearer(server), ...options })
  const stream = threadStream(id)
  reader.send({ ...hello(crypto.randomUUID()), subs: [{ stream, after: 'start' }] })
  for (const type of ['ready', 'sub_ok', 'live'] as const) await reader.next(type)
  return { reader, append, stream }
}

describe('of connections', () => {
  test('one more than connectionsPerUser is closed with 4505, and those before it are not', async () => {
    await using server = await openTestServer({ limits: { connectionsPerUser: 2 } })
    const readers = ['a', 'b', 'c'].map((instance) => {
      const reader = readFrames(server.url, bearer(server))
      return { reader, greet: () => reader.send(hello(instance)) }
    })
    for (const { reader, greet } of readers.slice(0, 2)) {
      greet()
      await reader.next('ready')
    }
    readers[2]?.greet()
    expect(await readers[2]?.reader.closed).toEqual({ code: 4505, reason: '{"r":"connection_limit"}' })
    expect(server.realtime.connections).toBe(2)
  })

  test('the same instance again: the older one is closed with 4506', async () => {
    await using server = await openTestServer({ limits: { connectionsPerUser: 1 } })
    const older = readFrames(server.url, bearer(server))
    older.send(hello('tab'))
    await older.next('ready')
    const newer = readFrames(server.url, bearer(server))
    newer.send(hello('tab'))
    await newer.next('ready')
    expect((await older.closed).code).toBe(4506)
  })

  const refusal = async (options: TestServerOptions, held: number) => {
    await using server = await openTestServer(options)
    const waiting = Array.from({ length: held }, () => readFrames(server.url))
    await Promise.all(waiting.map(({ socket }) => new Promise((resolve) => socket.once('open', resolve))))
    const { promise, resolve } = Promise.withResolvers<{
      status: number | undefined
      retry: string | undefined
    }>()
    readFrames(server.url).socket.on('unexpected-response', (_request, response) => {
      resolve({ status: response.statusCode, retry: response.headers['retry-after'] })
      response.resume()
    })
    // Awaited here: the server stands until it has answered.
    return await promise
  }
  test('an address that says no hello is refused beyond pendingPerAddress with 429', async () => {
    const refused = await refusal({}, 5)
    expect(refused).toEqual({ status: 429, retry: '1' })
  })
  test('a full node refuses with 503 before the upgrade', async () => {
    const refused = await refusal({ limits: { connections: 2 } }, 2)
    expect(refused).toEqual({ status: 503, retry: '1' })
  })
  test('a refused one whose line is cut before it hears of it ends itself, not the process', async () => {
    await using server = await openTestServer({ limits: { connections: 0 } })
    // Its RST has arrived, and nobody has read of it yet: the next write meets it.
    const cut = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        done(new Error('write ECONNRESET'))
      },
    })
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    cut.once('close', resolve)
    const request = {
      url: '/v1/ws',
      headers: { host: new URL(server.url).host },
      socket: { remoteAddress: '::1' },
    }
    server.realtime.handleUpgrade(request as IncomingMessage, cut, Buffer.alloc(0))
    // An error that nobody hears of would fail this file as an uncaught one.
    await closed
    expect(cut.errored?.message).toBe('write ECONNRESET')
  })
})

describe('of what a client may ask', () => {
  test('commands beyond the bucket are closed with 4029 and the time to wait', async () => {
    await using server = await openTestServer()
    const { reader, stream } = await followed(server)
    for (let count = 0; count < limits.commandsPerConnection + 5; count += 1)
      reader.send({ type: 'unsub', stream })
    const { code, reason } = await reader.closed
    expect(code).toBe(4029)
    expect(JSON.parse(reason)).toEqual({ r: 'rate_limited', ms: expect.any(Number) })
  })

  test.each(['ping', 'pong'] as const)('a flood of WebSocket %ss is closed with 4029', async (kind) => {
    await using server = await openTestServer()
    const { reader } = await followed(server)
    for (let count = 0; count < limits.commandsPerConnection + 5; count += 1) reader.socket[kind]()
    expect((await reader.closed).code).toBe(4029)
  })

  test('an ack of what was not sent is a bad frame', async () => {
    await using server = await openTestServer()
    const { reader, stream } = await followed(server)
    reader.send({ type: 'ack', stream, seq: 1 })
    expect(await reader.next('error')).toMatchObject({ code: 'bad_request', ref: 'ack' })
  })

  test('[U4] a client that never acks gets unacknowledgedItems, and 4008 when it makes no progress', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const { reader, append, stream } = await followed(server, { acknowledges: false })
    await append(limits.unacknowledgedItems + 1)
    const events = await reader.events(limits.unacknowledgedItems)
    expect(events.at(-1)?.seq).toBe(limits.unacknowledgedItems)
    // An ack opens the window by what it names, and the clock begins again.
    reader.send({ type: 'ack', stream, seq: 1 })
    expect((await reader.events(1))[0]?.seq).toBe(limits.unacknowledgedItems + 1)
    await append(10)
    reader.send({ type: 'ack', stream, seq: 2 })
    await reader.events(1)
    clock.fire(limits.progressWithinMs)
    expect(await reader.closed).toEqual({ code: 4008, reason: '{"r":"too_slow"}' })
  })
})

describe('of time', () => {
  test('a connection is closed with 4040 when its lifetime is over', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const reader = readFrames(server.url, bearer(server))
    reader.send(hello('a'))
    const { lifetimeMs, authExpiresAt } = await reader.next('ready')
    expect(authExpiresAt).toBeNull()
    clock.fire(lifetimeMs)
    expect(await reader.closed).toMatchObject({ code: 4040 })
  })

  test('who signs out is closed with 4503 on every connection of that session', async () => {
    await using server = await openTestServer()
    const token = new URL(server.localMode.loginLink()).hash.slice('#token='.length)
    const session = (await server.localMode.exchange(token))?.secret ?? ''
    const cookie = `${server.auth.cookies.name}=${session}`
    const [mine, other] = [
      readFrames(server.url, { headers: { cookie, origin: server.url } }),
      readFrames(server.url, bearer(server)),
    ]
    for (const [index, reader] of [mine, other].entries()) {
      reader.send(hello(String(index)))
      await reader.next('ready')
    }
    await server.auth.sessions.end(session)
    expect(await mine.closed).toMatchObject({ code: 4503 })
    expect(server.realtime.connections).toBe(1)
  })
})

describe('user/me', () => {
  test('[L2] [L3] tells what happens to the user’s threads, in order, and nobody else', async () => {
    await using server = await openTestServer()
    const mine = readFrames(server.url, bearer(server))
    const theirs = readFrames(server.url, { headers: { authorization: `Bearer ${server.otherToken}` } })
    for (const reader of [mine, theirs]) {
      reader.send({ ...hello('a'), subs: [{ stream: 'user/me', after: 'start' }] })
      for (const type of ['ready', 'sub_ok', 'live'] as const) await reader.next(type)
    }
    const { id } = await server.threads.create(server.principal, 'Costs')
    const submitted = await server.inject({
      method: 'POST',
      url: `/v1/threads/${id}/runs`,
      headers: { authorization: `Bearer ${server.token}`, host: new URL(server.url).host },
      payload: { message: 'why?' },
    })
    const runId = submitted.json<Run>().id
    await server.inject({
      method: 'POST',
      url: `/v1/runs/${runId}/cancel`,
      headers: { authorization: `Bearer ${server.token}`, host: new URL(server.url).host },
    })
    const items: LifecycleItem[] = []
    while (items.length < 3) items.push(...(await mine.next('lifecycle')).items)
    expect(items).toMatchObject([
      { seq: 1, type: 'thread_created', threadId: id, title: 'Costs' },
      { seq: 2, type: 'run_queued', threadId: id, runId, agent: 'test' },
      { seq: 3, type: 'run_ended', threadId: id, runId, status: 'cancelled' },
    ])
    theirs.send({ type: 'sub', stream: 'user/me', after: 'start' })
    expect(await theirs.next('sub_ok')).toMatchObject({ head: 0 })
  })
})

describe('drain', () => {
  test('is announced, refuses what comes, and closes each with 1012 and a random time', async () => {
    await using server = await openTestServer({ limits: { drainPerConnectionMs: 20 } })
    const readers = Array.from({ length: 5 }, () => readFrames(server.url, bearer(server)))
    for (const [index, reader] of readers.entries()) {
      reader.send(hello(String(index)))
      await reader.next('ready')
    }
    const drained = server.realtime.drain()
    for (const reader of readers)
      expect(await reader.next('drain')).toEqual({ type: 'drain', leaveWithinMs: 100 })
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    readFrames(server.url, bearer(server)).socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode)
      response.resume()
    })
    expect(await promise).toBe(503)
    await drained
    expect(server.realtime.connections).toBe(0)
    const closes = await Promise.all(readers.map(({ closed }) => closed))
    for (const { code, reason } of closes) {
      expect(code).toBe(1012)
      const { r, ms } = JSON.parse(reason) as { r: string; ms: number }
      expect(r).toBe('drain')
      expect(ms).toBeGreaterThanOrEqual(500)
      expect(ms).toBeLessThanOrEqual(2_000)
    }
  })
})
