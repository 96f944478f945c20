/**
 * The fallback where no WebSocket can be opened: one `GET /v1/threads/:id/events` with `Accept: text/event-stream`
 * for each thread, from the same cursors, spoken to and heard as if it were the connection. By fetch and not by
 * EventSource, which can send no bearer token. `user/me` is not among what they carry.
 *
 * A page of one event comes first: it names the epoch and the head, and refuses a cursor of another log.
 */
import {
  type ClientFrame,
  EventPage,
  type Position,
  Session,
  type Stream,
  type Subscription,
  start,
  streamThread,
  type ThreadStream,
  userStream,
} from '@holdfast/protocol'
import { HoldfastHttpError, HoldfastNetworkError, type StreamErrorCode } from './errors.ts'
import { createEventStreamParser } from './event-stream-parser.ts'
import { call, callJson, type HttpOptions } from './http.ts'
import { type ReceivedFrame, readEvent } from './received-frame.ts'
import type { Transport, TransportPort } from './transport.ts'

export interface EventStreamOptions {
  readonly http: HttpOptions
  readonly setTimer: (task: () => void, delayMs: number) => () => void
  /** A request that says nothing for this long, not even a comment, is dead, and so is what it was asked for. */
  readonly silenceMs: number
}

const refusals: Readonly<Record<string, StreamErrorCode>> = {
  not_found: 'not_found',
  epoch_changed: 'epoch_changed',
  limit_reached: 'limit',
}

export function openEventStreams(options: EventStreamOptions, port: TransportPort): Transport {
  const { http } = options
  const open = new Map<Stream, AbortController>()
  /** Questions without an answer. Each gets one, as over a WebSocket: also those that a newer one took the place of. */
  const owed = new Map<Stream, number>()
  let closed = false

  const stop = (stream: Stream): void => {
    open.get(stream)?.abort()
    open.delete(stream)
  }
  const begin = ({ stream, after, epoch }: Subscription): void => {
    stop(stream)
    owed.set(stream, (owed.get(stream) ?? 0) + 1)
    const controller = new AbortController()
    open.set(stream, controller)
    const { signal } = controller
    // C2: from the first request on. Aborting ends the reading; who aborted decides what is made of it.
    const silent = (): void => {
      if (!signal.aborted) port.lost(1006, '')
    }
    let cancelSilence = options.setTimer(silent, options.silenceMs)
    const alive = (): void => {
      cancelSilence()
      cancelSilence = options.setTimer(silent, options.silenceMs)
      port.alive()
    }
    const task = stream === userStream ? decline(signal) : follow({ stream, after, epoch }, signal, alive)
    task
      .catch((error: unknown) => {
        if (!signal.aborted) refuse(stream, error)
      })
      .finally(() => cancelSilence())
  }
  const answer = (frame: Extract<ReceivedFrame, { type: 'sub_ok' | 'sub_err' }>): void => {
    const times = owed.get(frame.stream) ?? 1
    owed.delete(frame.stream)
    for (let time = 0; time < times; time += 1) port.frame(frame)
  }

  /** Only a server that is there can be said not to offer a WebSocket: one that is away may offer it when it is back. */
  const decline = async (signal: AbortSignal): Promise<void> => {
    await callJson(http, { method: 'GET', path: '/v1/session', signal }, Session)
    if (!signal.aborted) answer({ type: 'sub_err', stream: userStream, code: 'websocket_required' })
  }

  const follow = async (
    { stream, after, epoch }: Omit<Subscription, 'stream'> & { readonly stream: ThreadStream },
    signal: AbortSignal,
    alive: () => void,
  ): Promise<void> => {
    const path = `/v1/threads/${streamThread(stream)}/events`
    const known = typeof after === 'number' ? after : start
    const query = new URLSearchParams({ after: String(known), limit: '1', ...(epoch && { epoch }) })
    const page = await callJson(http, { method: 'GET', path: `${path}?${query}`, signal }, EventPage)
    if (signal.aborted) return
    alive()
    port.epoch(page.epoch)
    answer({ type: 'sub_ok', stream, floor: start, head: page.head })
    // Who heard this may have asked for something else.
    if (signal.aborted) return
    const from = after === 'head' ? page.head : known
    await read({ stream, path: `${path}?epoch=${page.epoch}`, from }, signal, alive)
    // The server has ended it, as it does when it stops or when its time is over.
    if (!signal.aborted) port.lost(1006, '')
  }

  const read = async (
    request: { readonly stream: ThreadStream; readonly path: string; readonly from: Position },
    signal: AbortSignal,
    alive: () => void,
  ): Promise<void> => {
    const headers = { accept: 'text/event-stream', 'last-event-id': String(request.from) }
    const response = await call(http, { method: 'GET', path: request.path, headers, signal })
    if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      throw new HoldfastNetworkError(new TypeError('The server does not offer server-sent events'))
    const parse = createEventStreamParser()
    // Not `for await`: Safari cannot.
    const reader = response.body.getReader()
    for (;;) {
      const { value: chunk, done } = await reader.read()
      if (done || signal.aborted) return
      alive()
      // Messages that are no events have a name of their own, such as `live`.
      const items = parse(chunk).flatMap(({ event, data }) => (event === 'message' ? readEvent(data) : []))
      if (items.length > 0)
        port.frame({ type: 'items', stream: request.stream, items, chars: chunk.byteLength })
    }
  }

  const refuse = (stream: Stream, error: unknown): void => {
    if (!(error instanceof HoldfastHttpError)) {
      // A network that fails, or an answer that is not this server's: another try may do better.
      port.lost(error instanceof TypeError ? 1006 : 1007, '')
      return
    }
    const code = refusals[error.code]
    if (code !== undefined) answer({ type: 'sub_err', stream, code })
    else if (error.status === 401) port.lost(4501, '')
    else if (error.status === 403) port.lost(4503, '')
    else port.lost(1013, JSON.stringify({ r: 'http', ms: error.retryAfterMs }))
  }

  return {
    send(frame: ClientFrame) {
      if (closed) return
      switch (frame.type) {
        case 'hello':
          for (const subscription of frame.subs ?? []) begin(subscription)
          return
        case 'sub':
          begin(frame)
          return
        case 'unsub':
          stop(frame.stream)
          return
        case 'ack':
        case 'auth':
        case 'pong':
          // HTTP has its own flow control, and each request its own credentials.
          return
        default:
          frame satisfies never
      }
    },
    close() {
      closed = true
      for (const stream of [...open.keys()]) stop(stream)
    },
  }
}
