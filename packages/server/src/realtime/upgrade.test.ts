import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { openTestServer, type TestServer, type TestServerOptions } from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'
import { closeOf, holdCalls, settled } from './held-calls.test-support.ts'

/** A handshake whose sender does nothing by itself: it neither answers nor closes. */
async function openLine(
  server: TestServer,
  headers: readonly string[],
  { path = '/v1/ws', after = '' } = {},
): Promise<{ socket: Socket; serverSide: Socket }> {
  const { host, port } = new URL(server.url)
  const before = new Set(server.sockets)
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
      '',
      after,
    ].join('\r\n'),
  )
  await expect.poll(() => server.sockets.size).toBe(before.size + 1)
  const [serverSide] = server.sockets.difference(before)
  if (serverSide === undefined) throw new Error('The server has no end of this line')
  return { socket, serverSide }
}
const firstLine = async (socket: Socket): Promise<string> => {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return String(chunk).split('\r\n')[0] ?? ''
}
const bearer = (server: TestServer): string => `Authorization: Bearer ${server.token}`

/** A server that has looked credentials up, and is told so when the test says so. */
async function openHeldServer(limits: TestServerOptions['limits'] = {}) {
  const authentications = holdCalls()
  const server = await openTestServer({
    limits,
    realtime: (given) => {
      const authenticate = authentications.wrap(given.authenticator.authenticate)
      return { ...given, authenticator: { ...given.authenticator, authenticate } }
    },
  })
  return { server, authentications }
}

describe('the place of a socket', () => {
  test('is free again where the line is cut while its credentials are looked up', async () => {
    const { server, authentications } = await openHeldServer()
    await using _server = server
    const { socket, serverSide } = await openLine(server, [bearer(server)])
    await authentications.held
    const closed = closeOf(serverSide)
    socket.resetAndDestroy()
    await closed
    authentications.release()
    await settled()
    expect(server.realtime.connections).toBe(0)
  })

  test('is taken before its credentials are looked up', async () => {
    const { server, authentications } = await openHeldServer({ connections: 1 })
    await using _server = server
    const first = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
    await authentications.held
    const { socket } = await openLine(server, [bearer(server)])
    expect(await firstLine(socket)).toBe('HTTP/1.1 503 Service Unavailable')
    expect(authentications.calls).toBe(1)
    authentications.release()
    first.send({ type: 'hello', instance: 'first' })
    await first.next('ready')
  })

  test('is not there: a ticket is not used up for that', async () => {
    await using server = await openTestServer({ limits: { connections: 0 } })
    const access = {
      principal: server.principal,
      scopes: ['read'],
      endsAtMs: null,
      proof: { kind: 'bearer' },
    } as const
    const { ticket } = await server.auth.tickets.create(access, null)
    const protocols = `Sec-WebSocket-Protocol: holdfast.v1, holdfast.ticket.${ticket}`
    const { socket } = await openLine(server, [protocols])
    expect(await firstLine(socket)).toBe('HTTP/1.1 503 Service Unavailable')
    expect(await server.auth.tickets.redeem(ticket, null)).toBe(true)
  })

  test('counts for its address where the credentials are not good, and not where they are', async () => {
    const { server, authentications } = await openHeldServer({ pendingPerAddress: 1, closeTimeoutMs: 60_000 })
    await using _server = server
    const good = ['a', 'b', 'c'].map((instance) => {
      const reader = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
      reader.send({ type: 'hello', instance })
      return reader
    })
    await expect.poll(() => authentications.calls).toBe(3)
    authentications.release()
    for (const reader of good) await reader.next('ready')

    const stale = [`Cookie: ${server.auth.cookies.name}=stale`, `Origin: ${server.url}`]
    // Let in to be told 4501, which it does not answer.
    const guess = await openLine(server, stale)
    expect(await firstLine(guess.socket)).toBe('HTTP/1.1 101 Switching Protocols')
    const another = await openLine(server, stale)
    expect(await firstLine(another.socket)).toBe('HTTP/1.1 429 Too Many Requests')
    guess.socket.destroy()
  })
})

describe('a refused socket', () => {
  test('is gone, though its client neither closes nor reads', async () => {
    await using server = await openTestServer()
    const { socket } = await openLine(server, [], { path: '/v1/wrong', after: 'x' })
    expect(await firstLine(socket)).toBe('HTTP/1.1 404 Not Found')
    await expect.poll(() => server.sockets.size).toBe(0)
    socket.destroy()
  })

  test('is gone though the answer never leaves', async () => {
    await using server = await openTestServer({ limits: { closeTimeoutMs: 10 } })
    const stuck = new Duplex({ read() {}, write() {} })
    const request = {
      url: '/v1/wrong',
      headers: { host: new URL(server.url).host },
      socket: { remoteAddress: '::1' },
    }
    const closed = closeOf(stuck)
    server.realtime.handleUpgrade(request as IncomingMessage, stuck, Buffer.alloc(0))
    await closed
  })
})
