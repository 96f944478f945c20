import { position, threadStream } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Platform, Trigger } from '../src/index.ts'
import {
  type ConnectionStatus,
  type Cursor,
  createClient,
  type HoldfastClient,
  HoldfastConnectionError,
  type StreamReset,
} from '../src/index.ts'
import { systemPlatform } from '../src/platform.ts'
import { type FakeServer, makeId, openFakeServer, token } from './fake-server.test-support.ts'
import { connect, from1, take } from './reading.test-support.ts'

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

/** The system's, with a clock and a page that the test moves. A timer set before it slept is not heard of again. */
function testPlatform(url: string) {
  const system = systemPlatform(url)
  let aheadMs = 0
  let tell: (trigger: Trigger) => void = () => {}
  const pending = new Set<() => void>()
  const platform: Platform = {
    ...system,
    setTimer(task, delayMs) {
      const cancel = system.setTimer(task, delayMs)
      pending.add(cancel)
      return cancel
    },
    nowMs: () => system.nowMs() + aheadMs,
    watch(onTrigger) {
      tell = onTrigger
      return () => {}
    },
  }
  return {
    platform,
    trigger: (trigger: Trigger) => tell(trigger),
    sleep(ms: number) {
      aheadMs += ms
      for (const cancel of pending) cancel()
    },
  }
}

describe('readers', () => {
  test('[S2] the window of the server never runs dry for one that reads', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(5_000)
    expect(await take(5_000, client.events(server.threadId))).toEqual(from1(5_000))
    const acks = server.received.filter(({ type }) => type === 'ack').length
    expect(acks).toBeLessThanOrEqual(5_000 / 64 + 2)
    expect(server.received.filter(({ type }) => type === 'sub' || type === 'unsub')).toEqual([])
  })

  test('[S3] one of another thread does not wait for one that is not read', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(6_000)
    const idle = client.events(server.threadId)
    expect(await take(6_000, client.events(server.otherThreadId))).toEqual(from1(6_000))
    expect(server.opened).toBe(1)
    const acked = server.received.flatMap((frame) =>
      frame.type === 'ack' && frame.stream === threadStream(server.threadId) ? [frame.seq] : [],
    )
    expect(Math.max(...acked)).toBeLessThan(1_024)
    expect(await take(6_000, idle)).toEqual(from1(6_000))
  })

  test('many of many threads share one connection over cuts', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(300)
    const ids = [server.threadId, server.otherThreadId, server.threadId]
    const readers = ids.map((id) =>
      take(600, client.events(id), (seq) => {
        if (seq % 97 === 0) server.cut()
        if (seq === 300) server.append(100)
      }),
    )
    for (const places of await Promise.all(readers)) expect(places).toEqual(from1(600))
  })
})

describe('user/me', () => {
  test('is a stream of its own, from the head unless asked otherwise', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.happen('thread_created')
    const all = take(2, client.lifecycle({ after: 'start' }))
    await server.seen((frame) => frame.type === 'hello')
    const fresh = take(1, client.lifecycle())
    await server.seen((frame) => frame.type === 'sub')
    server.cut()
    await server.seen((frame) => frame.type === 'hello', 2)
    server.happen('thread_created')
    expect(await Promise.all([all, fresh])).toEqual([[1, 2], [2]])
  })

  test('says once from where on nothing is missed, however often the connection is cut', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.happen('thread_created')
    let told = 0
    const fresh = take(
      2,
      client.lifecycle({
        onFollowing() {
          told += 1
          server.happen('thread_created')
        },
      }),
      (seq) => {
        if (seq !== 2) return
        server.cut()
        server.happen('thread_created')
      },
    )
    expect([await fresh, told]).toEqual([[2, 3], 1])
  })

  test('ends with its signal', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const abort = new AbortController()
    const reading = take(1, client.lifecycle({ signal: abort.signal }))
    await server.seen((frame) => frame.type === 'hello')
    abort.abort()
    expect(await reading).toEqual([])
  })
})

describe('a token that is made when it is needed', () => {
  const rotating = (server: FakeServer) => {
    const asked: string[] = []
    const source = async (why: 'first' | 'renewal'): Promise<string> => {
      asked.push(why)
      server.token = `token-${asked.length}`
      return server.token
    }
    return { asked, source }
  }

  test('is renewed after 4001, and the reader notices nothing', async () => {
    await using server = await openFakeServer()
    const { asked, source } = rotating(server)
    await using client = createClient({ url: server.url, token: source })
    server.append(2)
    const places = await take(4, client.events(server.threadId), (seq) => {
      if (seq !== 2) return
      server.close(4001, '{"r":"token_expired"}')
      server.append(2)
    })
    expect([places, asked]).toEqual([from1(4), ['first', 'renewal']])
  })

  test('is renewed in band when the server says auth_soon', async () => {
    await using server = await openFakeServer()
    const { asked, source } = rotating(server)
    await using client = createClient({ url: server.url, token: source })
    const reading = take(1, client.events(server.threadId))
    await server.seen((frame) => frame.type === 'hello')
    server.push({ type: 'auth_soon', withinMs: 60_000 })
    await server.seen((frame) => frame.type === 'auth' && frame.auth === 'token-2')
    server.append(1)
    expect([await reading, asked, server.opened]).toEqual([[1], ['first', 'renewal'], 1])
  })

  test('that cannot be had ends the following with why', async () => {
    await using server = await openFakeServer()
    const signedOut = new Error('signed out')
    await using client = createClient({ url: server.url, token: () => Promise.reject(signedOut) })
    const error = await take(1, client.events(server.threadId)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HoldfastConnectionError)
    expect(error).toMatchObject({ code: 'unauthenticated', cause: signedOut })
  })

  test('by a source that throws at once is no other case', async () => {
    await using server = await openFakeServer()
    const signedOut = new Error('signed out')
    const source = (): Promise<string> => {
      throw signedOut
    }
    await using client = createClient({ url: server.url, token: source })
    await expect(take(1, client.events(server.threadId))).rejects.toMatchObject({
      code: 'unauthenticated',
      cause: signedOut,
    })
  })

  test('that could not be asked for, with the network away, is asked for again', async () => {
    await using server = await openFakeServer()
    let asked = 0
    const source = async (): Promise<string> => {
      asked += 1
      if (asked < 3) throw new TypeError('fetch failed')
      return token
    }
    await using client = createClient({ url: server.url, token: source })
    server.append(1)
    expect(await take(1, client.events(server.threadId))).toEqual([1])
  })
})

test('a WebSocket that cannot even be made is one that failed', async () => {
  await using server = await openFakeServer()
  let made = 0
  class Refused extends WebSocket {
    constructor(url: string, protocol: string) {
      made += 1
      if (made === 1) throw new DOMException('Not here', 'SecurityError')
      super(url, protocol)
    }
  }
  await using client = createClient({ url: server.url, token, WebSocket: Refused })
  server.append(1)
  expect(await take(1, client.events(server.threadId))).toEqual([1])
})

describe('a page that wakes', () => {
  test('[C4] replaces a connection that was silent for 35 s, at once, whatever became of its timers', async () => {
    await using server = await openFakeServer()
    const { platform, trigger, sleep } = testPlatform(server.url)
    await using client = createClient({ url: server.url, token, platform })
    server.append(1)
    const events = client.events(server.threadId)
    expect(await take(1, client.events(server.threadId))).toEqual([1])
    sleep(35_000)
    trigger('visible')
    await server.seen((frame) => frame.type === 'hello', 2)
    server.append(1)
    expect(await take(2, events)).toEqual([1, 2])
  })

  test('does not listen to the connection that it has replaced', async () => {
    await using server = await openFakeServer()
    const { platform, trigger, sleep } = testPlatform(server.url)
    const sockets: WebSocket[] = []
    class Watched extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol)
        sockets.push(this)
      }
    }
    await using client = createClient({ url: server.url, token, platform, WebSocket: Watched })
    server.append(1)
    const events = client.events(server.threadId)[Symbol.asyncIterator]()
    expect((await events.next()).value?.seq).toBe(1)
    sleep(35_000)
    trigger('visible')
    await server.seen((frame) => frame.type === 'hello', 2)
    const item = { seq: 2, type: 'agent_thinking', data: { step: 1, text: 'late' } }
    const late = { type: 'ev', stream: threadStream(server.threadId), first: 2, items: [item] }
    sockets[0]?.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(late) }))
    sockets[0]?.dispatchEvent(new CloseEvent('close', { code: 4503 }))
    server.append(1)
    expect((await events.next()).value?.data).toEqual({ step: 1, text: 'x' })
  })

  test('asks a younger one, and keeps it when it answers', async () => {
    await using server = await openFakeServer()
    const { platform, trigger, sleep } = testPlatform(server.url)
    const statuses: ConnectionStatus['kind'][] = []
    await using client = createClient({
      url: server.url,
      token,
      platform,
      onStatus: ({ kind }) => statuses.push(kind),
    })
    const reading = take(1, client.events(server.threadId))
    await server.seen((frame) => frame.type === 'hello')
    server.push({ type: 'ping', n: 7 })
    await server.seen((frame) => frame.type === 'pong' && frame.n === 7)
    sleep(34_000)
    trigger('online')
    await server.seen((frame) => frame.type === 'sub' && frame.after === 0)
    server.append(1)
    expect([await reading, server.opened, statuses]).toEqual([[1], 1, ['connecting', 'ready']])
  })
})

describe('[L6] a reset', () => {
  test('is told once with the snapshot, after all that came before, and the iteration goes on from there', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(3)
    const resets: StreamReset[] = []
    const second = makeId('epoch')
    const places = await take(
      5,
      client.events(server.threadId, {
        onReset(reset) {
          resets.push(reset)
          server.append(2)
          return { epoch: second, seq: position(3) }
        },
      }),
      (seq) => {
        if (seq !== 3 || resets.length > 0) return
        server.epoch = second
        server.cut()
      },
    )
    expect(places).toEqual([1, 2, 3, 4, 5])
    expect(resets).toEqual([
      {
        reason: 'epoch_changed',
        stream: threadStream(server.threadId),
        snapshotUrl: `${server.url}/v1/threads/${server.threadId}/state`,
      },
    ])
  })

  describe('who leaves while the snapshot is read', () => {
    /** A reader that has begun to read the snapshot of another log. */
    const resetting = async (server: FakeServer, client: HoldfastClient) => {
      const asked = Promise.withResolvers<void>()
      const snapshot = Promise.withResolvers<Cursor>()
      const events = client
        .events(server.threadId, {
          epoch: makeId('epoch'),
          onReset() {
            asked.resolve()
            return snapshot.promise
          },
        })
        [Symbol.asyncIterator]()
      const next = events.next()
      await asked.promise
      return {
        events,
        next,
        answer: () => snapshot.resolve({ epoch: server.epoch, seq: position(0) }),
      }
    }

    test('leaves no reader behind', async () => {
      await using server = await openFakeServer()
      await using client = connect(server)
      const { events, next, answer } = await resetting(server, client)
      await events.return?.()
      answer()
      expect(await next).toEqual({ value: undefined, done: true })
    })

    test('by closing the client ends quietly', async () => {
      await using server = await openFakeServer()
      await using client = connect(server)
      const { next, answer } = await resetting(server, client)
      await client[Symbol.asyncDispose]()
      answer()
      expect(await next).toEqual({ value: undefined, done: true })
    })
  })

  test('is asked for by a server that doubts the position', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(2)
    const reading = take(9, client.events(server.threadId), (seq) => {
      if (seq === 2) server.close(4010, '{"r":"snapshot"}')
    })
    await expect(reading).rejects.toMatchObject({ code: 'position_in_doubt' })
  })
})
