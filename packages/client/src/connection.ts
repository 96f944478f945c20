import {
  type After,
  type ClientFrame,
  type EpochId,
  limits,
  type StoredEvent,
  type Stream,
  wireVersion,
} from '@holdfast/protocol'
import { afterLoss, backoffLimits } from './backoff.ts'
import { HoldfastConnectionError } from './errors.ts'
import { createFollower } from './follower.ts'
import { type ReceivedFrame, readFrame } from './received-frame.ts'
import { type ClientStream, createStream } from './stream.ts'

export const connectionLimits = {
  /** From the first byte to an open socket. */
  connectMs: 5_000,
  /** From the open socket to `ready`. */
  readyMs: 5_000,
  /** The server speaks every 25 s ± 20 % at least; after this long without a frame the connection is dead. */
  silenceMs: 35_000,
} as const

/** Where the one connection stands, for an indicator. */
export type ConnectionStatus =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting'; readonly retryInMs: number }
  | { readonly kind: 'stopped'; readonly closeCode: number }

/** The platform's, or one that behaves like it. */
export type WebSocketConstructor = new (url: string, protocol: string) => WebSocket

export interface ConnectionOptions {
  /** Of the WebSocket route. */
  readonly url: string
  readonly token: string | null
  readonly WebSocket: WebSocketConstructor
  readonly onStatus: (status: ConnectionStatus) => void
  /** 0 ≤ x < 1 */
  readonly random: () => number
}

export interface FollowOptions {
  readonly after: After
  /** Of the log that `after` belongs to, where the caller knows it. */
  readonly epoch: EpochId | null
  readonly signal: AbortSignal | null
}

export interface Connection {
  follow(stream: Stream, options: FollowOptions): AsyncIterableIterator<StoredEvent>
  /** Readers end quietly. Safe twice. */
  close(): void
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly socket: WebSocket }
  /** hello is said; what is sent now is read after it. */
  | { readonly kind: 'greeting'; readonly socket: WebSocket }
  | { readonly kind: 'ready'; readonly socket: WebSocket; readonly epoch: EpochId; readonly sinceMs: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'closed' }

/**
 * One WebSocket for however many readers. It opens with the first of them, comes back after every loss and asks
 * in its first frame for what each reader lacks; the cursors are all there is to remember.
 */
export function createConnection(options: ConnectionOptions): Connection {
  const { url, token, onStatus, random } = options
  const instance = crypto.randomUUID()
  const streams = new Map<Stream, ClientStream>()
  let state: State = { kind: 'idle' }
  let attempt = 0
  let lastFrameMs = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const wait = (ms: number, task: () => void): void => {
    clearTimeout(timer)
    timer = setTimeout(task, ms)
  }
  const isCurrent = (socket: WebSocket): boolean => 'socket' in state && state.socket === socket
  const send = (frame: ClientFrame): void => {
    if (state.kind === 'greeting' || state.kind === 'ready') state.socket.send(JSON.stringify(frame))
  }

  const connect = (): void => {
    const socket = new options.WebSocket(url, wireVersion)
    state = { kind: 'connecting', socket }
    onStatus({ kind: 'connecting' })
    wait(connectionLimits.connectMs, () => lose(socket, 1006, ''))
    socket.addEventListener('open', () => {
      if (isCurrent(socket)) greet(socket)
    })
    socket.addEventListener('message', ({ data }) => {
      if (isCurrent(socket) && typeof data === 'string') receive(socket, data)
    })
    socket.addEventListener('close', ({ code, reason }) => lose(socket, code, reason))
    // Node ends the process on an error nobody listens to; the close that follows tells all there is to tell.
    socket.addEventListener('error', () => {})
  }
  const greet = (socket: WebSocket): void => {
    state = { kind: 'greeting', socket }
    wait(connectionLimits.readyMs, () => lose(socket, 1006, ''))
    const all = [...streams.values()]
    const greeted = all.slice(0, limits.subscriptionsPerConnection)
    send({
      type: 'hello',
      instance,
      ...(token === null ? {} : { auth: token }),
      subs: greeted.flatMap((stream) => stream.resume() ?? []),
    })
    // hello holds no more; the server answers the rest with `limit`, and their readers learn it.
    for (const stream of all.slice(greeted.length)) stream.refresh()
  }
  const watchSilence = (socket: WebSocket): void => {
    const leftMs = connectionLimits.silenceMs - (performance.now() - lastFrameMs)
    if (leftMs <= 0) lose(socket, 1006, '')
    else wait(leftMs, () => watchSilence(socket))
  }

  const receive = (socket: WebSocket, text: string): void => {
    lastFrameMs = performance.now()
    let frame: ReceivedFrame | null
    try {
      frame = readFrame(text)
    } catch {
      // Not what this server sends: a broken proxy, perhaps. Another connection may do better, once.
      lose(socket, 1007, '')
      return
    }
    if (frame === null) return
    switch (frame.type) {
      case 'ready':
        state = { kind: 'ready', socket, epoch: frame.epoch, sinceMs: lastFrameMs }
        watchSilence(socket)
        onStatus({ kind: 'ready' })
        return
      case 'ping':
        send({ type: 'pong', n: frame.n })
        return
      case 'sub_ok':
      case 'sub_err':
      case 'ev':
      case 'live':
        if (state.kind === 'ready') streams.get(frame.stream)?.receive(frame, state.epoch)
        return
      case 'drain':
      case 'error':
        // A drain is followed by a close, and an error tells of a frame that was ignored.
        return
      default:
        frame satisfies never
    }
  }

  /** The connection is gone, or as good as gone. */
  const lose = (socket: WebSocket, code: number, reason: string): void => {
    if (!isCurrent(socket)) return
    clearTimeout(timer)
    if (state.kind === 'ready' && performance.now() - state.sinceMs >= backoffLimits.healthyMs) attempt = 0
    state = { kind: 'idle' }
    socket.close()
    const next = afterLoss({ code, reason, attempt }, random)
    if (next.kind === 'stop') {
      stop(code, reason)
      return
    }
    attempt = next.attempt
    if (streams.size === 0) {
      onStatus({ kind: 'idle' })
      return
    }
    state = { kind: 'waiting' }
    onStatus({ kind: 'waiting', retryInMs: next.delayMs })
    wait(next.delayMs, connect)
  }
  const stop = (code: number, reason: string): void => {
    attempt = 0
    onStatus({ kind: 'stopped', closeCode: code })
    const error = new HoldfastConnectionError(code, reason)
    for (const { followers } of streams.values()) for (const follower of followers) follower.fail(error)
    streams.clear()
  }

  return {
    follow(stream, { after, epoch, signal }) {
      if (state.kind === 'closed') throw new Error('This client is closed; create another one')
      const shared = streams.get(stream) ?? createStream(stream, send)
      streams.set(stream, shared)
      const follower = createFollower({
        after,
        epoch,
        signal,
        onTaken: () => shared.taken(),
        onEnd() {
          shared.followers.delete(follower)
          if (shared.followers.size > 0 || streams.get(stream) !== shared) return
          streams.delete(stream)
          send({ type: 'unsub', stream })
        },
      })
      shared.followers.add(follower)
      // A signal that was aborted before says so no more.
      if (signal?.aborted === true) follower.end()
      else if (state.kind === 'idle') connect()
      else shared.refresh()
      return follower.events
    },
    close() {
      clearTimeout(timer)
      const socket = 'socket' in state ? state.socket : null
      state = { kind: 'closed' }
      for (const { followers } of [...streams.values()]) for (const follower of [...followers]) follower.end()
      streams.clear()
      socket?.close(1000)
    },
  }
}
