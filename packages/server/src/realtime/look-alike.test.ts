import {
  createIdMaker,
  FileInfo,
  type Run,
  Thread,
  type ThreadId,
  threadStream,
  type UserId,
} from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { makeId, openTestServer, type TestServer } from '../http/test-server.test-support.ts'
import { readFrames } from './frame-reader.test-support.ts'

const rounds = 100
const eventsEach = 5
/** A file is looked at by a process of its own: not in each round. */
const roundsPerFile = 10

interface Streaming {
  readonly mark: string
  readonly token: string
  readonly userId: UserId
}

/** Two whose ids differ in the last character. */
async function twins(server: TestServer): Promise<readonly [Streaming, Streaming]> {
  const nowMs = Date.now()
  const make = createIdMaker(
    () => nowMs,
    (bytes) => {
      crypto.getRandomValues(bytes)
      // Even: the next id is one more, and nothing is carried over the last character.
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0xfe
    },
  )
  const open = async (mark: string): Promise<Streaming> => {
    const userId = make('user')
    await server.store.db
      .insertInto('users')
      .values({
        id: userId,
        issuer: 'https://id.test',
        subject: userId,
        kind: 'user',
        name: null,
        disabled_at: null,
      })
      .execute()
    const token = { name: mark, scopes: ['read', 'write'], days: 1 } as const
    const { text } = await server.auth.tokens.create({ kind: 'user', userId }, token)
    return { mark, token: text, userId }
  }
  return [await open('ann'), await open('bob')]
}

const ask = async (server: TestServer, who: Streaming, method: string, path: string, body?: object) => {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${who.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text() }
}

async function upload(
  server: TestServer,
  who: Streaming,
  threadId: ThreadId,
  round: number,
): Promise<FileInfo> {
  const form = new FormData()
  form.set('file', new Blob([`who,round\n${who.mark},${round}\n`]), 'who.csv')
  const uploaded = await fetch(`${server.url}/v1/threads/${threadId}/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who.token}` },
    body: form,
  })
  return FileInfo.parse(await uploaded.json())
}

test(`[P1] ${rounds} × two users with look-alike ids, streaming at once: no foreign event, file or artifact`, async () => {
  // On a fast machine a hundred rounds are more commands a second than one connection may send. On a busy one both
  // ends, which share a process, are late with a pong.
  const limits = { commandsPerConnection: 4 * rounds, pongWithinMs: 120_000 }
  await using server = await openTestServer({ limits })
  const users = await twins(server)
  expect(users[0].userId.slice(0, -1)).toBe(users[1].userId.slice(0, -1))
  const readers = users.map(({ token }) =>
    readFrames(server.url, { headers: { authorization: `Bearer ${token}` } }),
  )
  for (const reader of readers) {
    reader.send({ type: 'hello', instance: 'x' })
    await reader.next('ready')
  }
  let events = 0
  let refused = 0
  for (let round = 0; round < rounds; round += 1) {
    const threads = await Promise.all(
      users.map(async (user) =>
        Thread.parse(JSON.parse((await ask(server, user, 'POST', '/v1/threads', { title: user.mark })).text)),
      ),
    )
    const play = async (index: number): Promise<void> => {
      const [user, reader, own, foreign] = [users[index], readers[index], threads[index], threads[1 - index]]
      if (user === undefined || reader === undefined || own === undefined || foreign === undefined)
        throw new Error('There are two of each')
      const run: Pick<Run, 'id' | 'agent'> = { id: makeId('run'), agent: 'test' }
      const principal = { kind: 'user', userId: user.userId } as const
      const artifact = await server.workspace
        .thread(principal, own.id)
        .createArtifact(run.id, { kind: 'table', title: 't', mediaType: 'text/plain', content: user.mark })
      const files = round % roundsPerFile === 0 ? [await upload(server, user, own.id, round)] : []
      reader.send({ type: 'sub', stream: threadStream(own.id), after: 'start' })
      reader.send({ type: 'sub', stream: threadStream(foreign.id), after: 'start' })
      for (let step = 1; step <= eventsEach; step += 1)
        await server.append(own.id, run, {
          type: 'agent_thinking',
          data: { step, text: `${user.mark} ${round}` },
        })
      for (let seen = 0, told = false; seen < eventsEach || !told; ) {
        const frame = await reader.any()
        if (frame.type === 'sub_err') {
          expect([frame.stream, frame.code]).toEqual([threadStream(foreign.id), 'not_found'])
          told = true
          refused += 1
        }
        if (frame.type !== 'ev') continue
        for (const event of frame.items) {
          expect(event.threadId).toBe(own.id)
          if (event.type === 'agent_thinking') expect(event.data.text).toBe(`${user.mark} ${round}`)
          seen += 1
          events += 1
        }
      }
      const other = users[1 - index] ?? user
      expect((await ask(server, user, 'GET', `/v1/artifacts/${artifact.id}`)).text).toBe(user.mark)
      const listed = await ask(server, user, 'GET', `/v1/threads/${own.id}/files`)
      expect(JSON.parse(listed.text)).toEqual({ items: files })
      const ofFiles = files.flatMap(({ id }) => [`files/${id}`, `files/${id}/profile`, `files/${id}/rows`])
      for (const path of [
        `artifacts/${artifact.id}`,
        `threads/${own.id}`,
        `threads/${own.id}/files`,
        ...ofFiles,
      ])
        expect([path, (await ask(server, other, 'GET', `/v1/${path}`)).status]).toEqual([path, 404])
    }
    await Promise.all([play(0), play(1)])
  }
  expect([events, refused]).toEqual([2 * rounds * eventsEach, 2 * rounds])
})
