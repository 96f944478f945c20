import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  ClientFrame,
  type EpochId,
  type LifecycleItem,
  limits,
  position,
  problem,
  type RunId,
  type ServerFrame,
  type StoredEvent,
  type Stream,
  systemIdMaker,
  type ThreadId,
  threadStream,
  userStream,
} from '@holdfast/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

export const makeId = systemIdMaker()
export const token = 'the-token-of-this-test'

export interface FakeServer extends AsyncDisposable {
  readonly url: string
  readonly threadId: ThreadId
  /** Of all its events. */
  readonly runId: RunId
  /** A second thread of the same user, of the same log of events. */
  readonly otherThreadId: ThreadId
  /** Another epoch from the next connection on, as after a restore. */
  epoch: EpochId
  /** What counts as a valid bearer token. */
  token: string
  /** null: `ready` in answer to a hello; else what happens instead. */
  greet: ((socket: WebSocket) => void) | null
  /** false: the upgrade is refused, as by a proxy that knows no WebSockets. */
  webSockets: boolean
  /** Every frame the clients sent, and how many sockets and event streams they opened. */
  readonly received: ClientFrame[]
  readonly opened: number
  readonly eventStreams: readonly { readonly lastEventId: string; readonly authorization: string }[]
  /** Answers HTTP requests; the WebSocket route and, while there are any, event streams are its own. */
  respond: (request: IncomingMessage, response: ServerResponse) => void
  append(count: number): void
  /** The run ends, answered. */
  complete(summary: string): void
  /** Something happens to the user's threads. */
  happen(type: 'thread_created'): void
  /** Cuts every TCP connection, as a network does. */
  cut(): void
  close(code: number, reason?: string): void
  /** Sends something of the test's own to every follower. */
  push(frame: ServerFrame | object): void
  /** Resolves when the clients have sent a frame for which this holds; counts from the beginning. */
  seen(holds: (frame: ClientFrame) => boolean, times?: number): Promise<void>
}

interface Subscribed {
  sent: number
  acked: number
}

/**
 * Speaks protocol.md on real sockets, its window of unacknowledged events included, and breaks as a test wishes.
 *
 * @param port 0: any that is free
 */
export async function openFakeServer(port = 0): Promise<FakeServer> {
  const threadId = makeId('thread')
  const otherThreadId = makeId('thread')
  const runId = makeId('run')
  const log: StoredEvent[] = []
  const lifecycle: LifecycleItem[] = []
  const received: ClientFrame[] = []
  const tcp = new Set<Socket>()
  const followers = new Map<WebSocket, Map<Stream, Subscribed>>()
  const eventStreams: { lastEventId: string; authorization: string }[] = []
  const streaming = new Map<ServerResponse, number>()
  let watchers: { check: () => void }[] = []
  let opened = 0

  const http = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake')
    if (request.method === 'GET' && pathname === `/v1/threads/${threadId}/events`)
      serveEvents(request, response, searchParams)
    else server.respond(request, response)
  })
  http.on('connection', (socket) => {
    tcp.add(socket)
    socket.on('close', () => tcp.delete(socket))
  })
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'holdfast.v1' })
  http.on('upgrade', (request, socket, head) => {
    if (server.webSockets) sockets.handleUpgrade(request, socket, head, (accepted) => serve(accepted))
    else socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
  })

  // --- server-sent events
  const json = (response: ServerResponse, status: number, body: object): void =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const serveEvents = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void => {
    const { authorization = '', accept = '' } = request.headers
    const lastEventId = String(request.headers['last-event-id'] ?? '')
    const after = Number(lastEventId || (query.get('after') ?? 0))
    if (authorization !== `Bearer ${server.token}`)
      json(response, 401, problem('unauthenticated', 'Send a valid token'))
    else if (after > log.length || (query.get('epoch') ?? server.epoch) !== server.epoch)
      json(response, 409, problem('epoch_changed', 'Read the state'))
    else if (accept !== 'text/event-stream')
      json(response, 200, { epoch: server.epoch, head: log.length, items: log.slice(after, after + 1) })
    else {
      eventStreams.push({ lastEventId, authorization })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(': hello\r\n\r\n')
      streaming.set(response, after)
      response.on('close', () => streaming.delete(response))
      flushEvents(response)
    }
  }
  const flushEvents = (response: ServerResponse): void => {
    const sent = streaming.get(response) ?? log.length
    for (const event of log.slice(sent))
      response.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`)
    streaming.set(response, log.length)
    response.write(`event: live\ndata: ${log.length}\n\n: heartbeat\n\n`)
  }

  // --- WebSockets
  const send = (socket: WebSocket, frame: ServerFrame | object): void => socket.send(JSON.stringify(frame))
  const flush = (socket: WebSocket): void => {
    for (const [stream, subscribed] of followers.get(socket) ?? []) {
      const source = stream === userStream ? lifecycle : log
      const type = stream === userStream ? 'lifecycle' : 'ev'
      for (;;) {
        const room = subscribed.acked + limits.unacknowledgedItems - subscribed.sent
        const items = source.slice(subscribed.sent, subscribed.sent + Math.min(100, room))
        if (items.length === 0) break
        send(socket, { type, stream, first: subscribed.sent + 1, items })
        subscribed.sent += items.length
      }
    }
  }
  const subscribe = (socket: WebSocket, frame: Extract<ClientFrame, { type: 'sub' }>): void => {
    const { stream, epoch } = frame
    const head = stream === userStream ? lifecycle.length : log.length
    const after = frame.after === 'start' ? 0 : frame.after === 'head' ? head : frame.after
    const mine: readonly Stream[] = [userStream, threadStream(threadId), threadStream(otherThreadId)]
    if (!mine.includes(stream)) send(socket, { type: 'sub_err', stream, code: 'not_found' })
    else if ((epoch !== undefined && epoch !== server.epoch) || after > head)
      send(socket, { type: 'sub_err', stream, code: 'epoch_changed' })
    else {
      send(socket, { type: 'sub_ok', stream, floor: 0, head })
      followers.get(socket)?.set(stream, { sent: after, acked: after })
      flush(socket)
    }
  }
  const handle = (socket: WebSocket, frame: ClientFrame): void => {
    switch (frame.type) {
      case 'hello':
        if (server.greet !== null) {
          server.greet(socket)
          return
        }
        if ((frame.auth ?? '') !== server.token) {
          socket.close(4501, '{"r":"unauthenticated"}')
          return
        }
        send(socket, {
          type: 'ready',
          connection: makeId('connection'),
          node: makeId('node'),
          epoch: server.epoch,
          user: makeId('user'),
          heartbeatMs: 25_000,
          limits: { frameBytes: 65_536, subscriptions: 200, unacknowledgedItems: limits.unacknowledgedItems },
          authExpiresAt: null,
          lifetimeMs: 3_000_000,
        })
        for (const sub of frame.subs ?? []) subscribe(socket, { type: 'sub', ...sub })
        return
      case 'sub':
        subscribe(socket, frame)
        return
      case 'unsub':
        followers.get(socket)?.delete(frame.stream)
        return
      case 'ack': {
        const subscribed = followers.get(socket)?.get(frame.stream)
        if (subscribed === undefined) return
        subscribed.acked = Math.min(Math.max(frame.seq, subscribed.acked), subscribed.sent)
        flush(socket)
        return
      }
      case 'auth':
      case 'pong':
        return
      default:
        frame satisfies never
    }
  }
  const serve = (socket: WebSocket): void => {
    opened += 1
    followers.set(socket, new Map())
    socket.on('close', () => followers.delete(socket))
    socket.on('error', () => {})
    socket.on('message', (data) => {
      const frame = ClientFrame.parse(JSON.parse(String(data)))
      received.push(frame)
      handle(socket, frame)
      for (const { check } of watchers) check()
    })
  }
  const flushAll = (): void => {
    for (const socket of followers.keys()) flush(socket)
    for (const response of streaming.keys()) flushEvents(response)
  }

  const envelope = () => ({
    id: makeId('event'),
    seq: position(log.length + 1),
    threadId,
    runId,
    agent: 'test',
    at: new Date().toISOString(),
  })

  const server: FakeServer = {
    url: '',
    threadId,
    runId,
    otherThreadId,
    epoch: makeId('epoch'),
    token,
    greet: null,
    webSockets: true,
    received,
    eventStreams,
    get opened() {
      return opened
    },
    respond: (_request, response) => void response.writeHead(404).end(),
    append(count) {
      for (let index = 0; index < count; index += 1)
        log.push({ ...envelope(), type: 'agent_thinking', data: { step: 1, text: 'x' } })
      flushAll()
    },
    complete(summary) {
      const usage = { inputTokens: 0, outputTokens: 0, steps: 1 }
      const messageId = makeId('message')
      log.push({
        ...envelope(),
        type: 'agent_completed',
        data: { outcome: 'answered', messageId, summary, durationMs: 1, usage },
      })
      flushAll()
    },
    happen(type) {
      lifecycle.push({
        seq: position(lifecycle.length + 1),
        at: new Date().toISOString(),
        threadId,
        type,
        title: 'x',
      })
      flushAll()
    },
    cut() {
      for (const socket of tcp) socket.destroy()
    },
    close(code, reason = '') {
      for (const socket of followers.keys()) socket.close(code, reason)
    },
    push(frame) {
      for (const socket of followers.keys()) send(socket, frame)
    },
    seen(holds, times = 1) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const check = (): void => {
        if (received.filter(holds).length >= times) resolve()
      }
      watchers = [...watchers, { check }]
      check()
      return promise
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      for (const socket of tcp) socket.destroy()
      await closed
    },
  }
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  return Object.assign(server, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
}
