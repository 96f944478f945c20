import {
  type EventType,
  eventTypes,
  type Position,
  ServerFrame,
  type StoredEvent,
  Stream,
} from '@holdfast/protocol'
import type { ReceivedEvent } from './follower.ts'

/** A frame as this client understands it. */
export type ReceivedFrame =
  | Exclude<ServerFrame, { type: 'ev' }>
  | { readonly type: 'ev'; readonly stream: Stream; readonly items: readonly ReceivedEvent[] }

const known: ReadonlySet<string> = new Set<EventType>(eventTypes)

/**
 * null: a frame of a newer server that this client does not know; it ignores those. Events are not validated one
 * by one: they are many, and this server made them. Their places are what correctness hangs on.
 */
export function readFrame(text: string): ReceivedFrame | null {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) return null
  if (value['type'] !== 'ev') {
    const frame = ServerFrame.safeParse(value).data
    return frame === undefined || frame.type === 'ev' ? null : frame
  }
  const stream = Stream.parse(value['stream'])
  if (!Array.isArray(value['items'])) throw new Error('An ev frame without items')
  return { type: 'ev', stream, items: value['items'].map(readEvent) }
}

function readEvent(value: unknown): ReceivedEvent {
  if (!isObject(value) || !Number.isSafeInteger(value['seq'])) throw new Error('An event without its place')
  const isKnown = typeof value['type'] === 'string' && known.has(value['type'])
  return {
    seq: value['seq'] as Position,
    // The server's contract: a known type has the data of that type.
    event: isKnown ? (value as unknown as StoredEvent) : null,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
