/**
 * Every route × everybody who may turn up. A route that stands in no row fails the test: whoever adds one says here
 * who may use it.
 */
import { CreatedToken, FileInfo, Problem, Run, Thread } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { createIdentityProvider } from '../auth/identity-provider.ts'
import { systemRandom } from '../auth/secrets.ts'
import { createSignIn } from '../auth/sign-in.ts'
import { openPeople, type Person, people } from './people.test-support.ts'
import { openTestServer, type TestServer } from './test-server.test-support.ts'

/** What a row needs of the owner's. */
type World = Readonly<Record<'thread' | 'run' | 'file' | 'artifact' | 'token', string>>

interface Row {
  readonly route: string
  /** `:id` of the route. */
  readonly of?: keyof World
  readonly body?: object | 'file'
  readonly expected: Readonly<Record<Person, number>>
}

const noOne = { expired: 401, revoked: 401, anonymous: 401 }
/** Refused where it changes something; a page elsewhere may ask for what it then cannot read (no CORS header). */
const fromElsewhere = (route: string, status: number): number => (route.startsWith('GET ') ? status : 403)

/** Something of the owner: for others it is not there (P1). */
function own(route: string, of: keyof World, status: number, body?: Row['body']): Row {
  const expected = {
    ...noOne,
    owner: status,
    other: 404,
    simulated: 404,
    'wrong origin': fromElsewhere(route, status),
  }
  return { route, of, expected, ...(body === undefined ? {} : { body }) }
}

/** Everybody's own, under one address. */
function each(
  route: string,
  status: number,
  more: Partial<Pick<Row, 'body'>> & { simulated?: number } = {},
): Row {
  const { simulated = status, ...rest } = more
  const expected = {
    ...noOne,
    owner: status,
    other: status,
    simulated,
    'wrong origin': fromElsewhere(route, status),
  }
  return { route, expected, ...rest }
}

/** The same for everybody, known or not. */
function open(route: string, status: number, body?: object, elsewhere = status): Row {
  const expected = Object.fromEntries(people.map((person) => [person, status])) as Record<Person, number>
  return {
    route,
    expected: { ...expected, 'wrong origin': elsewhere },
    ...(body === undefined ? {} : { body }),
  }
}

const rows: readonly Row[] = [
  each('GET /v1/threads', 200),
  each('POST /v1/threads', 201, { body: {} }),
  own('GET /v1/threads/:id', 'thread', 200),
  own('PATCH /v1/threads/:id', 'thread', 200, { title: 'x' }),
  own('GET /v1/threads/:id/state', 'thread', 200),
  own('GET /v1/threads/:id/events', 'thread', 200),
  own('POST /v1/threads/:id/runs', 'thread', 202, { message: 'x' }),
  own('GET /v1/threads/:id/requests', 'thread', 200),
  // Nothing was asked for in it.
  own('GET /v1/threads/:id/template', 'thread', 404),
  own('GET /v1/threads/:id/files', 'thread', 200),
  own('POST /v1/threads/:id/files', 'thread', 201, 'file'),
  own('DELETE /v1/threads/:id', 'thread', 204),
  own('GET /v1/runs/:id', 'run', 200),
  own('POST /v1/runs/:id/cancel', 'run', 202, {}),
  own('GET /v1/files/:id', 'file', 200),
  own('GET /v1/files/:id/profile', 'file', 200),
  own('GET /v1/files/:id/rows', 'file', 200),
  own('DELETE /v1/files/:id', 'file', 204),
  own('GET /v1/artifacts/:id', 'artifact', 200),
  // It is no report.
  own('GET /v1/artifacts/:id/export', 'artifact', 400),
  each('GET /v1/agents', 200),
  each('GET /v1/session', 200),
  each('DELETE /v1/session', 204),
  each('DELETE /v1/sessions', 204),
  each('GET /v1/tokens', 200),
  each('POST /v1/tokens', 201, { body: { name: 'x' }, simulated: 403 }),
  own('DELETE /v1/tokens/:id', 'token', 204),
  each('GET /v1/account/export', 200),
  each('DELETE /v1/account', 204),
  // The owner is the one user of local mode, who runs the server.
  {
    route: 'GET /v1/operations',
    expected: { ...noOne, owner: 200, other: 403, simulated: 403, 'wrong origin': 200 },
  },
  each('POST /v1/ws-tickets', 201, { body: {} }),
  open('POST /v1/session', 401, { token: 'guess' }, 403),
  open('GET /v1/contract', 200),
  // A signature lets in, and nothing else that anybody has.
  open('POST /auth/e2e/session', 401, { persona: 'alice', run: 'r', mode: 'cookie' }),
  open('DELETE /auth/e2e/runs/:run', 401),
  open('GET /health/live', 200),
  open('GET /health/ready', 200),
  open('GET /version', 200),
  open('GET /login', 200),
  // Of the provider, which is away here: sign-in.test.ts has it there.
  open('GET /auth/login', 503),
  // Whoever is signed in already, in another tab, is led on.
  {
    route: 'GET /auth/callback',
    expected: {
      ...open('', 400).expected,
      ...{ owner: 303, other: 303, simulated: 303, 'wrong origin': 303 },
    },
  },
]

/** Some four hundred requests, a third of them with a user and a file made for them. */
const patienceMs = 120_000

const away = new URL('http://127.0.0.1:9')

async function openWorld(): Promise<TestServer & { fresh(): Promise<World> }> {
  const server = await openTestServer()
  const provider = createIdentityProvider({
    issuer: away,
    clientId: 'x',
    clientSecret: null,
    scopes: 'openid',
    callbackUrl: new URL('/auth/callback', server.url),
    allowHttp: true,
  })
  await server[Symbol.asyncDispose]()
  const signIn = createSignIn({ provider, ...server.auth, now: Date.now, random: systemRandom })
  const second = await openTestServer({ deps: { signIn } })
  const headers = { authorization: `Bearer ${second.token}` }
  const post = async (
    path: string,
    body: NonNullable<RequestInit['body']>,
    type?: string,
  ): Promise<unknown> => {
    const sent = type === undefined ? headers : { ...headers, 'content-type': type }
    const response = await fetch(`${second.url}${path}`, { method: 'POST', headers: sent, body })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return response.json()
  }
  const json = (path: string, body: object) => post(path, JSON.stringify(body), 'application/json')
  return {
    ...second,
    async fresh() {
      const thread = Thread.parse(await json('/v1/threads', {}))
      const run = Run.parse(await json(`/v1/threads/${thread.id}/runs`, { message: 'Why?' }))
      const file = FileInfo.parse(await post(`/v1/threads/${thread.id}/files`, form()))
      const token = CreatedToken.parse(await json('/v1/tokens', { name: 'x' }))
      const artifact = await second.workspace
        .thread(second.principal, thread.id)
        .createArtifact(run.id, { kind: 'table', title: 't', mediaType: 'text/plain', content: 'x' })
      return { thread: thread.id, run: run.id, file: file.id, artifact: artifact.id, token: token.id }
    },
  }
}

function form(): FormData {
  const made = new FormData()
  made.set('file', new Blob(['a,b\n1,2\n']), 'requests.csv')
  return made
}

test(
  '[P1] every route × everybody who may turn up',
  async () => {
    await using server = await openWorld()
    const shows = openPeople(server)
    const found: string[] = []
    const wanted: string[] = []
    for (const { route, of, body, expected } of rows) {
      const [method = '', pattern = ''] = route.split(' ')
      const world = await server.fresh()
      // The owner comes last: what they delete was there for the others.
      for (const person of [...people].sort((a, b) => Number(a === 'owner') - Number(b === 'owner'))) {
        // A cookie of the owner's from a page elsewhere does what the owner's own does, where it is let.
        const id = person === 'wrong origin' && expected['wrong origin'] < 300 ? await server.fresh() : world
        const response = await fetch(
          `${server.url}${pattern.replace(':id', of === undefined ? '' : id[of])}`,
          {
            method,
            redirect: 'manual',
            headers: {
              ...(await shows(person)),
              ...(body === undefined || body === 'file' ? {} : { 'content-type': 'application/json' }),
            },
            ...(body === undefined ? {} : { body: body === 'file' ? form() : JSON.stringify(body) }),
          },
        )
        const text = await response.text()
        found.push(`${route} · ${person}: ${response.status}`)
        wanted.push(`${route} · ${person}: ${expected[person]}`)
        expect(response.headers.get('access-control-allow-origin')).toBeNull()
        if (response.status === 404) {
          // The answer to a foreign id is the answer to one that nobody has, but for the id in it.
          const { detail } = Problem.parse(JSON.parse(text))
          expect(detail).not.toContain(server.principal.userId)
        }
      }
    }
    expect(found).toEqual(wanted)
  },
  patienceMs,
)

test('every route stands in the matrix, and every row is a route', async () => {
  await using local = await openTestServer()
  await using provided = await openWorld()
  const isPage = (route: string): boolean =>
    /^GET \/(page\/.*|threads\/:id|settings|operations)?$/.test(route)
  const routes = new Set([...local.routes, ...provided.routes])
  const judged = [...routes].filter((route) => !route.startsWith('HEAD ') && !isPage(route))
  expect(judged.sort()).toEqual(rows.map(({ route }) => route).sort())
  // HEAD is GET without its body, by the framework.
  for (const route of routes)
    if (route.startsWith('HEAD ')) expect(routes).toContain(route.replace('HEAD', 'GET'))
})

test('[P1] a guessed cursor or idempotency key of another is worth nothing', async () => {
  await using server = await openWorld()
  const shows = openPeople(server)
  const { thread } = await server.fresh()
  const headers = await shows('other')
  const list = await fetch(`${server.url}/v1/threads?cursor=${thread}`, { headers })
  expect(await list.json()).toEqual({ items: [], next: null })
  const submit = async (token: string, into: string): Promise<Response> =>
    fetch(`${server.url}/v1/threads/${into}/runs`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'guessable',
      },
      body: JSON.stringify({ message: 'mine' }),
    })
  const mine = Run.parse(await (await submit(server.token, thread)).json())
  // In the owner's thread the other finds nothing; in their own the key is one of their own.
  expect((await submit(server.otherToken, thread)).status).toBe(404)
  const made = await fetch(`${server.url}/v1/threads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.otherToken}`, 'content-type': 'application/json' },
    body: '{}',
  })
  const theirs = Run.parse(await (await submit(server.otherToken, Thread.parse(await made.json()).id)).json())
  expect(theirs.id).not.toBe(mine.id)
})
