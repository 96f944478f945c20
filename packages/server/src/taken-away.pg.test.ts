import { CreatedToken, Thread } from '@holdfast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { openNode } from './compose.test-support.ts'
import type { RunningServer } from './compose.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { startTestPostgres } from './store/testing/postgres.ts'

const postgres = await startTestPostgres()

/** What is promised (docs/security.md V7.4). */
const withinMs = 2_000

// Two whole servers each time.
vi.setConfig({ testTimeout: 120_000 })

type Headers = Record<string, string>

interface Credential {
  readonly id: string
  /** As a request to this node shows it. */
  headers(node: RunningServer): Headers
}

async function ask(node: RunningServer, method: string, path: string, headers: Headers, body?: object) {
  const response = await fetch(`${node.url}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response
}

const byLocalToken = (node: RunningServer): Headers => ({ authorization: `Bearer ${node.local?.token}` })

async function makeToken(node: RunningServer): Promise<Credential> {
  const made = await ask(node, 'POST', '/v1/tokens', byLocalToken(node), { name: 'program' })
  const { id, token } = CreatedToken.parse(await made.json())
  return { id, headers: () => ({ authorization: `Bearer ${token}` }) }
}

/** A browser's session, by a link. Its cookie has a name of its own on each node, and the same secret. */
async function signIn(node: RunningServer): Promise<Credential> {
  const token = new URL(node.local?.loginLink() ?? '').hash.slice('#token='.length)
  const made = await ask(node, 'POST', '/v1/session', {}, { token })
  const [cookie = ''] = made.headers.getSetCookie()
  const secret = /=([\w-]{43});/.exec(cookie)?.[1] ?? ''
  return {
    id: secret.slice(0, 8),
    headers: ({ url }) => ({
      cookie: `holdfast_${new URL(url).port}=${secret}`,
      origin: url,
    }),
  }
}

const ways = {
  'a token that is revoked': {
    make: makeToken,
    stays: makeToken,
    end: (node: RunningServer, { id }: Credential) =>
      ask(node, 'DELETE', `/v1/tokens/${id}`, byLocalToken(node)),
  },
  'a session that signs out': {
    make: signIn,
    stays: signIn,
    end: (node: RunningServer, { headers }: Credential) => ask(node, 'DELETE', '/v1/session', headers(node)),
  },
  'all sessions, which one of them signs out': {
    make: signIn,
    stays: makeToken,
    end: async (node: RunningServer) =>
      ask(node, 'DELETE', '/v1/sessions', (await signIn(node)).headers(node)),
  },
} as const

describe.skipIf(!postgres.available)(
  `what is taken away on one node, on real PostgreSQL${postgres.note}`,
  () => {
    // In-process: no node hears another, so that what is seen is what the store alone does.
    describe.each(['postgres', 'in-process'])('with the bus %s', (bus) => {
      test.each(Object.entries(ways))(
        '%s: 401 at once and off each socket and event stream of the other within 2 s',
        async (_name, way) => {
          await using database = await postgres.createDatabase()
          const environment = { HOLDFAST_DATABASE_URL: database.connectionString, HOLDFAST_BUS: bus }
          await using one = await openNode(environment)
          await using two = await openNode(environment)
          const thread = Thread.parse(
            await (await ask(one, 'POST', '/v1/threads', byLocalToken(one), {})).json(),
          )
          const [goes, stays] = [await way.make(one), await way.stays(one)]
          const follow = async (credential: Credential) => {
            const headers = credential.headers(two)
            const reader = readFrames(two.url, { headers })
            reader.send({ type: 'hello', instance: credential.id })
            await reader.next('ready')
            const events = await ask(two, 'GET', `/v1/threads/${thread.id}/events`, {
              ...headers,
              accept: 'text/event-stream',
            })
            const ended = events.text().catch((error: unknown) => String(error))
            return { reader, ended }
          }
          const [gone, other] = [await follow(goes), await follow(stays)]
          let otherEnded = false
          void other.ended.then(() => {
            otherEnded = true
          })

          const began = performance.now()
          await way.end(one, goes)
          const statuses = await Promise.all(
            [one, two].map(
              async (node) => (await fetch(`${node.url}/v1/session`, { headers: goes.headers(node) })).status,
            ),
          )
          const [{ code }] = await Promise.all([gone.reader.closed, gone.ended])
          const tookMs = performance.now() - began
          expect([statuses, code]).toEqual([[401, 401], 4503])
          expect(tookMs).toBeLessThan(withinMs)
          expect([other.reader.socket.readyState, otherEnded]).toEqual([WebSocket.OPEN, false])
        },
      )
    })
  },
)
