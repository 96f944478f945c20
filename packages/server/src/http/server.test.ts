import { request } from 'node:http'
import {
  contract,
  EventPage,
  HoldfastError,
  Problem,
  Run,
  Session,
  Thread,
  ThreadList,
  ThreadState,
} from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { makeId, maxUploadBytes, openTestServer, type TestServer } from './test-server.test-support.ts'

type Sent = {
  method?: string
  token?: string | null
  json?: unknown
  body?: RequestInit['body']
  headers?: Record<string, string>
}

async function ask(server: TestServer, path: string, sent: Sent = {}) {
  const { method = 'GET', token = server.token, json, body, headers } = sent
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body }),
  })
  return { response, status: response.status, text: await response.text() }
}
const json = async (server: TestServer, path: string, sent?: Sent): Promise<unknown> =>
  JSON.parse((await ask(server, path, sent)).text)
const problemOf = async (server: TestServer, path: string, sent?: Sent) => {
  const { response, text } = await ask(server, path, sent)
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  const problem = Problem.parse(JSON.parse(text))
  expect(problem.status).toBe(response.status)
  return { ...problem, headers: response.headers }
}
const newThread = async (server: TestServer, title?: string) =>
  Thread.parse(await json(server, '/v1/threads', { method: 'POST', json: { title } }))
/** A table of at least one row, of about this size. */
const fileForm = (bytes = 8): FormData => {
  const form = new FormData()
  form.set('file', new Blob([Buffer.alloc(bytes, 'a,b\n1,2\n')]), 'requests.csv')
  return form
}
const newRun = async (server: TestServer, threadId: string) =>
  Run.parse(await json(server, `/v1/threads/${threadId}/runs`, { method: 'POST', json: { message: 'Why?' } }))

describe('threads', () => {
  test('are created, listed, renamed and deleted', async () => {
    await using server = await openTestServer()
    const { response, status, text } = await ask(server, '/v1/threads', {
      method: 'POST',
      json: { title: 'Costs' },
    })
    const thread = Thread.parse(JSON.parse(text))
    expect([status, response.headers.get('location')]).toEqual([201, `/v1/threads/${thread.id}`])
    const path = `/v1/threads/${thread.id}`
    expect(await json(server, path, { method: 'PATCH', json: { title: 'Money' } })).toMatchObject({
      title: 'Money',
    })
    expect(ThreadList.parse(await json(server, '/v1/threads')).items).toMatchObject([{ title: 'Money' }])
    expect((await ask(server, path, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(server, path)).status).toBe(404)
  })

  test('are created without a body too', async () => {
    await using server = await openTestServer()
    expect((await ask(server, '/v1/threads', { method: 'POST' })).status).toBe(201)
  })

  test('deleting one removes its files before its rows', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const file = (await json(server, `/v1/threads/${id}/files`, { method: 'POST', body: fileForm() })) as {
      id: string
    }
    await ask(server, `/v1/threads/${id}`, { method: 'DELETE' })
    expect((await ask(server, `/v1/files/${file.id}`)).status).toBe(404)
  })

  test('their state is a cursor, runs and files; their events come in pages', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    for (const message of ['one', 'two', 'three'])
      await ask(server, `/v1/threads/${id}/runs`, { method: 'POST', json: { message } })
    const state = ThreadState.parse(await json(server, `/v1/threads/${id}/state`))
    expect([state.seq, state.runs.length, state.epoch]).toEqual([3, 3, server.log.epoch])
    const page = EventPage.parse(await json(server, `/v1/threads/${id}/events?after=1&limit=1`))
    expect([page.head, page.items.map(({ seq }) => seq)]).toEqual([3, [2]])
  })

  test('[L6] a cursor ahead of the head or of another epoch is 409 epoch_changed', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    for (const query of ['after=1', `epoch=${makeId('epoch')}`])
      expect((await problemOf(server, `/v1/threads/${id}/events?${query}`)).code).toBe('epoch_changed')
  })
})

describe('runs', () => {
  test('are submitted once under a key: 202 and the same run again', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const sent = {
      method: 'POST',
      json: { message: 'Where does the money go?' },
      headers: { 'idempotency-key': 'k1' },
    }
    const first = await ask(server, `/v1/threads/${id}/runs`, sent)
    const run = Run.parse(JSON.parse(first.text))
    expect([first.status, first.response.headers.get('location')]).toEqual([202, `/v1/runs/${run.id}`])
    const again = await ask(server, `/v1/threads/${id}/runs`, sent)
    expect([again.status, Run.parse(JSON.parse(again.text)).id]).toEqual([202, run.id])
    const other = await problemOf(server, `/v1/threads/${id}/runs`, {
      ...sent,
      json: { message: 'Something else' },
    })
    expect(other.code).toBe('idempotency_conflict')
    expect(Run.parse(await json(server, `/v1/runs/${run.id}`)).id).toBe(run.id)
    expect((await ask(server, `/v1/runs/${run.id}/cancel`, { method: 'POST' })).status).toBe(202)
  })

  test.each(['x'.repeat(201), 'two words'])('an Idempotency-Key like %s is 400', async (key) => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const sent = { method: 'POST', json: { message: 'x' }, headers: { 'idempotency-key': key } }
    expect((await problemOf(server, `/v1/threads/${id}/runs`, sent)).detail).toContain('Idempotency-Key')
  })
})

describe('files', () => {
  test('are uploaded, listed, read and removed', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const { status, text } = await ask(server, `/v1/threads/${id}/files`, {
      method: 'POST',
      body: fileForm(1000),
    })
    const file = JSON.parse(text) as { id: string }
    expect([status, file]).toMatchObject([201, { name: 'requests.csv', bytes: 1000, threadId: id }])
    expect(await json(server, `/v1/threads/${id}/files`)).toMatchObject({ items: [{ id: file.id }] })
    expect(await json(server, `/v1/files/${file.id}`)).toMatchObject({ id: file.id })
    expect((await ask(server, `/v1/files/${file.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await json(server, `/v1/threads/${id}/files`)).toEqual({ items: [] })
  })

  test('one over the limit is 413, and the client gets to read it however much it still had to send', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const body = fileForm(40 * maxUploadBytes)
    const problem = await problemOf(server, `/v1/threads/${id}/files`, { method: 'POST', body })
    expect([problem.status, problem.code]).toEqual([413, 'payload_too_large'])
    // The server is none the worse for it.
    expect((await ask(server, `/v1/threads/${id}/files`, { method: 'POST', body: fileForm() })).status).toBe(
      201,
    )
  })

  test('a large upload by nobody is told 401', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const sent = { method: 'POST', body: fileForm(40 * maxUploadBytes), token: null }
    expect((await problemOf(server, `/v1/threads/${id}/files`, sent)).code).toBe('unauthenticated')
  })

  test('one whose client goes away leaves nothing behind and is no fault of the server', async () => {
    const logged: object[] = []
    const server = await openTestServer({ logged })
    const { id } = await newThread(server)
    const refusal = Promise.withResolvers<unknown>()
    server.onUploadEnd((error) => refusal.resolve(error))
    const sent = request(`${server.url}/v1/threads/${id}/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'multipart/form-data; boundary=b' },
    })
    sent.on('error', () => {})
    const head = 'Content-Disposition: form-data; name="file"; filename="a.csv"'
    sent.write(`--b\r\n${head}\r\n\r\na,b\n${'1,2\n'.repeat(50_000)}`, () => sent.destroy())
    expect(await refusal.promise).toBeInstanceOf(Error)
    expect(await json(server, `/v1/threads/${id}/files`)).toEqual({ items: [] })
    await server[Symbol.asyncDispose]()
    expect(logged).toEqual([])
  })

  test('a form without a file is 400, another body 415', async () => {
    await using server = await openTestServer()
    const { id } = await newThread(server)
    const form = new FormData()
    form.set('note', 'no file here')
    const path = `/v1/threads/${id}/files`
    expect((await problemOf(server, path, { method: 'POST', body: form })).code).toBe('bad_request')
    expect((await problemOf(server, path, { method: 'POST', json: {} })).code).toBe('unsupported_media_type')
  })
})

describe('artifacts', () => {
  test.each([
    ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'inline'],
    ['application/json', '{}', 'inline'],
    ['text/html', '<script>alert(1)</script>', 'attachment'],
  ])('%s is served with its own type, sandboxed, %s', async (mediaType, content, place) => {
    await using server = await openTestServer()
    const thread = await newThread(server)
    const run = await newRun(server, thread.id)
    const title = 'Kosten "Ä"\r\nx: y'
    const { id } = await server.workspace
      .thread(server.principal, thread.id)
      .createArtifact(run.id, { kind: 'chart', title, mediaType, content })
    const { response, text } = await ask(server, `/v1/artifacts/${id}`)
    expect(text).toBe(content)
    const header = (name: string): string => response.headers.get(name) ?? ''
    expect(header('content-type')).toBe(mediaType)
    expect(header('content-disposition')).toMatch(new RegExp(`^${place}; filename="Kosten  ?_ x  ?y`))
    expect(header('content-security-policy')).toContain('sandbox')
    expect(header('content-security-policy')).toContain("default-src 'none'")
    expect(header('x-content-type-options')).toBe('nosniff')
    expect((await ask(server, `/v1/artifacts/${id}`, { token: server.otherToken })).status).toBe(404)
  })
})

describe('the session', () => {
  const linkToken = (server: TestServer): string =>
    new URL(server.localMode.loginLink()).hash.slice('#token='.length)
  const fromPage = { 'sec-fetch-site': 'same-origin' }

  test('a link’s token becomes a cookie that scripts cannot read', async () => {
    await using server = await openTestServer()
    const token = linkToken(server)
    const sent = { method: 'POST', token: null, json: { token }, headers: fromPage }
    const { response, status, text } = await ask(server, '/v1/session', sent)
    expect(status).toBe(201)
    expect(Session.parse(JSON.parse(text))).toEqual({
      user: server.principal.userId,
      kind: 'local',
      scopes: ['read', 'write', 'account', 'admin'],
      tier: 'test',
    })
    const cookie = response.headers.get('set-cookie') ?? ''
    expect(cookie).toContain(`holdfast_${new URL(server.url).port}=`)
    for (const word of ['HttpOnly', 'SameSite=Lax', 'Path=/']) expect(cookie).toContain(word)
    const headers = { cookie: cookie.split(';')[0] ?? '', ...fromPage }
    expect((await ask(server, '/v1/session', { token: null, headers })).status).toBe(200)
    expect((await ask(server, '/v1/session', { ...sent })).status).toBe(401)
    expect((await ask(server, '/v1/session', { method: 'DELETE', token: null, headers })).status).toBe(204)
    expect((await ask(server, '/v1/session', { token: null, headers })).status).toBe(401)
  })

  test('another site can neither sign anybody in nor act by the cookie', async () => {
    await using server = await openTestServer()
    const crossSite = { 'sec-fetch-site': 'cross-site' }
    const signIn = { method: 'POST', token: null, json: { token: linkToken(server) } }
    expect((await problemOf(server, '/v1/session', { ...signIn, headers: crossSite })).code).toBe('forbidden')
    const value = (await server.localMode.exchange(linkToken(server)))?.secret
    const cookie = `${server.auth.cookies.name}=${value}`
    const create = (headers: Record<string, string>) =>
      ask(server, '/v1/threads', { method: 'POST', token: null, json: {}, headers: { cookie, ...headers } })
    expect((await create(crossSite)).status).toBe(403)
    // A bare cookie shows nothing of where the request comes from. (Node's fetch says cors, a browser's header.)
    expect((await create({ 'sec-fetch-site': 'same-site' })).status).toBe(403)
    expect((await create(fromPage)).status).toBe(201)
  })
})

describe('who may ask', () => {
  test('a Host that is not this machine is refused on every route (DNS rebinding)', async () => {
    await using server = await openTestServer()
    for (const path of ['/', '/health/live', '/v1/contract', '/v1/threads', '/nowhere']) {
      const { statusCode } = await server.inject({ url: path, headers: { host: 'evil.test' } })
      expect([path, statusCode]).toEqual([path, 403])
    }
  })
})

describe('errors', () => {
  test.each([
    ['an unknown route', '/v1/nothing', {}, 404, 'not_found'],
    ['an unknown file of the page', '/page/%2e%2e/server.ts', {}, 404, 'not_found'],
    ['a wrong method', '/v1/threads', { method: 'PUT' }, 405, 'method_not_allowed'],
    ['a malformed id', '/v1/threads/thr_1', {}, 400, 'bad_request'],
    ['an id of another kind', `/v1/threads/${makeId('run')}`, {}, 400, 'bad_request'],
    ['a bad field', '/v1/threads', { method: 'POST', json: { title: 7 } }, 400, 'bad_request'],
    [
      'a title that is too long',
      '/v1/threads',
      { method: 'POST', json: { title: 'x'.repeat(201) } },
      400,
      'bad_request',
    ],
    [
      'a body that is not JSON',
      '/v1/threads',
      { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
      400,
      'bad_request',
    ],
    [
      'a body of another type',
      '/v1/threads',
      { method: 'POST', body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported_media_type',
    ],
    [
      'a body over limits.jsonBodyBytes',
      '/v1/threads',
      { method: 'POST', json: { title: 'x'.repeat(256 * 1024) } },
      413,
      'payload_too_large',
    ],
  ] as const)('%s', async (_name, path, sent, status, code) => {
    await using server = await openTestServer()
    expect(await problemOf(server, path, sent as Sent)).toMatchObject({ status, code })
  })

  test('a wrong method says which are right', async () => {
    await using server = await openTestServer()
    const { headers } = await problemOf(server, `/v1/threads/${makeId('thread')}`, { method: 'PUT' })
    expect(headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE')
  })

  test('a fault of the server is logged whole and told as nothing but a fault', async () => {
    const logged: object[] = []
    await using server = await openTestServer({
      logged,
      deps: {
        dependencies: async () => {
          throw new Error('password=hunter2 at /srv/secret')
        },
      },
    })
    const { text, status } = await ask(server, '/health/ready')
    expect(status).toBe(500)
    expect(text).not.toMatch(/hunter2|secret|stack/)
    expect(String((logged[0] as { err?: unknown }).err)).toContain('hunter2')
  })

  test('a HoldfastError of code internal keeps its message to itself too', async () => {
    const dependencies = (): never => {
      throw new HoldfastError('internal', 'Lease 7 was taken over')
    }
    await using server = await openTestServer({ deps: { dependencies } })
    expect((await problemOf(server, '/health/ready')).detail).not.toContain('Lease')
  })
})

describe('outside /v1', () => {
  test('readiness names what is missing and says when to ask again; liveness does not care', async () => {
    const dependencies = async () => [
      { name: 'store', ready: false },
      { name: 'bus', ready: true },
    ]
    await using server = await openTestServer({ deps: { dependencies } })
    const problem = await problemOf(server, '/health/ready')
    expect([problem.status, problem.headers.get('retry-after')]).toEqual([503, '1'])
    expect(problem.detail).toContain('store')
    expect(problem.detail).not.toContain('bus')
    expect((await ask(server, '/health/live')).status).toBe(200)
  })

  test('version and contract are open', async () => {
    await using server = await openTestServer()
    expect(await json(server, '/version', { token: null })).toMatchObject({ version: '0.0.0-test' })
    expect(await json(server, '/v1/contract', { token: null })).toEqual(
      JSON.parse(JSON.stringify(contract())),
    )
  })
})
