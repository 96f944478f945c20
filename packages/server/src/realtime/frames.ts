import { limits, type ServerFrame, type StoredEvent, type Stream } from '@holdfast/protocol'

export function encode(frame: ServerFrame): string {
  return JSON.stringify(frame)
}

/** Room for the frame's own fields around its items. */
const envelopeBytes = 256

/** `ev` frames for contiguous events, each within limits.evFrameItems and limits.evFrameBytes. */
export function encodeEvents(stream: Stream, events: readonly StoredEvent[]): string[] {
  const frames: string[] = []
  let items: string[] = []
  let bytes = envelopeBytes
  let first = events[0]?.seq ?? 0
  const flush = (): void => {
    // Each event becomes JSON once, though its size has to be known before the frame is cut.
    frames.push(
      `{"type":"ev","stream":${JSON.stringify(stream)},"first":${first},"items":[${items.join(',')}]}`,
    )
    items = []
    bytes = envelopeBytes
  }
  for (const event of events) {
    const item = JSON.stringify(event)
    const itemBytes = Buffer.byteLength(item) + 1
    if (items.length === limits.evFrameItems || (items.length > 0 && bytes + itemBytes > limits.evFrameBytes))
      flush()
    if (items.length === 0) first = event.seq
    items.push(item)
    bytes += itemBytes
  }
  if (items.length > 0) flush()
  return frames
}

/** Why a socket is closed, as a client reads it: RFC 6455 leaves 123 bytes for it. */
export function closeReason(reason: { readonly r: string; readonly ms?: number }): string {
  const text = JSON.stringify(reason)
  if (Buffer.byteLength(text) > 123) throw new Error(`Close reason over 123 bytes: ${text}`)
  return text
}
