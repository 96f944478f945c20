import type { WebSocketConstructor } from '@holdfast/client'
import { type StoredEvent, type Stream, streamThread } from '@holdfast/protocol'
import { digestOf, type JournalLine } from './journal.ts'

/** The part of a frame that is evidence; the rest is the client's business. */
interface Frame {
  readonly type: string
  readonly stream?: Stream
  readonly items?: readonly StoredEvent[]
  readonly head?: number
  readonly after?: number | 'start' | 'head'
  readonly subs?: readonly Frame[]
}

/**
 * The platform's WebSocket, which writes down each frame before the client sees it. What arrives after the client
 * has turned away from a socket is not written: the client takes no notice of it either.
 */
export function recordingWebSocket(
  client: number,
  nextConnection: () => number,
  write: (line: JournalLine) => void,
): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol)
      const connection = nextConnection()
      write(['opened', Date.now(), client, connection])
      let left = false
      const leave = (code: number | null): void => {
        if (left) return
        left = true
        write(['lost', Date.now(), client, connection, code])
      }
      this.addEventListener('message', ({ data }) => {
        if (left || typeof data !== 'string') return
        const { type, stream, items, head = 0 } = JSON.parse(data) as Frame
        if (stream === undefined || stream === 'user/me') return
        const thread = streamThread(stream)
        const atMs = Date.now()
        if (type === 'sub_ok') {
          const after = asked.get(stream)?.shift()
          const from = typeof after === 'number' ? after : after === 'head' ? head : 0
          write(['subscribed', atMs, client, connection, thread, head, from])
        } else if (type === 'live') write(['live', atMs, client, connection, thread])
        else if (type === 'ev' && items !== undefined)
          write([
            'frame',
            atMs,
            client,
            connection,
            thread,
            items.map((event) => [event.seq, digestOf(event)]),
          ])
      })
      /** What each subscription asked for that is not answered yet. */
      const asked = new Map<Stream, Frame['after'][]>()
      this.send = (data) => {
        const frame = JSON.parse(String(data)) as Frame
        for (const { stream, after } of [frame, ...(frame.subs ?? [])])
          if (stream !== undefined && after !== undefined)
            asked.set(stream, [...(asked.get(stream) ?? []), after])
        super.send(data)
      }
      this.addEventListener('close', ({ code }) => leave(code))
      this.close = (...reason) => {
        leave(null)
        super.close(...reason)
      }
    }
  }
}
