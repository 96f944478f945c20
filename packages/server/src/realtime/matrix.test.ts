/** Every frame a client may send × everybody who may turn up, as http/matrix.test.ts has it for routes. */
import { clientFrames, threadStream } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { openPeople, type Person, people } from '../http/people.test-support.ts'
import { openTestServer, type TestServer } from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'

type Frame = keyof typeof clientFrames

const neverIn = {
  expired: 'closed 4501',
  revoked: 'closed 4501',
  anonymous: 'closed 4501',
  'wrong origin': 'refused 403',
}

/** What comes of each frame about the owner's thread. `nothing`: no answer, and the connection goes on. */
const expected: Readonly<Record<Frame, Readonly<Record<Person, string>>>> = {
  hello: { ...neverIn, owner: 'ready', other: 'ready', simulated: 'ready' },
  sub: { ...neverIn, owner: 'sub_ok', other: 'sub_err not_found', simulated: 'sub_err not_found' },
  unsub: { ...neverIn, owner: 'nothing', other: 'nothing', simulated: 'nothing' },
  // Of a stream that is not followed (any more) it says nothing, whoever's it is.
  ack: { ...neverIn, owner: 'nothing', other: 'nothing', simulated: 'nothing' },
  // With the owner's token: only the owner renews by it.
  auth: { ...neverIn, owner: 'nothing', other: 'closed 4503', simulated: 'closed 4503' },
  pong: { ...neverIn, owner: 'nothing', other: 'nothing', simulated: 'nothing' },
}

async function outcome(
  server: TestServer,
  headers: Record<string, string>,
  frame: object | null,
): Promise<string> {
  const reader = readFrames(server.url, { headers })
  const status = Promise.withResolvers<string>()
  reader.socket.on('unexpected-response', (_request, response) => {
    status.resolve(`refused ${response.statusCode}`)
    response.resume()
  })
  const closed = reader.closed.then(({ code }) => `closed ${code}`)
  const next = async (): Promise<string> => {
    const heard = await reader.any()
    if (heard.type === 'sub_ok' && heard.stream === 'user/me') return 'nothing'
    return 'code' in heard ? `${heard.type} ${heard.code}` : heard.type
  }
  const answer = async (): Promise<string> => {
    reader.send({ type: 'hello', instance: crypto.randomUUID() })
    const first = await next()
    if (frame === null || first !== 'ready') return first
    reader.send(frame)
    // An answer to this one, and none before it, says that the frame had none.
    reader.send({ type: 'sub', stream: 'user/me', after: 'head' })
    return next()
  }
  const answered = answer().catch(() => closed)
  const result = await Promise.race([status.promise, answered])
  reader.socket.terminate()
  return result
}

describe('[P1] every frame × everybody who may turn up', () => {
  test.each(Object.keys(clientFrames) as Frame[])('%s', async (type) => {
    await using server = await openTestServer()
    const shows = openPeople(server)
    const { id } = await server.threads.create(server.principal)
    const stream = threadStream(id)
    const frames: Readonly<Record<Frame, object | null>> = {
      hello: null,
      sub: { type: 'sub', stream, after: 'start' },
      unsub: { type: 'unsub', stream },
      ack: { type: 'ack', stream, seq: 0 },
      auth: { type: 'auth', auth: server.token },
      pong: { type: 'pong', n: 1 },
    }
    const found: Partial<Record<Person, string>> = {}
    for (const person of people) found[person] = await outcome(server, await shows(person), frames[type])
    expect(found).toEqual(expected[type])
  })
})

describe('credentials in a frame', () => {
  test.each(['expired', 'revoked'] as const)('auth with a token that is %s ends the session', async (how) => {
    await using server = await openTestServer()
    const token = { name: 'x', scopes: ['read'], days: 1 } as const
    const { info, text } = await server.auth.tokens.create(server.principal, token)
    if (how === 'revoked') await server.auth.tokens.revoke(server.principal, info.id)
    else
      await server.store.db
        .updateTable('tokens')
        .set({ expires_at: new Date(0) })
        .where('id', '=', info.id)
        .execute()
    const reader = readFrames(server.url, { headers: { authorization: `Bearer ${server.token}` } })
    reader.send({ type: 'hello', instance: 'a' })
    await reader.next('ready')
    reader.send({ type: 'auth', auth: text })
    expect((await reader.closed).code).toBe(4501)
    const said = readFrames(server.url)
    said.send({ type: 'hello', instance: 'b', auth: text })
    expect((await said.closed).code).toBe(4501)
  })
})
