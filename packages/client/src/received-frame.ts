import {
  type EventType,
  eventTypes,
  type LifecycleItem,
  lifecycleItems,
  type Position,
  ServerFrame,
  type StoredEvent,
  Stream,
  serverFrames,
} from '@holdfast/protocol'
import type { StreamErrorCode } from './errors.ts'

/** What a stream holds: events of a thread, or what happens to a user's threads. */
export type StreamItem = StoredEvent | LifecycleItem

/** `item` is null where its type is one that this client does not know: it takes its place and is not shown. */
export interface ReceivedItem {
  readonly seq: Position
  readonly item: StreamItem | null
}

export interface ReceivedItems {
  readonly type: 'items'
  readonly stream: Stream
  readonly items: readonly ReceivedItem[]
  /** Of the frame as text: what it takes of memory, more or less. */
  readonly chars: number
}

/** A frame as this client understands it. */
export type ReceivedFrame =
  | Exclude<ServerFrame, { type: 'ev' | 'lifecycle' | 'sub_err' }>
  | { readonly type: 'sub_err'; readonly stream: Stream; readonly code: StreamErrorCode }
  | ReceivedItems

const eventTypeNames: ReadonlySet<string> = new Set<EventType>(eventTypes)
const lifecycleTypeNames: ReadonlySet<string> = new Set(Object.keys(lifecycleItems))

/** The server means something else by a frame than this client: they are of different versions. */
export class OtherVersionError extends Error {
  override readonly name = 'OtherVersionError'
}

/**
 * null: a frame of a newer server that this client does not know; it ignores those. Events are not validated one
 * by one: they are many, and this server made them. Their places are what correctness hangs on.
 *
 * @throws {OtherVersionError} a frame of a known type with other content: passed over in silence, a `ready` or a
 *   `sub_ok` would leave a reader waiting for ever
 */
export function readFrame(text: string): ReceivedFrame | null {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) return null
  const { type } = value
  if (type !== 'ev' && type !== 'lifecycle') {
    if (typeof type !== 'string' || !(type in serverFrames)) return null
    const { data: frame } = ServerFrame.safeParse(value)
    if (frame === undefined || frame.type === 'ev' || frame.type === 'lifecycle')
      throw new OtherVersionError(`The server's frame ${type} is not one of this version`)
    return frame
  }
  const stream = Stream.parse(value['stream'])
  if (!Array.isArray(value['items'])) throw new Error(`A frame ${type} without items`)
  const known = type === 'ev' ? eventTypeNames : lifecycleTypeNames
  const items = value['items'].map((item) => readItem(item, known))
  return { type: 'items', stream, items, chars: text.length }
}

/** One event of a thread, as server-sent events carry it. */
export function readEvent(text: string): ReceivedItem {
  return readItem(JSON.parse(text), eventTypeNames)
}

function readItem(value: unknown, known: ReadonlySet<string>): ReceivedItem {
  if (!isObject(value) || !Number.isSafeInteger(value['seq'])) throw new Error('An event without its place')
  const isKnown = typeof value['type'] === 'string' && known.has(value['type'])
  return {
    seq: value['seq'] as Position,
    // The server's contract: a known type has the data of that type.
    item: isKnown ? (value as unknown as StreamItem) : null,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
