import {
  limits,
  position,
  ServerFrame,
  type StoredEvent,
  systemIdMaker,
  threadStream,
} from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { closeReason, encodeItems } from './frames.ts'
import type { Item } from './tail.ts'

const makeId = systemIdMaker()
const threadId = makeId('thread')
const stream = threadStream(threadId)

function event(seq: number, text: string): StoredEvent {
  return {
    id: makeId('event'),
    seq: position(seq),
    threadId,
    runId: makeId('run'),
    agent: 'test',
    at: '2026-11-23T10:00:00.000Z',
    type: 'agent_thinking',
    data: { step: 1, text },
  }
}

const itemOf = (event: StoredEvent): Item => {
  const json = JSON.stringify(event)
  return { seq: event.seq, json, bytes: Buffer.byteLength(json) }
}

describe('ev frames', () => {
  const parse = (frame: string) => {
    const parsed = ServerFrame.parse(JSON.parse(frame))
    if (parsed.type !== 'ev') throw new Error(`Not an ev frame: ${parsed.type}`)
    return parsed
  }

  test('hold at most limits.evFrameItems events, name their first place and lose none', () => {
    const events = Array.from({ length: limits.evFrameItems + 1 }, (_, index) => event(10 + index, 'x'))
    const frames = encodeItems(stream, events.map(itemOf)).map(parse)
    expect(frames.map(({ first, items }) => [first, items.length])).toEqual([
      [10, 256],
      [266, 1],
    ])
    expect(frames.flatMap(({ items }) => items)).toEqual(events)
  })

  test('have at most limits.evFrameBytes, counted in bytes and not in characters', () => {
    const events = Array.from({ length: 20 }, (_, index) => event(1 + index, '€'.repeat(10_000)))
    const frames = encodeItems(stream, events.map(itemOf))
    expect(frames.length).toBeGreaterThan(1)
    for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(limits.evFrameBytes)
    expect(frames.map(parse).flatMap(({ items }) => items)).toEqual(events)
  })
})

test('a close reason over 123 bytes is a bug that shows here and not inside ws', () => {
  expect(closeReason({ r: 'drain', ms: 1000 })).toBe('{"r":"drain","ms":1000}')
  expect(() => closeReason({ r: 'x'.repeat(120) })).toThrow('123')
})
