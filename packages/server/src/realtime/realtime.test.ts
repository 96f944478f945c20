import { type IncomingMessage, request } from 'node:http'
import { type Run, type StoredEvent, threadStream } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { makeId, openTestServer, type TestServer } from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'
import { holdCalls } from './held-calls.test-support.ts'
import type { Schedule } from './schedule.ts'

const bearer = (server: TestServer) => ({ headers: { authorization: `Bearer ${server.token}` } })
/** A client of its own each time: of two with one instance the older one is told to go. */
const hello = {
  type: 'hello',
  get instance() {
    return crypto.randomUUID()
  },
}

async function openThread(server: TestServer, events: number) {
  const { id } = await server.threads.create(server.principal)
  const run: Pick<Run, 'id' | 'agent'> = { id: makeId('run'), agent: 'test' }
  const append = (count: number, text = 'x'): Promise<void> =>
    server.append(
      id,
      run,
      ...Array.from({ length: count }, (_, index) => ({
        type: 'agent_thinking' as const,
        data: { step: index + 1, text },
      })),
    )
  if (events > 0) await append(events)
  return { id, stream: threadStream(id), append }
}

const places = (events: readonly StoredEvent[]): number[] => events.map(({ seq }) => seq)
const from1 = (to: number): number[] => Array.from({ length: to }, (_, index) => index + 1)

/** Tasks wait until the test lets the one of a certain delay happen. */
function manualSchedule(): { schedule: Schedule; fire(delayMs: (ms: number) => boolean): void } {
  const tasks = new Set<{ task: () => void; delayMs: number }>()
  return {
    schedule(task, delayMs) {
      const entry = { task, delayMs }
      tasks.add(entry)
      return () => void tasks.delete(entry)
    },
    fire(isMeant) {
      for (const entry of [...tasks]) if (isMeant(entry.delayMs) && tasks.delete(entry)) entry.task()
    },
  }
}

describe('following a thread', () => {
  test('[L2] backlog, live, then what is committed: once and in order', async () => {
    await using server = await openTestServer()
    const thread = await openThread(server, 700)
    const reader = readFrames(server.url, bearer(server))
    reader.send({ ...hello, subs: [{ stream: thread.stream, after: 'start' }] })
    expect(await reader.next('ready')).toMatchObject({
      epoch: server.log.epoch,
      user: server.principal.userId,
    })
    expect(await reader.next('sub_ok')).toMatchObject({ floor: 0, head: 700 })
    expect(places(await reader.events(700))).toEqual(from1(700))
    expect(await reader.next('live')).toMatchObject({ at: 700 })
    await thread.append(3)
    expect(places(await reader.events(3))).toEqual([701, 702, 703])
  })

  test('goes on after a cursor, and from the head where only news is wanted', async () => {
    await using server = await openTestServer()
    const thread = await openThread(server, 5)
    const reader = readFrames(server.url, bearer(server))
    reader.send(hello)
    await reader.next('ready')
    reader.send({ type: 'sub', stream: thread.stream, after: 3 })
    await reader.next('sub_ok')
    expect(places(await reader.events(2))).toEqual([4, 5])
    await reader.next('live')
    reader.send({ type: 'sub', stream: thread.stream, after: 'head' })
    await reader.next('sub_ok')
    expect(await reader.next('live')).toMatchObject({ at: 5 })
    await thread.append(1)
    expect(places(await reader.events(1))).toEqual([6])
  })

  test('one connection follows several threads; unsub ends one of them', async () => {
    await using server = await openTestServer()
    const [left, kept] = [await openThread(server, 1), await openThread(server, 1)]
    const reader = readFrames(server.url, bearer(server))
    const subs = [left, kept].map(({ stream }) => ({ stream, after: 'head' }))
    reader.send({ ...hello, subs })
    await reader.next('ready')
    const answers = [await reader.any(), await reader.any(), await reader.any(), await reader.any()]
    expect(answers.map(({ type }) => type).sort()).toEqual(['live', 'live', 'sub_ok', 'sub_ok'])
    reader.send({ type: 'unsub', stream: left.stream })
    // A subscription of the other is answered after the unsub was read.
    reader.send({ type: 'sub', stream: kept.stream, after: 'head' })
    await reader.next('sub_ok')
    await reader.next('live')
    await left.append(1)
    await kept.append(1)
    expect((await reader.next('ev')).stream).toBe(kept.stream)
  })

  test('a reader that stalls gets everything once it reads again, and not from the server’s memory', async () => {
    await using server = await openTestServer()
    const thread = await openThread(server, 0)
    const reader = readFrames(server.url, bearer(server))
    reader.send({ ...hello, subs: [{ stream: thread.stream, after: 'start' }] })
    await reader.next('ready')
    await reader.next('sub_ok')
    await reader.next('live')
    reader.socket.pause()
    const text = 'x'.repeat(30_000)
    for (let round = 0; round < 20; round += 1) await thread.append(50, text)
    reader.socket.resume()
    expect(places(await reader.events(1000))).toEqual(from1(1000))
  })

  test('a thread that is deleted while it is followed is told as gone [B1]', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const thread = await openThread(server, 1)
    const reader = readFrames(server.url, bearer(server))
    reader.send({ ...hello, subs: [{ stream: thread.stream, after: 'head' }] })
    for (const type of ['ready', 'sub_ok', 'live'] as const) await reader.next(type)
    await server.threads.remove(server.principal, thread.id)
    clock.fire((ms) => ms === 1_500)
    expect(await reader.next('sub_err')).toMatchObject({ stream: thread.stream, code: 'not_found' })
  })

  test('another user’s thread cannot be followed', async () => {
    await using server = await openTestServer()
    const thread = await openThread(server, 1)
    const reader = readFrames(server.url)
    reader.send({ ...hello, auth: server.otherToken, subs: [{ stream: thread.stream, after: 'start' }] })
    await reader.next('ready')
    expect(await reader.next('sub_err')).toMatchObject({ code: 'not_found' })
  })
})

describe('who may connect', () => {
  const upgrade = (
    server: TestServer,
    headers: Record<string, string>,
    path = '/v1/ws',
  ): Promise<{ status: number; retryAfter: string | undefined; body: { code?: string } }> => {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof upgrade>>>()
    const sent = request(`${server.url}${path}`, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        ...headers,
      },
    })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, retryAfter: undefined, body: {} })
    })
    const read = async (response: IncomingMessage): Promise<void> => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { code?: string }
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body })
    }
    sent.on('response', (response) => void read(response))
    sent.on('error', reject)
    sent.end()
    return promise
  }
  const refused = [
    { name: 'another path', headers: {}, path: '/v1/other', status: 404, code: 'not_found' },
    {
      name: 'a foreign Host (DNS rebinding)',
      headers: { host: 'evil.test' },
      status: 403,
      code: 'forbidden',
    },
    { name: 'a foreign Origin', headers: { origin: 'http://evil.test' }, status: 403, code: 'forbidden' },
    {
      name: 'an Origin that only begins like ours',
      headers: { origin: 'http://127.0.0.1.evil.test' },
      status: 403,
      code: 'forbidden',
    },
    {
      name: 'a bad bearer of a program',
      headers: { authorization: 'Bearer nonsense' },
      status: 401,
      code: 'unauthenticated',
    },
    {
      name: 'a subprotocol of something else',
      headers: { 'sec-websocket-protocol': 'graphql-ws, holdfast.ticket.AAAA' },
      status: 400,
      code: 'bad_request',
    },
  ]
  for (const { name, headers, path, status, code } of refused)
    test(`refused: ${name}`, async () => {
      await using server = await openTestServer()
      expect(await upgrade(server, headers as Record<string, string>, path)).toMatchObject({
        status,
        body: { code },
      })
    })

  test('refused while the server is not ready, before anything else is looked at', async () => {
    await using server = await openTestServer({ ready: () => false })
    expect(await upgrade(server, { origin: 'http://evil.test' }, '/nowhere')).toMatchObject({
      status: 503,
      retryAfter: '1',
    })
  })

  test('a browser by its cookie, from our own origin', async () => {
    await using server = await openTestServer()
    const cookie = await signIn(server)
    const reader = readFrames(server.url, { headers: { cookie, origin: server.url } })
    reader.send(hello)
    expect((await reader.next('ready')).user).toBe(server.principal.userId)
  })

  test('a browser whose cookie is not valid is let in to be told 4501', async () => {
    await using server = await openTestServer()
    const cookie = `${server.auth.cookies.name}=stale`
    const reader = readFrames(server.url, { headers: { cookie, origin: server.url } })
    expect(await reader.closed).toMatchObject({ code: 4501 })
  })

  test('a client of another version is let in to be told 4526, in its own subprotocol', async () => {
    await using server = await openTestServer()
    const reader = readFrames(server.url, { protocols: ['holdfast.v9'] })
    const { code, reason } = await reader.closed
    expect({ code, reason: JSON.parse(reason) }).toEqual({ code: 4526, reason: { r: 'version_unsupported' } })
    expect(reader.socket.protocol).toBe('holdfast.v9')
  })

  test('a failed bearer never falls back to the cookie', async () => {
    await using server = await openTestServer()
    const cookie = await signIn(server)
    const headers = { cookie, authorization: 'Bearer nonsense' }
    expect(await upgrade(server, headers)).toMatchObject({ status: 401 })
  })

  test('a token in hello', async () => {
    await using server = await openTestServer()
    const reader = readFrames(server.url)
    reader.send({ ...hello, auth: server.token })
    await reader.next('ready')
  })

  test('a wrong token in hello, and none at all, end with 4501', async () => {
    await using server = await openTestServer()
    for (const frame of [{ ...hello, auth: 'nonsense' }, hello]) {
      const reader = readFrames(server.url)
      reader.send(frame)
      const { code, reason } = await reader.closed
      expect(code).toBe(4501)
      expect(JSON.parse(reason)).toEqual({ r: 'unauthenticated' })
    }
  })

  test('nobody who names no credentials within helloWithinMs stays', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const reader = readFrames(server.url)
    // An error frame is the sign that the server serves this connection by now.
    reader.send('?')
    await reader.next('error')
    clock.fire((ms) => ms === 5_000)
    expect(await reader.closed).toEqual({ code: 4008, reason: '{"r":"no_hello"}' })
  })
})

describe('frames', () => {
  test('one bad frame does not end a session, the third does with 4500', async () => {
    await using server = await openTestServer()
    const reader = readFrames(server.url, bearer(server))
    reader.send({ type: 'sub', stream: threadStream(makeId('thread')), after: 0 })
    expect((await reader.next('error')).message).toContain('hello')
    reader.send(hello)
    await reader.next('ready')
    reader.send('not json')
    await reader.next('error')
    reader.send({ type: 'pong', n: 'one' })
    expect(await reader.closed).toMatchObject({ code: 4500 })
  })

  test('a frame over limits.frameBytes ends with 1009', async () => {
    await using server = await openTestServer()
    const reader = readFrames(server.url, bearer(server))
    reader.send({ ...hello, instance: 'x'.repeat(64 * 1024) })
    expect(await reader.closed).toMatchObject({ code: 1009 })
  })

  test('subscriptions beyond limits.subscriptionsPerConnection are answered limit', async () => {
    await using server = await openTestServer()
    const reader = readFrames(server.url, bearer(server))
    const subs = await Promise.all(
      Array.from({ length: 200 }, async () => ({
        stream: (await openThread(server, 0)).stream,
        after: 'head',
      })),
    )
    reader.send({ ...hello, subs })
    await reader.next('ready')
    let live = 0
    while (live < 200) if ((await reader.any()).type === 'live') live += 1
    const { stream } = await openThread(server, 0)
    reader.send({ type: 'sub', stream, after: 'head' })
    expect(await reader.next('sub_err')).toMatchObject({ stream, code: 'limit' })
  })
})

describe('the heartbeat', () => {
  const isHeartbeat = (ms: number): boolean => ms >= 20_000 && ms <= 30_000
  const isPongDeadline = (ms: number): boolean => ms === 10_000

  test('a client that answers stays', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const thread = await openThread(server, 1)
    const reader = readFrames(server.url, bearer(server))
    reader.send(hello)
    await reader.next('ready')
    clock.fire(isHeartbeat)
    const { n } = await reader.next('ping')
    reader.send({ type: 'pong', n })
    // The answer to what was sent after the pong shows that the pong was read.
    reader.send({ type: 'sub', stream: thread.stream, after: 'head' })
    await reader.next('sub_ok')
    await reader.next('live')
    clock.fire(isPongDeadline)
    clock.fire(isHeartbeat)
    expect((await reader.next('ping')).n).toBe(n + 1)
  })

  test('a client whose answer waits behind a frame that waits for the database stays', async () => {
    const clock = manualSchedule()
    const lookUps = holdCalls()
    await using server = await openTestServer({
      schedule: clock.schedule,
      realtime: (given) => ({ ...given, threads: { get: lookUps.wrap(given.threads.get) } }),
    })
    const thread = await openThread(server, 1)
    const reader = readFrames(server.url, bearer(server))
    reader.send(hello)
    await reader.next('ready')
    const sub = { type: 'sub', stream: thread.stream, after: 'head' }
    reader.send(sub)
    await lookUps.held
    clock.fire(isHeartbeat)
    const { n } = await reader.next('ping')
    reader.send({ type: 'pong', n })
    clock.fire(isPongDeadline)
    lookUps.release()
    reader.send(sub)
    let answers = 0
    while (answers < 2) if ((await reader.any()).type === 'sub_ok') answers += 1
    await reader.next('live')
    // By now the pong was read.
    clock.fire(isPongDeadline)
    clock.fire(isHeartbeat)
    expect((await reader.next('ping')).n).toBe(n + 1)
  })

  test('a client that has not come to the ping yet, but acknowledges what was sent before it, stays', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const thread = await openThread(server, 1)
    const reader = readFrames(server.url, bearer(server))
    reader.send({ ...hello, subs: [{ stream: thread.stream, after: 'start' }] })
    for (const type of ['ready', 'sub_ok', 'ev', 'live'] as const) await reader.next(type)
    clock.fire(isHeartbeat)
    const { n } = await reader.next('ping')
    reader.send({ type: 'ack', stream: thread.stream, seq: 1 })
    reader.send({ type: 'sub', stream: thread.stream, after: 'head' })
    await reader.next('sub_ok')
    await reader.next('live')
    clock.fire(isPongDeadline)
    clock.fire(isHeartbeat)
    expect((await reader.next('ping')).n).toBe(n + 1)
  })

  test('a client that does not is closed with 4008', async () => {
    const clock = manualSchedule()
    await using server = await openTestServer({ schedule: clock.schedule })
    const reader = readFrames(server.url, bearer(server))
    reader.send(hello)
    await reader.next('ready')
    clock.fire(isHeartbeat)
    await reader.next('ping')
    clock.fire(isPongDeadline)
    expect(await reader.closed).toMatchObject({ code: 4008 })
  })
})

describe('close', () => {
  test('closes every socket with 1012 and a hint when to come back', async () => {
    const server = await openTestServer()
    const readers = [readFrames(server.url, bearer(server)), readFrames(server.url, bearer(server))]
    for (const reader of readers) {
      reader.send(hello)
      await reader.next('ready')
    }
    expect(server.realtime.connections).toBe(2)
    await server[Symbol.asyncDispose]()
    expect(server.realtime.connections).toBe(0)
    for (const reader of readers) {
      const { code, reason } = await reader.closed
      expect(code).toBe(1012)
      expect(JSON.parse(reason)).toEqual({ r: 'drain', ms: expect.any(Number) })
    }
  })

  test('does not wait for ever for a client that is silent', async () => {
    const server = await openTestServer({ limits: { closeTimeoutMs: 50 } })
    const reader = readFrames(server.url, bearer(server))
    reader.send(hello)
    await reader.next('ready')
    reader.socket.pause()
    await server[Symbol.asyncDispose]()
    expect(server.realtime.connections).toBe(0)
    reader.socket.terminate()
  })
})

async function signIn(server: TestServer): Promise<string> {
  const token = new URL(server.localMode.loginLink()).hash.slice('#token='.length)
  return `${server.auth.cookies.name}=${(await server.localMode.exchange(token))?.secret}`
}
