/**
 * The fallback where no WebSocket can be opened: one `GET /v1/threads/:id/events` with `Accept: text/event-stream`
 * for each thread, from the same cursors, spoken to and heard as if it were the connection. By fetch and not by
 * EventSource, which can send no bearer token.
 *
 * A page of one event comes first: it names the epoch and the head, and refuses a cursor of another log.
 */
import {
  type ClientFrame,
  EventPage,
  type Position,
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
import { readEvent } from './received-frame.ts'
import type { Transport, TransportPort } from './transport.ts'

export interface EventStreamOptions {
  readonly http: HttpOptions
  readonly setTimer: (task: () => void, delayMs: number) => () => void
  /** Of one thread: a stream that says nothing for this long, not even a comment, is dead. */
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
  let closed = false

  const stop = (stream: Stream): void => {
    open.get(stream)?.abort()
    open.delete(stream)
  }
  const begin = ({ stream, after, epoch }: Subscription): void => {
    stop(stream)
    if (stream === userStream) {
      // Told later: who asked is still asking.
      queueMicrotask(() => {
        if (!closed) port.frame({ type: 'sub_err', stream, code: 'websocket_required' })
      })
      return
    }
    const controller = new AbortController()
    open.set(stream, controller)
    const { signal } = controller
    follow({ stream, after, epoch }, controller).catch((error: unknown) => {
      if (!signal.aborted) refuse(stream, error)
    })
  }

  const follow = async (
    { stream, after, epoch }: Omit<Subscription, 'stream'> & { readonly stream: ThreadStream },
    controller: AbortController,
  ): Promise<void> => {
    const { signal } = controller
    const path = `/v1/threads/${streamThread(stream)}/events`
    const known = typeof after === 'number' ? after : start
    const query = new URLSearchParams({ after: String(known), limit: '1', ...(epoch && { epoch }) })
    const page = EventPage.parse(await callJson(http, { method: 'GET', path: `${path}?${query}`, signal }))
    if (signal.aborted) return
    port.alive()
    port.epoch(page.epoch)
    port.frame({ type: 'sub_ok', stream, floor: start, head: page.head })
    const from = after === 'head' ? page.head : known
    await read({ stream, path: `${path}?epoch=${page.epoch}`, from }, controller)
    // The server has ended it, as it does when it stops or when its time is over.
    if (!signal.aborted) port.lost(1006, '')
  }

  const read = async (
    request: { readonly stream: ThreadStream; readonly path: string; readonly from: Position },
    controller: AbortController,
  ): Promise<void> => {
    const { signal } = controller
    const headers = { accept: 'text/event-stream', 'last-event-id': String(request.from) }
    // Aborting ends the reading; who aborted decides what is made of it.
    const silent = (): void => port.lost(1006, '')
    let cancelSilence = options.setTimer(silent, options.silenceMs)
    try {
      const response = await call(http, { method: 'GET', path: request.path, headers, signal })
      if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream'))
        throw new HoldfastNetworkError(new TypeError('The server does not offer server-sent events'))
      const parse = createEventStreamParser()
      // Not `for await`: Safari cannot.
      const reader = response.body.getReader()
      for (;;) {
        const { value: chunk, done } = await reader.read()
        if (done || signal.aborted) return
        cancelSilence()
        cancelSilence = options.setTimer(silent, options.silenceMs)
        port.alive()
        // Messages that are no events have a name of their own, such as `live`.
        const items = parse(chunk).flatMap(({ event, data }) => (event === 'message' ? readEvent(data) : []))
        if (items.length > 0)
          port.frame({ type: 'items', stream: request.stream, items, chars: chunk.byteLength })
      }
    } finally {
      cancelSilence()
    }
  }

  const refuse = (stream: Stream, error: unknown): void => {
    if (!(error instanceof HoldfastHttpError)) {
      // A network that fails, or an answer that is not this server's: another try may do better.
      port.lost(error instanceof TypeError ? 1006 : 1007, '')
      return
    }
    const code = refusals[error.code]
    if (code !== undefined) port.frame({ type: 'sub_err', stream, code })
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
