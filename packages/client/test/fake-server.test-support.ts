import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  ClientFrame,
  type EpochId,
  position,
  type ServerFrame,
  type StoredEvent,
  type Stream,
  systemIdMaker,
  type ThreadId,
  threadStream,
} from '@holdfast/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

export const makeId = systemIdMaker()
export const token = 'the-token-of-this-test'

export interface FakeServer extends AsyncDisposable {
  readonly url: string
  readonly threadId: ThreadId
  /** Another epoch from the next connection on, as after a restore. */
  epoch: EpochId
  /** Every frame the clients sent, and how many sockets they opened. */
  readonly received: ClientFrame[]
  readonly opened: number
  /** Answers HTTP requests; the WebSocket route is its own. */
  respond: (request: IncomingMessage, response: ServerResponse) => void
  append(count: number): void
  /** Cuts every TCP connection, as a network does. */
  cut(): void
  close(code: number, reason?: string): void
  /** Sends something of the test's own to every follower. */
  push(frame: ServerFrame | object): void
  /** Resolves when the clients have sent a frame for which this holds; counts from the beginning. */
  seen(holds: (frame: ClientFrame) => boolean, times?: number): Promise<void>
}

/** Speaks protocol.md on real sockets, and breaks as a test wishes. Its log is an array. */
export async function openFakeServer(): Promise<FakeServer> {
  const threadId = makeId('thread')
  const runId = makeId('run')
  const log: StoredEvent[] = []
  const received: ClientFrame[] = []
  const tcp = new Set<Socket>()
  const followers = new Map<WebSocket, Map<Stream, number>>()
  let watchers: { check: () => void }[] = []
  let opened = 0

  const http = createServer((request, response) => server.respond(request, response))
  http.on('connection', (socket) => {
    tcp.add(socket)
    socket.on('close', () => tcp.delete(socket))
  })
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'holdfast.v1' })
  http.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (accepted) => serve(accepted)),
  )

  const send = (socket: WebSocket, frame: ServerFrame | object): void => socket.send(JSON.stringify(frame))
  const flush = (socket: WebSocket): void => {
    for (const [stream, sent] of followers.get(socket) ?? []) {
      for (let first = sent; first < log.length; first += 100) {
        const items = log.slice(first, first + 100)
        send(socket, { type: 'ev', stream, first: first + 1, items })
      }
      followers.get(socket)?.set(stream, log.length)
    }
  }
  const subscribe = (socket: WebSocket, frame: Extract<ClientFrame, { type: 'sub' }>): void => {
    const { stream, epoch } = frame
    const after = frame.after === 'start' ? 0 : frame.after === 'head' ? log.length : frame.after
    if (stream !== threadStream(threadId)) send(socket, { type: 'sub_err', stream, code: 'not_found' })
    else if ((epoch !== undefined && epoch !== server.epoch) || after > log.length)
      send(socket, { type: 'sub_err', stream, code: 'epoch_changed' })
    else {
      send(socket, { type: 'sub_ok', stream, floor: 0, head: log.length })
      followers.get(socket)?.set(stream, after)
      flush(socket)
    }
  }
  const handle = (socket: WebSocket, frame: ClientFrame): void => {
    switch (frame.type) {
      case 'hello':
        if (frame.auth !== token) {
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
          limits: { frameBytes: 65_536, subscriptions: 200 },
        })
        for (const sub of frame.subs ?? []) subscribe(socket, { type: 'sub', ...sub })
        return
      case 'sub':
        subscribe(socket, frame)
        return
      case 'unsub':
        followers.get(socket)?.delete(frame.stream)
        return
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

  const server: FakeServer = {
    url: '',
    threadId,
    epoch: makeId('epoch'),
    received,
    get opened() {
      return opened
    },
    respond: (_request, response) => void response.writeHead(404).end(),
    append(count) {
      for (let index = 0; index < count; index += 1)
        log.push({
          id: makeId('event'),
          seq: position(log.length + 1),
          threadId,
          runId,
          agent: 'test',
          at: new Date().toISOString(),
          type: 'agent_thinking',
          data: { step: 1, text: 'x' },
        })
      for (const socket of followers.keys()) flush(socket)
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
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return Object.assign(server, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
}
