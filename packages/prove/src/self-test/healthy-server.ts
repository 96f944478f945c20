import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  CreateThread,
  HoldfastError,
  limits,
  nodeHeader,
  problem,
  SubmitRun,
  type UserId,
} from '@holdfast/protocol'
import { e2eLimits, macOf, newSimulationKey } from '@holdfast/protocol/e2e'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { serveSocket } from './healthy-socket.ts'
import {
  carry,
  contractHash,
  contractText,
  createThread,
  runOf,
  submit,
  threadOf,
  type World,
} from './world.ts'

export const simulation = { key: newSimulationKey(), host: 'self-test.invalid' } as const

export interface HealthyServer {
  readonly url: string
  readonly port: number
  /** As at SIGTERM: sockets leave with 1012, runs are given back. */
  drain(): Promise<void>
  /** As at kill -9: nothing is said to anybody. */
  kill(): Promise<void>
}

/** A small and correct Holdfast: what every fault of the self-test is put before. */
export async function openHealthyServer(world: World, port = 0): Promise<HealthyServer> {
  let stopped = false
  const sockets = new Set<Duplex>()
  // By chance, as behind a balancer: turn by turn, those that come back would always meet the same one. Mostly another
  // than the last, so that out of many who come back somebody meets another one, whenever a proof is made.
  let last = world.nodes[0] ?? ''
  const node = (): string => {
    if (Math.random() < 0.25) return last
    const others = world.nodes.filter((one) => one !== last)
    last = others[Math.floor(Math.random() * others.length)] ?? last
    return last
  }
  const start = (id: string): void => {
    const kept = world.runs.get(id)
    if (kept !== undefined) void carry(world, kept, () => stopped)
  }
  const server: Server = createServer((request, response) => {
    response.setHeader(nodeHeader, world.nodes[0] ?? '')
    void answer(world, request, response, start)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const wss = new WebSocketServer({ noServer: true, maxPayload: limits.frameBytes, perMessageDeflate: false })
  const drains = new Set<() => void>()
  server.on('upgrade', (request, socket, head) => {
    const refuse = (code: 'forbidden' | 'unauthenticated' | 'not_found'): void => {
      const body = JSON.stringify(problem(code, 'Refused'))
      socket.end(
        `HTTP/1.1 ${problem(code, '').status} Refused\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    }
    socket.on('error', () => socket.destroy())
    if (request.url?.split('?')[0] !== '/v1/ws') return refuse('not_found')
    const { origin, authorization } = request.headers
    if (origin !== undefined && origin !== `http://${request.headers.host}`) return refuse('forbidden')
    const user = userOf(world, authorization)
    if (authorization !== undefined && user === null) return refuse('unauthenticated')
    const name = node()
    const onHeaders = (headers: string[]): void => void headers.push(`${nodeHeader}: ${name}`)
    wss.once('headers', onHeaders)
    wss.handleUpgrade(request, socket, head, (ws) => {
      drains.add(
        serveSocket(ws, { world, node: name, user, userOf: (token) => userOf(world, `Bearer ${token}`) }),
      )
    })
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', resolve)
  await promise
  // What an earlier server left behind is taken up.
  for (const [id, { run }] of world.runs) if (run.status === 'running' || run.status === 'queued') start(id)
  const close = async (): Promise<void> => {
    stopped = true
    for (const socket of sockets) socket.destroy()
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    await closed.promise
  }
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    kill: close,
    async drain() {
      stopped = true
      for (const drain of drains) drain()
      await new Promise((done) => setTimeout(done, 80))
      await close()
    },
  }
}

function userOf(world: World, authorization: string | undefined): UserId | null {
  const [, token = ''] = /^Bearer (.+)$/.exec(authorization ?? '') ?? []
  return world.users.get(token)?.userId ?? null
}

async function answer(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  start: (run: string) => void,
): Promise<void> {
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, {
      'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
    })
    response.end(body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  }
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [status, body] = route(world, request, Buffer.concat(chunks).toString('utf8'), start)
    send(status, body)
  } catch (error) {
    const known =
      error instanceof HoldfastError
        ? problem(error.code, error.message)
        : error instanceof z.ZodError || error instanceof SyntaxError
          ? problem('bad_request', 'The request is not valid')
          : problem('internal', 'A fault of the bundled server')
    send(known.status, known)
  }
}

type Answer = readonly [status: number, body: unknown]

const Events = z.object({ after: z.coerce.number().int().min(0).default(0) })

function route(world: World, request: IncomingMessage, text: string, start: (run: string) => void): Answer {
  const url = new URL(request.url ?? '/', 'http://x')
  const method = request.method ?? 'GET'
  const path = url.pathname
  if (path === '/version')
    return [
      200,
      {
        version: '0',
        role: 'all',
        commit: world.commit,
        image: `sha256:${'0'.repeat(64)}`,
        contract: contractHash,
        schema: '1',
      },
    ]
  if (path === '/health/live') return [200, { status: 'live' }]
  if (path === '/health/ready') return [200, { status: 'ready', dependencies: ['store'] }]
  if (path === '/v1/contract') return [200, contractText]
  if (path.startsWith('/auth/e2e/')) return simulated(world, method, path, text, request)
  const user = userOf(world, request.headers.authorization)
  if (user === null) throw new HoldfastError('unauthenticated', 'Sign in first')
  const body = (): unknown => (text === '' ? {} : JSON.parse(text))
  if (path === '/v1/session')
    return [200, { user, kind: 'simulated', scopes: ['read', 'write', 'account'], tier: 'test' }]
  if (path === '/v1/agents')
    return [200, { items: [{ name: 'proof', description: 'Scripts', tools: [], models: ['offline'] }] }]
  if (path === '/v1/threads')
    return method === 'POST'
      ? [201, createThread(world, user, CreateThread.parse(body()).title ?? '')]
      : [
          200,
          {
            items: [...world.threads.values()]
              .filter(({ owner }) => owner === user)
              .map(({ thread }) => ({ ...thread, activity: 'idle' })),
            next: null,
          },
        ]
  const [, kind, id = '', rest = ''] = /^\/v1\/(threads|runs)\/([^/]+)(\/\w+)?$/.exec(path) ?? []
  if (kind === 'runs') return ofRun(world, user, method, id, rest)
  if (kind === 'threads')
    return ofThread(
      world,
      user,
      { method, id, rest, url, body, key: request.headers['idempotency-key'] },
      start,
    )
  throw new HoldfastError('not_found', `There is nothing at ${path}`)
}

function ofRun(world: World, user: UserId, method: string, id: string, rest: string): Answer {
  const kept = runOf(world, user, id)
  if (method === 'POST' && rest === '/cancel') {
    kept.cancelled = true
    return [202, kept.run]
  }
  return [200, kept.run]
}

function ofThread(
  world: World,
  user: UserId,
  {
    method,
    id,
    rest,
    url,
    body,
    key,
  }: {
    method: string
    id: string
    rest: string
    url: URL
    body: () => unknown
    key: string | string[] | undefined
  },
  start: (run: string) => void,
): Answer {
  const kept = threadOf(world, user, id)
  const { thread, log } = kept
  const head = log.length
  if (rest === '/runs') {
    const before = world.runs.size
    const made = submit(
      world,
      user,
      kept,
      SubmitRun.parse(body()).message,
      typeof key === 'string' ? key : null,
    )
    if (world.runs.size > before) start(made.run.id)
    return [202, { ...made.run, status: 'queued', attempt: 0 }]
  }
  if (rest === '/events') {
    const { after } = Events.parse(Object.fromEntries(url.searchParams))
    if (after > head) throw new HoldfastError('epoch_changed', 'This position belongs to another log')
    return [200, { epoch: world.epoch, head, items: page(log.slice(after, after + 1000)) }]
  }
  if (rest === '/state')
    return [200, { epoch: world.epoch, seq: head, thread: { ...thread, head }, runs: [], files: [] }]
  if (method === 'DELETE') {
    world.threads.delete(id)
    return [204, null]
  }
  return [200, { ...thread, head }]
}

/** As many as fit, and one at least. */
function page<Item>(items: readonly Item[]): readonly Item[] {
  let bytes = 0
  return items.filter((item, index) => {
    bytes += JSON.stringify(item).length
    return index === 0 || bytes < limits.eventsPageBytes
  })
}

const SignIn = z.strictObject({
  persona: z.enum(['alice', 'bob']),
  run: z.string(),
  mode: z.literal('token'),
})

function simulated(
  world: World,
  method: string,
  path: string,
  text: string,
  { headers }: IncomingMessage,
): Answer {
  const header = (name: string): string => String(headers[name] ?? '')
  const parts = {
    method,
    host: simulation.host,
    path,
    timestamp: header('x-e2e-timestamp'),
    nonce: header('x-e2e-nonce'),
  }
  const mac = macOf(simulation.key, parts, Buffer.from(text)).toString('hex')
  const expected = Buffer.from(`v1=${mac}`)
  const given = Buffer.from(header('x-e2e-signature'))
  if (
    given.length !== expected.length ||
    !timingSafeEqual(given, expected) ||
    world.nonces.has(header('x-e2e-nonce'))
  )
    throw new HoldfastError('unauthenticated', 'Not signed with the key of this deployment')
  world.nonces.add(header('x-e2e-nonce'))
  if (method === 'DELETE') return [200, { run: path.split('/').at(-1), users: 1 }]
  const { persona, run } = SignIn.parse(JSON.parse(text))
  const token = `sim_${run}_${persona}_${'t'.repeat(24)}`
  const userId = world.users.get(token)?.userId ?? world.makeId('user')
  world.users.set(token, { userId, kind: 'simulated' })
  const expiresAt = new Date(Date.now() + e2eLimits.sessionSeconds * 1000).toISOString()
  return [
    201,
    { token, user: userId, kind: 'simulated', persona, run, role: 'member', mode: 'token', expiresAt },
  ]
}
