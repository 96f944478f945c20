/** What a fault does to what passes by, in the words that faults are written in. */
import type { FaultContext, HttpMessage, ProxiedSocket } from './fault-proxy.ts'

type Frame = Record<string, unknown>
export interface Item {
  readonly seq: number
  readonly type: string
  readonly runId: string
}

export const itemsOf = (frame: Frame): readonly Item[] =>
  frame['type'] === 'ev' && Array.isArray(frame['items']) ? (frame['items'] as Item[]) : []

/** Frames of one item each: so single events can be dropped, doubled and exchanged without a gap inside a frame. */
const split = (frame: Frame): readonly Frame[] =>
  itemsOf(frame).map((item) => ({ ...frame, first: item.seq, items: [item] }))

/** Changes what an `ev` frame carries, item by item; other frames pass. */
export const items =
  (change: (one: Frame, item: Item, socket: ProxiedSocket, context: FaultContext) => readonly object[]) =>
  (frame: Frame, socket: ProxiedSocket, context: FaultContext): readonly object[] =>
    frame['type'] === 'ev'
      ? split(frame).flatMap((one) => {
          const [item] = itemsOf(one)
          return item === undefined ? [] : change(one, item, socket, context)
        })
      : [frame]

export const json = (message: HttpMessage, change: (body: Frame) => unknown): void => {
  try {
    message.body = JSON.stringify(change(JSON.parse(message.body) as Frame))
  } catch {
    // What is no JSON stays as it is.
  }
}

export const once = (context: FaultContext, key: string): boolean => {
  if (context.state.has(key)) return false
  context.state.set(key, true)
  return true
}

export const isEventsPage = (path: string): boolean => /^\/v1\/threads\/[^/]+\/events/.test(path)
export const resumesAfter = (socket: ProxiedSocket): number | null => {
  for (const after of socket.subs.values()) if (typeof after === 'number' && after > 0) return after
  return null
}

/** Remembers the credentials that were good, as a server that confuses users would have them at hand. */
export const remember = (context: FaultContext, headers: Record<string, string>, path = ''): void => {
  const { authorization } = headers
  if (authorization === undefined) return
  const [, id] = /(thr_[0-9A-Z]{26}|run_[0-9A-Z]{26})/.exec(path) ?? []
  if (id !== undefined && !context.state.has(`owner ${id}`)) context.state.set(`owner ${id}`, authorization)
  if (!context.state.has('good')) context.state.set('good', authorization)
}
