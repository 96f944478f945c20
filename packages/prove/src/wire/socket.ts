import type { IncomingMessage } from 'node:http'
import { wireVersion } from '@holdfast/protocol'
import { type RawData, WebSocket } from 'ws'
import { HistoryFullError, type Recorder } from '../history/recorder.ts'
import { isConnectFailure, reasonOf } from './failures.ts'
import { httpLimits } from './http.ts'

export const socketLimits = {
  /** Of one frame of a server: more than the contract allows it, and no more than can be kept. */
  frameBytes: 1024 * 1024,
  /** An ack is sent after so many events, well within the window of a pump. */
  ackEvery: 64,
} as const

export type JsonFrame = Readonly<Record<string, unknown>>

export interface SocketOptions {
  readonly user?: string | null
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly protocols?: readonly string[]
  readonly about?: string
  readonly timeoutMs: number
  readonly ca?: string | null
  /** Frames are not read: the socket of a consumer that stands still. */
  readonly asleep?: boolean
  readonly quiet?: boolean
}

export interface ProofSocket {
  readonly conn: number
  /** The status of a refused handshake; null: it was accepted, or nothing was heard. */
  readonly refusedWith: number | null
  readonly isOpen: boolean
  readonly node: string | null
  readonly frames: readonly JsonFrame[]
  send(frame: object): void
  sendText(text: string): void
  ping(): Promise<number | null>
  /** The first frame, received or to come, that fits; null: none within the time, or the socket closed. */
  wait(fits: (frame: JsonFrame) => boolean, timeoutMs: number): Promise<JsonFrame | null>
  /** Called for each frame from now on. Returns the way back. */
  watch(listener: (frame: JsonFrame) => void): () => void
  /** null: still open after that time. */
  closed(timeoutMs: number): Promise<{ readonly code: number; readonly reason: string } | null>
  pause(): void
  resume(): void
  /** Politely, with 1000; resolves when it is gone. */
  close(): Promise<void>
  /** TCP is torn down in the middle of whatever is going on. */
  cut(): void
}

/** Opens a WebSocket and writes down all that happens on it. Never throws for what a server does. */
export async function openSocket(
  recorder: Recorder,
  url: string,
  options: SocketOptions,
): Promise<ProofSocket> {
  let retries = 0
  for (;;) {
    const opened = await attempt(recorder, url, options, retries)
    if (opened !== 'again') return opened
    retries += 1
  }
}

async function attempt(
  recorder: Recorder,
  url: string,
  options: SocketOptions,
  retries: number,
): Promise<ProofSocket | 'again'> {
  const conn = recorder.nextId()
  const began = performance.now()
  const step = recorder.step
  const target = new URL('/v1/ws', url)
  target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(target, [...(options.protocols ?? [wireVersion])], {
    headers: {
      ...(options.token == null ? {} : { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    },
    perMessageDeflate: false,
    maxPayload: socketLimits.frameBytes,
    ...(options.ca == null ? {} : { ca: options.ca }),
  })
  const frames: JsonFrame[] = []
  const listeners = new Set<(frame: JsonFrame) => void>()
  let headers: Record<string, string> = {}
  let refusedWith: number | null = null
  let over: { code: number; reason: string } | null = null
  let weEnd: 'politely' | 'by force' | null = null
  let unacked = 0
  const ended = Promise.withResolvers<void>()
  const settled = Promise.withResolvers<'open' | 'refused' | Error>()

  // Over the whole handshake: one that drips is never silent for so long.
  let giveUp = (): void => {
    settled.resolve(new Error(`No whole handshake within ${options.timeoutMs} ms`))
    socket.terminate()
  }
  const overdue = setTimeout(() => giveUp(), options.timeoutMs)

  /** Lines of a socket belong to the step that opened it. */
  const record = (write: () => void): void => {
    const now = recorder.step
    recorder.step = step
    try {
      write()
    } catch (error) {
      // Thrown in a listener it would end the process. The step finds the recorder full; this server is not heard out.
      if (!(error instanceof HistoryFullError)) throw error
      weEnd ??= 'by force'
      socket.terminate()
    } finally {
      recorder.step = now
    }
  }

  socket.on('upgrade', (response: IncomingMessage) => {
    headers = plainHeaders(response)
  })
  socket.on('unexpected-response', (request, response) => {
    refusedWith = response.statusCode ?? null
    let body = ''
    const finish = (): void => {
      record(() =>
        recorder.add({
          k: 'refused',
          conn,
          user: options.user ?? null,
          about: options.about ?? null,
          ms: performance.now() - began,
          status: refusedWith,
          body,
          retries,
          error: null,
        }),
      )
      over = { code: 1006, reason: '' }
      ended.resolve()
      settled.resolve('refused')
      request.destroy()
    }
    giveUp = () => response.destroy()
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      body += text
      if (body.length > 64 * 1024) response.destroy()
    })
    response.once('close', finish)
  })
  socket.on('open', () => settled.resolve('open'))
  socket.on('error', (error) => settled.resolve(error))
  socket.on('message', (data: RawData, isBinary) => {
    const text = isBinary ? `[binary ${(data as Buffer).length}]` : data.toString()
    record(() => recorder.add({ k: 'in', conn, text }))
    const frame = parse(text)
    if (frame === null) return
    frames.push(frame)
    answer(frame)
    for (const listener of [...listeners]) listener(frame)
  })
  socket.on('close', (code, reason) => {
    over = { code, reason: reason.toString() }
    if (opened) {
      const by = weEnd !== null && ofOurs.has(code) ? 'we' : 'server'
      const unanswered = weEnd === 'politely' && code === 1006
      record(() =>
        recorder.add({ k: 'close', conn, code, reason: unanswered ? notAnswered : reason.toString(), by }),
      )
    }
    ended.resolve()
    settled.resolve('refused')
  })

  let opened = false
  const sendText = (text: string): void => {
    if (socket.readyState !== WebSocket.OPEN) return
    record(() => recorder.add({ k: 'out', conn, text: text.length > 4096 ? `${text.slice(0, 200)}…` : text }))
    socket.send(text)
  }
  const send = (frame: object): void => sendText(JSON.stringify(frame))
  const answer = (frame: JsonFrame): void => {
    if (options.quiet === true) return
    if (frame['type'] === 'ping') send({ type: 'pong', n: frame['n'] })
    if (frame['type'] === 'auth_soon' && options.token != null) send({ type: 'auth', auth: options.token })
    if (frame['type'] !== 'ev' || !Array.isArray(frame['items'])) return
    unacked += frame['items'].length
    const last: unknown = frame['items'].at(-1)
    if (unacked < socketLimits.ackEvery || typeof last !== 'object' || last === null) return
    unacked = 0
    send({ type: 'ack', stream: frame['stream'], seq: Reflect.get(last, 'seq') })
  }

  const outcome = await settled.promise
  clearTimeout(overdue)
  if (outcome === 'open') {
    opened = true
    record(() =>
      recorder.add({
        k: 'open',
        conn,
        user: options.user ?? null,
        about: options.about ?? null,
        ms: performance.now() - began,
        headers,
        retries,
      }),
    )
    // What closed between the handshake and here is written down as well.
    const early = over as { code: number; reason: string } | null
    if (early !== null) record(() => recorder.add({ k: 'close', conn, ...early, by: 'server' }))
  } else if (outcome instanceof Error) {
    if (isConnectFailure(outcome) && retries < httpLimits.connectRetries) return 'again'
    over ??= { code: 1006, reason: '' }
    ended.resolve()
    record(() =>
      recorder.add({
        k: 'refused',
        conn,
        user: options.user ?? null,
        about: options.about ?? null,
        ms: performance.now() - began,
        status: null,
        body: '',
        retries,
        error: reasonOf(outcome),
      }),
    )
  }
  if (options.asleep === true) socket.pause()

  return {
    conn,
    refusedWith,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN
    },
    node: headers['x-holdfast-node'] ?? null,
    frames,
    send,
    sendText,
    async ping() {
      if (socket.readyState !== WebSocket.OPEN) return null
      const sentAt = performance.now()
      const { promise, resolve } = Promise.withResolvers<number | null>()
      socket.once('pong', () => resolve(performance.now() - sentAt))
      void ended.promise.then(() => resolve(null))
      socket.ping()
      return within(promise, options.timeoutMs)
    },
    async wait(fits, timeoutMs) {
      const before = frames.find(fits)
      if (before !== undefined) return before
      if (over !== null) return null
      const { promise, resolve } = Promise.withResolvers<JsonFrame | null>()
      const listener = (frame: JsonFrame): void => {
        if (fits(frame)) resolve(frame)
      }
      listeners.add(listener)
      void ended.promise.then(() => resolve(null))
      const found = await within(promise, timeoutMs)
      listeners.delete(listener)
      return found
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async closed(timeoutMs) {
      await within(
        ended.promise.then(() => true),
        timeoutMs,
      )
      return over
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    async close() {
      if (over !== null) return
      weEnd = 'politely'
      socket.resume()
      socket.close(1000)
      if (
        (await within(
          ended.promise.then(() => true),
          closeWithinMs,
        )) === null
      ) {
        socket.terminate()
        await ended.promise
      }
    },
    cut() {
      if (over !== null) return
      weEnd = 'by force'
      socket.terminate()
    },
  }
}

const closeWithinMs = 3_000
/** How a close of ours ends: answered, with or without a code, or without a close frame. Any other code is an answer of the server's own. */
const ofOurs = new Set([1000, 1005, 1006])
/** The reason in the history; a frame that never came has none of its own. */
export const notAnswered = 'our close was not answered'

/** null: not within the time. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, ms, null)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

function parse(text: string): JsonFrame | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonFrame) : null
  } catch {
    return null
  }
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .slice(0, 50)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )
}
