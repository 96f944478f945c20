import { threadStream } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClient, HoldfastConnectionError, HoldfastStreamError } from '../src/index.ts'
import { systemPlatform } from '../src/platform.ts'
import { streamLimits } from '../src/stream.ts'
import { type FakeServer, makeId, openFakeServer, token } from './fake-server.test-support.ts'
import { connect, from1, take } from './reading.test-support.ts'

// Full jitter may choose no delay at all, and here it does: what is tested is not the waiting.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

describe('events', () => {
  test('[L2] come once and in order however often the line is cut', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(50)
    const places = await take(1000, client.events(server.threadId), (seq) => {
      // In the middle of what is on its way, and with new events in between.
      if (seq % 37 === 0) server.cut()
      if (seq % 50 === 0) server.append(50)
    })
    expect(places).toEqual(from1(1000))
    expect(server.opened).toBeGreaterThan(10)
  })

  test('are asked for again from the last applied one when some are missing, and dropped when they come twice', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(3)
    const events = client.events(server.threadId)[Symbol.asyncIterator]()
    const next = async (): Promise<number> => (await events.next()).value.seq
    expect([await next(), await next(), await next()]).toEqual([1, 2, 3])
    const stream = threadStream(server.threadId)
    const odd = (seq: number): object => ({
      seq,
      type: 'agent_thinking',
      data: { step: 1, text: 'not from the log' },
    })
    server.push({ type: 'ev', stream, first: 2, items: [odd(2), odd(3)] })
    server.push({ type: 'ev', stream, first: 5, items: [odd(5)] })
    await server.seen((frame) => frame.type === 'sub' && frame.after === 3)
    server.append(1)
    expect(await next()).toBe(4)
  })

  test('of an unknown type take their place and are not shown', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const events = client.events(server.threadId, { after: 'head' })
    const taken = take(1, events)
    await server.seen((frame) => frame.type === 'hello')
    const stream = threadStream(server.threadId)
    const event = (seq: number, type: string): object => ({ seq, type, data: { step: 1, text: 'x' } })
    server.push({
      type: 'ev',
      stream,
      first: 1,
      items: [event(1, 'of_the_future'), event(2, 'agent_thinking')],
    })
    expect(await taken).toEqual([2])
  })

  test('of one thread for two readers share one connection, each from its own place', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(5)
    const late = take(3, client.events(server.threadId, { after: 3 as never }))
    await server.seen((frame) => frame.type === 'hello')
    const whole = take(6, client.events(server.threadId))
    await server.seen((frame) => frame.type === 'sub' && frame.after === 0)
    server.append(1)
    expect(await Promise.all([late, whole])).toEqual([[4, 5, 6], from1(6)])
    expect(server.opened).toBe(1)
  })

  test('from the head are only what is new, also when the first connection fails', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(5)
    const taken = take(2, client.events(server.threadId, { after: 'head' }))
    await server.seen((frame) => frame.type === 'hello')
    server.append(1)
    server.cut()
    await server.seen((frame) => frame.type === 'hello', 2)
    server.append(1)
    expect(await taken).toEqual([6, 7])
  })

  test('wait in the log, not in the memory of a reader that is slow', async () => {
    await using server = await openFakeServer()
    const system = systemPlatform(server.url)
    // Ten seconds without progress pass at once.
    const setTimer: typeof system.setTimer = (task, ms) =>
      system.setTimer(task, ms === streamLimits.stallMs ? 0 : ms)
    await using client = createClient({ url: server.url, token, platform: { ...system, setTimer } })
    server.append(6_000)
    const events = client.events(server.threadId)
    await server.seen((frame) => frame.type === 'unsub')
    server.append(1_000)
    expect(await take(7_000, events)).toEqual(from1(7_000))
  })

  test('end quietly with the signal and with the client', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(2)
    const abort = new AbortController()
    const places: number[] = []
    for await (const { seq } of client.events(server.threadId, { signal: abort.signal })) {
      places.push(seq)
      if (seq === 2) abort.abort()
    }
    expect(places).toEqual([1, 2])
    const reading = take(9, client.events(server.threadId))
    await server.seen((frame) => frame.type === 'sub')
    await client[Symbol.asyncDispose]()
    expect((await reading).length).toBeLessThan(9)
    expect(() => client.events(server.threadId)).toThrow('closed')
    const aborted = AbortSignal.abort()
    await using fresh = connect(server)
    expect(await take(1, fresh.events(server.threadId, { signal: aborted }))).toEqual([])
  })
})

describe('what cannot be followed', () => {
  test('[L6] a cursor of another epoch throws epoch_changed after a reconnect', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(2)
    const events = client.events(server.threadId)[Symbol.asyncIterator]()
    await events.next()
    await events.next()
    server.epoch = makeId('epoch')
    server.cut()
    const error = await events.next().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HoldfastStreamError)
    expect(error).toMatchObject({ code: 'epoch_changed' })
  })

  test('a thread that is not there throws not_found, and other threads go on', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(1)
    const missing = take(1, client.events(makeId('thread')))
    await expect(missing).rejects.toMatchObject({ name: 'HoldfastStreamError', code: 'not_found' })
    expect(await take(1, client.events(server.threadId))).toEqual([1])
  })

  test('a terminal close throws its code, after everything that had come before', async () => {
    await using server = await openFakeServer()
    const statuses: string[] = []
    await using client = createClient({ url: server.url, token, onStatus: ({ kind }) => statuses.push(kind) })
    server.append(3)
    const events = client.events(server.threadId)
    const places: number[] = []
    const reading = (async () => {
      for await (const { seq } of events) {
        places.push(seq)
        if (seq === 3) server.close(4503, '{"r":"revoked"}')
      }
    })()
    await expect(reading).rejects.toMatchObject({ name: 'HoldfastConnectionError', closeCode: 4503 })
    expect(places).toEqual([1, 2, 3])
    expect(statuses).toEqual(['connecting', 'ready', 'stopped'])
    expect(server.opened).toBe(1)
  })

  test('a wrong token ends with 4501 and is not tried again', async () => {
    await using server = await openFakeServer()
    await using client = createClient({ url: server.url, token: 'wrong' })
    const error = await take(1, client.events(server.threadId)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HoldfastConnectionError)
    expect(String(error)).toContain('4501 unauthenticated')
    expect(server.opened).toBe(1)
  })

  describe('a server of another version is told to the caller, at once and for good', () => {
    test('by its close', async () => {
      await using server = await openFakeServer()
      server.greet = (socket) => socket.close(4526, '{"r":"version_unsupported"}')
      await expectOtherVersion(server)
    })

    test('by a `ready` that this client cannot read', async () => {
      await using server = await openFakeServer()
      server.greet = (socket) => socket.send('{"type":"ready","connection":7}')
      await expectOtherVersion(server)
    })

    test('by an `error` in the place of `ready`', async () => {
      await using server = await openFakeServer()
      server.greet = (socket) => socket.send('{"type":"error","code":"bad_request","message":"no instance"}')
      await expectOtherVersion(server)
    })

    test('by an answer to its question that it cannot read', async () => {
      await using server = await openFakeServer()
      await using client = connect(server)
      const reading = take(1, client.events(server.threadId))
      await server.seen(({ type }) => type === 'hello')
      server.push({ type: 'sub_ok', stream: threadStream(server.threadId), from: 0 })
      await expect(reading).rejects.toMatchObject({ code: 'version_unsupported' })
    })
  })

  async function expectOtherVersion(server: FakeServer): Promise<void> {
    await using client = connect(server)
    const error = await take(1, client.events(server.threadId)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'HoldfastConnectionError', code: 'version_unsupported' })
    expect(String(error)).toContain('This client speaks holdfast.v1 and the server does not')
    expect(server.opened).toBe(1)
  }

  test('a drain is no fault: the client comes back and goes on', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(2)
    const places = await take(4, client.events(server.threadId), (seq) => {
      if (seq === 2) {
        server.close(1012, '{"r":"drain","ms":1000}')
        server.append(2)
      }
    })
    expect(places).toEqual(from1(4))
  })
})

test('the token travels in hello, never in the address', async () => {
  await using server = await openFakeServer()
  const addresses: string[] = []
  class Watched extends WebSocket {
    constructor(url: string, protocol: string) {
      addresses.push(url)
      super(url, protocol)
    }
  }
  await using client = createClient({ url: server.url, token, WebSocket: Watched })
  server.append(1)
  await take(1, client.events(server.threadId))
  expect(addresses).toEqual([`${server.url.replace('http', 'ws')}/v1/ws`])
  expect(server.received[0]).toMatchObject({ type: 'hello', auth: token })
})
