import { type Position, position, type StoredEvent, type Stream, threadStream } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Platform, Trigger } from '../src/index.ts'
import {
  type ConnectionStatus,
  type CursorStore,
  createClient,
  createMemoryCursors,
  HoldfastConnectionError,
  type StreamReset,
} from '../src/index.ts'
import { systemPlatform } from '../src/platform.ts'
import { type FakeServer, makeId, openFakeServer, token } from './fake-server.test-support.ts'

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

const connect = (server: FakeServer) => createClient({ url: server.url, token })
const from1 = (to: number): number[] => Array.from({ length: to }, (_, index) => index + 1)

async function take(
  count: number,
  events: AsyncIterable<{ readonly seq: Position }>,
  onEach = (_seq: number) => {},
) {
  const places: number[] = []
  for await (const { seq } of events) {
    places.push(seq)
    onEach(seq)
    if (places.length === count) break
  }
  return places
}

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

describe('without WebSockets', () => {
  test('events come by server-sent events, over cuts, with the bearer token', async () => {
    await using server = await openFakeServer()
    const statuses: ConnectionStatus['kind'][] = []
    await using client = createClient({ url: server.url, token, onStatus: ({ kind }) => statuses.push(kind) })
    server.webSockets = false
    server.append(200)
    let cuts = 0
    const places = await take(500, client.events(server.threadId), (seq) => {
      if (seq % 100 === 0) server.append(100)
      if (seq === 150 || seq === 350) {
        cuts += 1
        server.cut()
      }
    })
    expect([places, cuts]).toEqual([from1(500), 2])
    expect(statuses).toContain('fallback')
    expect(new Set(server.eventStreams.map(({ authorization }) => authorization))).toEqual(
      new Set([`Bearer ${token}`]),
    )
    expect(server.eventStreams.at(-1)?.lastEventId).not.toBe('0')
  })

  test('[L6] another epoch and a thread that is not there are told as ever', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.webSockets = false
    server.append(2)
    await expect(take(1, client.events(server.threadId, { epoch: makeId('epoch') }))).rejects.toMatchObject({
      name: 'HoldfastStreamError',
      code: 'epoch_changed',
    })
    server.respond = (_request, response) =>
      void response.writeHead(404, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          type: 'about:blank',
          title: 'x',
          status: 404,
          code: 'not_found',
          detail: 'x',
          retryable: false,
        }),
      )
    await expect(take(1, client.events(server.otherThreadId))).rejects.toMatchObject({ code: 'not_found' })
    await expect(take(1, client.lifecycle())).rejects.toMatchObject({ code: 'websocket_required' })
  })

  test('from the head is only what is new, and a WebSocket is used when there is one again', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.webSockets = false
    server.append(5)
    const reading = take(2, client.events(server.threadId, { after: 'head' }))
    while (server.eventStreams.length === 0) await new Promise((resolve) => setImmediate(resolve))
    server.append(1)
    server.webSockets = true
    server.cut()
    await server.seen((frame) => frame.type === 'hello')
    server.append(1)
    expect(await reading).toEqual([6, 7])
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

describe('[K1] applied state and its cursor', () => {
  /** Applies into an array until `count` are there, and dies after `dieAt` of them if that is said. */
  const applyTo = async (
    server: FakeServer,
    cursors: CursorStore,
    state: StoredEvent[],
    { count, dieAt }: { readonly count: number; readonly dieAt?: number },
  ): Promise<void> => {
    await using client = connect(server)
    const done = new AbortController()
    await client.applyEvents(server.threadId, {
      cursors,
      apply(event) {
        if (state.length === dieAt) throw new Error('died')
        state.push(event)
        if (state.length === count) done.abort()
      },
      signal: done.signal,
    })
  }

  test('a client that is stopped and started again has applied exactly the log', async () => {
    await using server = await openFakeServer()
    const cursors = createMemoryCursors()
    const state: StoredEvent[] = []
    server.append(300)
    await applyTo(server, cursors, state, { count: 300 })
    server.append(400)
    server.cut()
    await applyTo(server, cursors, state, { count: 700 })
    expect(state.map(({ seq }) => seq)).toEqual(from1(700))
    expect(await cursors.load(threadStream(server.threadId))).toEqual({ epoch: server.epoch, seq: 700 })
  })

  test('what fails to apply is thrown, and the cursor has not moved', async () => {
    await using server = await openFakeServer()
    const cursors = createMemoryCursors()
    server.append(10)
    await expect(applyTo(server, cursors, [], { count: 10, dieAt: 4 })).rejects.toThrow('died')
    expect(await cursors.load(threadStream(server.threadId))).toBeNull()
  })

  test('[K2] two clients on one store apply each event once between them', async () => {
    await using server = await openFakeServer()
    await using one = connect(server)
    await using other = connect(server)
    const cursors = createMemoryCursors()
    const state: number[] = []
    const done = new AbortController()
    const options = {
      cursors,
      apply({ seq }: StoredEvent) {
        state.push(seq)
        if (seq % 50 === 0 && seq < 500) server.append(50)
        if (seq === 500) done.abort()
      },
      signal: done.signal,
    }
    server.append(50)
    await Promise.all([one, other].map((client) => client.applyEvents(server.threadId, options)))
    expect(state).toEqual(from1(500))
  })

  test('[K2] a cursor that somebody else has moved is loaded again', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    server.append(20)
    const inner = createMemoryCursors()
    let commits = 0
    const cursors: CursorStore = {
      load: inner.load,
      async commit(move, apply) {
        commits += 1
        const { stream, from } = move
        if (commits === 1)
          await inner.commit({ stream, from, to: { epoch: server.epoch, seq: position(10) } }, () => {})
        await inner.commit(move, apply)
      },
    }
    const applied: number[] = []
    const done = new AbortController()
    await client.applyEvents(server.threadId, {
      cursors,
      apply({ seq }) {
        applied.push(seq)
        if (seq === 20) done.abort()
      },
      signal: done.signal,
    })
    expect(applied).toEqual(from1(20).slice(10))
  })

  test('[L6] a reset replaces state and cursor together', async () => {
    await using server = await openFakeServer()
    await using client = connect(server)
    const cursors = createMemoryCursors()
    const stream: Stream = threadStream(server.threadId)
    await cursors.commit({ stream, from: null, to: { epoch: makeId('epoch'), seq: position(90) } }, () => {})
    server.append(5)
    let state = ['of another log']
    const done = new AbortController()
    await client.applyEvents(server.threadId, {
      cursors,
      apply({ seq }) {
        state.push(`event ${seq}`)
        if (seq === 5) done.abort()
      },
      onReset: async ({ reason }) => ({
        cursor: { epoch: server.epoch, seq: position(3) },
        apply() {
          state = [`snapshot after ${reason}`]
        },
      }),
      signal: done.signal,
    })
    expect(state).toEqual(['snapshot after epoch_changed', 'event 4', 'event 5'])
    expect(await cursors.load(stream)).toEqual({ epoch: server.epoch, seq: 5 })
  })
})
