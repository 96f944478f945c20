import { problem } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connectionLimits } from '../src/connection-state.ts'
import { type ConnectionStatus, createClient, type Platform } from '../src/index.ts'
import { systemPlatform } from '../src/platform.ts'
import { makeId, openFakeServer, token } from './fake-server.test-support.ts'
import { connect, from1, take } from './reading.test-support.ts'

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

/** The system's, whose timers wait while the test holds them. */
function heldPlatform(url: string) {
  const system = systemPlatform(url)
  let gate = Promise.resolve()
  const platform: Platform = {
    ...system,
    setTimer(task, delayMs) {
      let cancelled = false
      const cancel = system.setTimer(() => {
        void gate.then(() => {
          if (!cancelled) task()
        })
      }, delayMs)
      return () => {
        cancelled = true
        cancel()
      }
    },
  }
  return {
    platform,
    /** @returns lets go */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
  }
}

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
    server.respond = (request, response) => {
      const isSession = request.url === '/v1/session'
      response.writeHead(isSession ? 200 : 404, { 'content-type': 'application/json' })
      const session = { user: makeId('user'), kind: 'local', scopes: ['read'], tier: 'development' }
      response.end(JSON.stringify(isSession ? session : problem('not_found', 'There is no such thread')))
    }
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

  test('[C2] a first request that is never answered is given up as a silent stream is', async () => {
    await using server = await openFakeServer()
    const system = systemPlatform(server.url)
    let isFirst = true
    // The first silence is over at once.
    const setTimer: typeof system.setTimer = (task, delayMs) => {
      const isSilence = delayMs === connectionLimits.silenceMs && isFirst
      if (isSilence) isFirst = false
      return system.setTimer(task, isSilence ? 0 : delayMs)
    }
    let requests = 0
    const { promise: never } = Promise.withResolvers<Response>()
    const hanging: typeof fetch = (...request) => {
      requests += 1
      return requests === 1 ? never : fetch(...request)
    }
    await using client = createClient({
      url: server.url,
      token,
      platform: { ...system, setTimer },
      fetch: hanging,
    })
    server.webSockets = false
    server.append(2)
    expect(await take(2, client.events(server.threadId))).toEqual([1, 2])
  })
})

describe('a server that is away', () => {
  test('is not one without WebSockets: lifecycle() waits for it, and begins when it is back', async () => {
    const before = await openFakeServer()
    await before[Symbol.asyncDispose]()
    const { platform, hold } = heldPlatform(before.url)
    const refused = Promise.withResolvers<() => void>()
    await using client = createClient({
      url: before.url,
      token,
      platform,
      // Three WebSockets have failed by now. What comes next waits for the server, and is one again.
      fetch: (...request) =>
        fetch(...request).catch((error: unknown) => {
          refused.resolve(hold())
          throw error
        }),
    })
    const following = Promise.withResolvers<void>()
    const reading = take(1, client.lifecycle({ onFollowing: following.resolve }))
    const release = await Promise.race([refused.promise, reading.then(() => () => {})])
    await using server = await openFakeServer(Number(new URL(before.url).port))
    release()
    await Promise.race([following.promise, reading])
    server.happen('thread_created')
    expect(await reading).toEqual([1])
  })
})
