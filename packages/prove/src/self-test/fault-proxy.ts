import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { limits } from '@holdfast/protocol'
import { type RawData, WebSocket, WebSocketServer } from 'ws'

/** One WebSocket through the proxy. */
export interface ProxiedSocket {
  readonly client: WebSocket
  readonly server: WebSocket
  readonly index: number
  /** Of the client's first frame on: what it subscribed to, stream → after. */
  readonly subs: Map<string, unknown>
  readonly request: IncomingMessage
  toClient(frame: object | string): void
}

export interface HttpMessage {
  status: number
  headers: Record<string, string>
  body: string
}

export interface UpstreamRequest {
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

/** What a fault changes. Whatever it leaves out goes through untouched. */
export interface Fault {
  /** Before the server sees it; an answer in its place is given as the server's. */
  request?(
    request: UpstreamRequest,
    context: FaultContext,
  ): HttpMessage | undefined | Promise<HttpMessage | undefined>
  answer?(answer: HttpMessage, request: UpstreamRequest, context: FaultContext): void | Promise<void>
  /** Headers of the handshake as the server gets them. A number: refused with that status. */
  upgrade?(headers: Record<string, string>, context: FaultContext): number | undefined
  opened?(socket: ProxiedSocket, context: FaultContext): void
  /** A frame of the server: what the client gets in its place. */
  fromServer?(
    frame: Record<string, unknown>,
    socket: ProxiedSocket,
    context: FaultContext,
  ): readonly (object | string)[] | Promise<readonly (object | string)[]>
  /** A frame of the client: what the server gets in its place. */
  fromClient?(text: string, socket: ProxiedSocket, context: FaultContext): readonly string[]
  /** null: the client is not told that the server closed. */
  closed?(
    code: number,
    reason: string,
    socket: ProxiedSocket,
    context: FaultContext,
  ): readonly [code: number, reason: string] | null
  /** Default: limits.frameBytes. */
  readonly maxPayload?: number
  /** What becomes of everybody when one sends a malformed frame. */
  broken?(socket: ProxiedSocket, context: FaultContext): void
}

export interface FaultContext {
  readonly sockets: ReadonlySet<ProxiedSocket>
  /** For a fault's memory. */
  readonly state: Map<string, unknown>
  /** Asks the server behind. */
  ask(request: Partial<UpstreamRequest> & { path: string }): Promise<HttpMessage>
}

export interface FaultProxy {
  readonly url: string
  close(): Promise<void>
}

/**
 * Stands before a server that is well and makes it look as if it had a fault: by frames and answers, not by bytes. Every
 * fault of the self-test is put here, so that the same faults can stand before any server.
 */
export async function openFaultProxy(upstream: string, fault: Fault): Promise<FaultProxy> {
  const target = new URL(upstream)
  const open = new Set<ProxiedSocket>()
  const tcp = new Set<Socket>()
  const state = new Map<string, unknown>()
  let opened = 0

  const ask: FaultContext['ask'] = ({ method = 'GET', path, headers = {}, body = '' }) => {
    const { promise, resolve } = Promise.withResolvers<HttpMessage>()
    const bad = (): void => resolve({ status: 502, headers: {}, body: '' })
    const passed = { ...headers, host: target.host }
    const request = httpRequest(
      new URL(path, upstream),
      { method, headers: passed, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', bad)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 502,
            headers: plainHeaders(response.headers),
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    request.on('error', bad)
    request.end(body)
    return promise
  }
  const context: FaultContext = { sockets: open, state, ask }

  const server: Server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const request: UpstreamRequest = {
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: plainHeaders(incoming.headers),
        body: Buffer.concat(chunks).toString('utf8'),
      }
      const instead = await fault.request?.(request, context)
      const answer = instead ?? (await ask(request))
      if (instead === undefined) await fault.answer?.(answer, request, context)
      // The length is that of what goes out; the rest of the transport is this proxy's own.
      const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...headers } = answer.headers
      outgoing.writeHead(answer.status, headers)
      outgoing.end(answer.body)
    })().catch(() => outgoing.destroy())
  })
  server.on('connection', (socket) => {
    tcp.add(socket)
    socket.once('close', () => tcp.delete(socket))
  })
  const wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: fault.maxPayload ?? limits.frameBytes,
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const headers = plainHeaders(request.headers)
    const refusal = fault.upgrade?.(headers, context)
    if (typeof refusal === 'number') {
      socket.end(`HTTP/1.1 ${refusal} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const { authorization, origin } = headers
    const behind = new WebSocket(
      new URL(request.url ?? '/', upstream.replace(/^http/, 'ws')),
      headers['sec-websocket-protocol']?.split(/, */) ?? [],
      {
        perMessageDeflate: false,
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          // The server's own address is the proxy's to the outside.
          ...(origin === undefined
            ? {}
            : { origin: origin === `http://${headers['host']}` ? target.origin : origin }),
        },
      },
    )
    let node: string | undefined
    behind.on('upgrade', (response) => {
      node = response.headers['x-holdfast-node'] as string | undefined
    })
    behind.on('error', () => socket.destroy())
    behind.on('unexpected-response', (_, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const body = Buffer.concat(chunks)
        socket.end(
          `HTTP/1.1 ${response.statusCode} Refused\r\nConnection: close\r\nContent-Type: ${response.headers['content-type'] ?? 'text/plain'}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString('utf8')}`,
        )
      })
    })
    // Frames that come before the client's side is there wait for it.
    const early: RawData[] = []
    const keep = (data: RawData): void => void early.push(data)
    behind.on('message', keep)
    behind.on('open', () => {
      if (node !== undefined) wss.once('headers', (list: string[]) => list.push(`x-holdfast-node: ${node}`))
      wss.handleUpgrade(request, socket, head, (client) => {
        behind.off('message', keep)
        opened += 1
        join(client, behind, request, opened, early)
      })
    })
  })

  const join = (
    client: WebSocket,
    behind: WebSocket,
    request: IncomingMessage,
    index: number,
    early: readonly RawData[],
  ): void => {
    const toClient = (frame: object | string): void => {
      if (client.readyState === WebSocket.OPEN)
        client.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
    }
    const one: ProxiedSocket = { client, server: behind, index, subs: new Map(), request, toClient }
    open.add(one)
    let turn = Promise.resolve()
    const relay = (data: RawData): void => {
      turn = turn.then(async () => {
        const text = data.toString()
        if (fault.fromServer === undefined) return toClient(text)
        for (const frame of await fault.fromServer(JSON.parse(text) as Record<string, unknown>, one, context))
          toClient(frame)
      })
    }
    behind.on('message', relay)
    client.on('message', (data, isBinary) => {
      const text = isBinary ? '' : data.toString()
      noteSubs(one, text)
      const frames = fault.fromClient?.(text, one, context) ?? [text]
      for (const frame of frames) if (behind.readyState === WebSocket.OPEN) behind.send(frame)
    })
    behind.on('close', (code, reason) => {
      void turn.then(() => {
        const told =
          fault.closed === undefined
            ? ([code, reason.toString()] as const)
            : fault.closed(code, reason.toString(), one, context)
        if (told === null) return
        if (told[0] === 1006 || told[0] === 1005) client.terminate()
        else if (client.readyState === WebSocket.OPEN) client.close(told[0], told[1])
      })
    })
    client.on('error', () => fault.broken?.(one, context))
    client.on('close', (code) => {
      open.delete(one)
      if (code === 1000) behind.close(1000)
      else behind.terminate()
    })
    fault.opened?.(one, context)
    for (const data of early) relay(data)
  }

  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const { client, server: behind } of open) {
        client.terminate()
        behind.terminate()
      }
      for (const socket of tcp) socket.destroy()
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await closed.promise
    },
  }
}

function noteSubs({ subs }: ProxiedSocket, text: string): void {
  try {
    const frame = JSON.parse(text) as {
      type?: string
      stream?: string
      after?: unknown
      subs?: { stream: string; after: unknown }[]
    }
    for (const { stream, after } of [
      ...(frame.type === 'hello' ? (frame.subs ?? []) : []),
      ...(frame.type === 'sub' ? [{ stream: String(frame.stream), after: frame.after }] : []),
    ])
      subs.set(stream, after)
  } catch {
    // What is no frame subscribes to nothing.
  }
}

function plainHeaders(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}
