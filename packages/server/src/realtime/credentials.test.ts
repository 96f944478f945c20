import { WsTicket } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { openTestServer, type TestServer } from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'
import { holdCalls, settled } from './held-calls.test-support.ts'

const hello = { type: 'hello', instance: 'tab' }

async function signedIn(server: TestServer) {
  const { userId } = server.principal
  const session = await server.auth.sessions.open(userId)
  const cookie = `${server.auth.cookies.name}=${session.secret}`
  const askTicket = async (headers: Record<string, string>): Promise<string> => {
    const { statusCode, body } = await server.inject({
      method: 'POST',
      url: '/v1/ws-tickets',
      headers: { 'content-type': 'application/json', host: new URL(server.url).host, ...headers },
      payload: '{}',
    })
    if (statusCode !== 201) throw new Error(`${statusCode} ${body}`)
    return WsTicket.parse(JSON.parse(body)).ticket
  }
  return { session, cookie, askTicket }
}
const offering = (ticket: string): string[] => ['holdfast.v1', `holdfast.ticket.${ticket}`]

describe('a ticket', () => {
  test('opens one WebSocket of the origin that asked for it, and is not echoed', async () => {
    await using server = await openTestServer()
    const { cookie, askTicket } = await signedIn(server)
    const origin = server.url
    const ticket = await askTicket({ cookie, origin })
    const reader = readFrames(server.url, { protocols: offering(ticket), headers: { origin } })
    reader.send(hello)
    expect((await reader.next('ready')).user).toBe(server.principal.userId)
    expect(reader.socket.protocol).toBe('holdfast.v1')
    // A second time, even beside a good cookie: it was asked for on purpose and does not fall back.
    const again = readFrames(server.url, { protocols: offering(ticket), headers: { origin, cookie } })
    expect((await again.closed).code).toBe(4501)
    const elsewhere = await askTicket({ cookie, origin })
    const [program] = [readFrames(server.url, { protocols: offering(elsewhere) })]
    expect((await program.closed).code).toBe(1006)
  })

  test('goes with the session that asked for it: 4503', async () => {
    await using server = await openTestServer()
    const { session, cookie, askTicket } = await signedIn(server)
    const ticket = await askTicket({ cookie, 'sec-fetch-site': 'same-origin' })
    const reader = readFrames(server.url, { protocols: offering(ticket) })
    reader.send(hello)
    await reader.next('ready')
    await server.auth.sessions.end(session.secret)
    expect(await reader.closed).toEqual({ code: 4503, reason: '{"r":"revoked"}' })
  })

  test('of a token ends with the token', async () => {
    await using server = await openTestServer()
    const { askTicket } = await signedIn(server)
    const token = { name: 'program', scopes: ['read'], days: 90 } as const
    const { info, text } = await server.auth.tokens.create(server.principal, token)
    const ticket = await askTicket({ authorization: `Bearer ${text}` })
    const reader = readFrames(server.url, { protocols: offering(ticket) })
    reader.send(hello)
    expect((await reader.next('ready')).authExpiresAt).toBe(info.expiresAt.toISOString())
    await server.auth.tokens.revoke(server.principal, info.id)
    expect((await reader.closed).code).toBe(4503)
  })
})

describe('a personal token', () => {
  const make = async (server: TestServer) =>
    server.auth.tokens.create(server.principal, { name: 'program', scopes: ['read'], days: 90 })

  test('that is good for ninety days does not expire at once', async () => {
    await using server = await openTestServer()
    const { text } = await make(server)
    const reader = readFrames(server.url, { headers: { authorization: `Bearer ${text}` } })
    reader.send(hello)
    await reader.next('ready')
    reader.send({ type: 'sub', stream: 'user/me', after: 'head' })
    expect((await reader.next('sub_ok')).stream).toBe('user/me')
  })

  test('that is revoked between the handshake and hello opens nothing', async () => {
    await using server = await openTestServer()
    const { info, text } = await make(server)
    const reader = readFrames(server.url, { headers: { authorization: `Bearer ${text}` } })
    await new Promise((resolve) => reader.socket.once('open', resolve))
    await server.auth.tokens.revoke(server.principal, info.id)
    reader.send(hello)
    expect((await reader.closed).code).toBe(4501)
  })

  test('that is revoked ends what is open, also server-sent events', async () => {
    await using server = await openTestServer()
    const { info, text } = await make(server)
    const headers = { authorization: `Bearer ${text}` }
    const { id } = await server.threads.create(server.principal)
    const reader = readFrames(server.url, { headers })
    reader.send(hello)
    await reader.next('ready')
    const events = await fetch(`${server.url}/v1/threads/${id}/events`, {
      headers: { accept: 'text/event-stream', ...headers },
    })
    const ended = events.text()
    await server.auth.tokens.revoke(server.principal, info.id)
    expect((await reader.closed).code).toBe(4503)
    expect(await ended).toContain('retry: ')
  })

  test('reads where it may read, and writes and changes the account nowhere', async () => {
    await using server = await openTestServer()
    const { info, text } = await make(server)
    const ask = async (method: string, path: string, body?: object): Promise<number> => {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${text}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      await response.arrayBuffer()
      return response.status
    }
    expect(await ask('GET', '/v1/threads')).toBe(200)
    expect(await ask('POST', '/v1/threads', {})).toBe(403)
    expect(await ask('GET', '/v1/tokens')).toBe(403)
    expect(await ask('POST', '/v1/tokens', { name: 'more' })).toBe(403)
    expect(await ask('DELETE', `/v1/tokens/${info.id}`)).toBe(403)
    expect(await ask('DELETE', '/v1/sessions')).toBe(403)
    expect(await ask('POST', '/v1/ws-tickets', {})).toBe(201)
  })
})

describe('a revocation', () => {
  test('that comes while hello is judged opens nothing, not for a moment', async () => {
    const authentications = holdCalls()
    await using server = await openTestServer({
      realtime: (given) => ({
        ...given,
        authenticator: {
          ...given.authenticator,
          authenticate: authentications.wrap(given.authenticator.authenticate),
        },
      }),
    })
    const token = { name: 'program', scopes: ['read'], days: 90 } as const
    const { info, text } = await server.auth.tokens.create(server.principal, token)
    const reader = readFrames(server.url)
    reader.send({ ...hello, auth: text, subs: [{ stream: 'user/me', after: 'start' }] })
    await authentications.held
    await server.auth.tokens.revoke(server.principal, info.id)
    await settled()
    authentications.release()
    // Had it been greeted, that would have come first, and 4503.
    expect((await reader.closed).code).toBe(4501)
  })

  test('is one question more, however many come while it is asked', async () => {
    let lookUps = holdCalls()
    let asking = 0
    await using server = await openTestServer({
      realtime: (given) => ({
        ...given,
        authenticator: {
          ...given.authenticator,
          async authenticate(shown) {
            asking += 1
            const access = await lookUps.wrap(given.authenticator.authenticate)(shown)
            asking -= 1
            return access
          },
        },
      }),
    })
    const { id } = await server.threads.create(server.principal)
    const headers = { authorization: `Bearer ${server.token}` }
    lookUps.release()
    const reader = readFrames(server.url, { headers })
    reader.send(hello)
    await reader.next('ready')
    const events = await fetch(`${server.url}/v1/threads/${id}/events`, {
      headers: { accept: 'text/event-stream', ...headers },
    })
    // The stream asks once at its beginning.
    await expect.poll(() => asking).toBe(0)
    lookUps = holdCalls()
    for (let count = 0; count < 10; count += 1) server.realtime.revoked(server.principal.userId)
    await lookUps.held
    // One of the WebSocket and one of the stream.
    expect(lookUps.calls).toBe(2)
    lookUps.release()
    await expect.poll(() => lookUps.calls).toBe(4)
    await settled()
    expect(lookUps.calls).toBe(4)
    await events.body?.cancel()
  })
})
