import { type CloseReason, limits, type ServerFrame, type Stream, userStream } from '@holdfast/protocol'
import type { Item } from './tail.ts'

export function encode(frame: ServerFrame): string {
  return JSON.stringify(frame)
}

/** Room for the frame's own fields around its items. */
const envelopeBytes = 256

/** `ev` (a thread's) or `lifecycle` frames for contiguous items, each within limits.evFrameItems and limits.evFrameBytes. */
export function encodeItems(stream: Stream, items: readonly Item[]): string[] {
  const type = stream === userStream ? 'lifecycle' : 'ev'
  const frames: string[] = []
  let texts: string[] = []
  let bytes = envelopeBytes
  let first = items[0]?.seq ?? 0
  const flush = (): void => {
    // Each item became JSON once, for all connections: a frame is put together from texts.
    frames.push(`{"type":"${type}","stream":"${stream}","first":${first},"items":[${texts.join(',')}]}`)
    texts = []
    bytes = envelopeBytes
  }
  for (const item of items) {
    const itemBytes = item.bytes + 1
    if (texts.length === limits.evFrameItems || (texts.length > 0 && bytes + itemBytes > limits.evFrameBytes))
      flush()
    if (texts.length === 0) first = item.seq
    texts.push(item.json)
    bytes += itemBytes
  }
  if (texts.length > 0) flush()
  return frames
}

/** Why a socket is closed, as a client reads it: RFC 6455 leaves 123 bytes for it. */
export function closeReason(reason: CloseReason): string {
  const text = JSON.stringify(reason)
  if (Buffer.byteLength(text) > 123) throw new Error(`Close reason over 123 bytes: ${text}`)
  return text
}
