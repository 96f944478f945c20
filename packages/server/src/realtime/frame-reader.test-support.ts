import { ServerFrame, type StoredEvent } from '@holdfast/protocol'
import { WebSocket } from 'ws'

/** A client that checks every frame against the contract and hands them out one by one. */
export interface FrameReader {
  readonly socket: WebSocket
  send(frame: object | string): void
  /** The next frame; it must be of this type. */
  next<Type extends ServerFrame['type']>(type: Type): Promise<Extract<ServerFrame, { type: Type }>>
  /** The next frame, whichever it is. */
  any(): Promise<ServerFrame>
  /** Events from any number of ev frames; other frames in between are passed over. */
  events(count: number): Promise<readonly StoredEvent[]>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export function readFrames(
  url: string,
  options: {
    readonly headers?: Record<string, string>
    readonly protocols?: string[]
    /** false: never says how far it is. */
    readonly acknowledges?: boolean
  } = {},
): FrameReader {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, options.protocols ?? ['holdfast.v1'], {
    headers: options.headers ?? {},
  })
  const queue: ServerFrame[] = []
  const waiting: (() => void)[] = []
  let unacknowledged = 0
  socket.on('message', (data) => {
    const frame = ServerFrame.parse(JSON.parse(String(data)))
    queue.push(frame)
    if (frame.type === 'ev' && options.acknowledges !== false) {
      unacknowledged += frame.items.length
      const seq = frame.items.at(-1)?.seq
      if (unacknowledged >= 64) {
        unacknowledged = 0
        socket.send(JSON.stringify({ type: 'ack', stream: frame.stream, seq }))
      }
    }
    waiting.shift()?.()
  })
  const close = Promise.withResolvers<{ readonly code: number; readonly reason: string }>()
  socket.on('close', (code, reason) => close.resolve({ code, reason: String(reason) }))
  socket.on('error', () => {})
  const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()))

  const take = async (): Promise<ServerFrame> => {
    for (;;) {
      const frame = queue.shift()
      if (frame !== undefined) return frame
      const arrival = Promise.withResolvers<void>()
      waiting.push(() => arrival.resolve())
      await Promise.race([
        arrival.promise,
        close.promise.then(({ code, reason }) => {
          throw new Error(`Closed with ${code} ${reason} while a frame was awaited`)
        }),
      ])
    }
  }
  return {
    socket,
    send(frame) {
      const text = typeof frame === 'string' ? frame : JSON.stringify(frame)
      void opened.then(() => socket.send(text))
    },
    async next(type) {
      const frame = await take()
      if (frame.type !== type) throw new Error(`Awaited ${type}, got ${JSON.stringify(frame)}`)
      return frame as Extract<ServerFrame, { type: typeof type }>
    },
    any: take,
    async events(count) {
      const events: StoredEvent[] = []
      while (events.length < count) {
        const frame = await take()
        if (frame.type === 'ev') events.push(...frame.items)
      }
      return events
    },
    closed: close.promise,
  }
}
