import { expect, test } from 'vitest'
import { StoredEvent, UserMessage } from './events.ts'
import { ClientFrame, serverFrames } from './frames.ts'
import { createIdMaker, position } from './ids.ts'
import { limits } from './limits.ts'
import { CreateThread, SubmitRun } from './resources.ts'

const make = createIdMaker(
  () => 1_700_000_000_000,
  (bytes) => bytes.fill(1),
)

test('limits say their unit or what they count, and are whole', () => {
  for (const [name, value] of Object.entries(limits)) {
    expect(name).toMatch(/(Bytes|Ms|Length|Items|PerMessage|PerConnection|PerUser|PerSecond|Days)$/)
    expect(Number.isSafeInteger(value) && value > 0).toBe(true)
  }
})

test('what fits in a page, a frame or a body fits in it', () => {
  expect(limits.eventBytes).toBeLessThanOrEqual(limits.evFrameBytes)
  expect(limits.eventBytes).toBeLessThanOrEqual(limits.eventsPageBytes)
  expect(limits.evFrameItems).toBeLessThanOrEqual(limits.eventsPageItems)
  // A message as JSON takes at most six bytes a character (\u0000) and still has to fit in a body.
  expect(limits.messageTextBytes * 6).toBeLessThanOrEqual(limits.jsonBodyBytes)
})

test.each([
  [
    'a message',
    limits.messageTextBytes,
    (size: number) => SubmitRun.safeParse({ message: 'x'.repeat(size) }),
  ],
  [
    'files of a message',
    limits.filesPerMessage,
    (size: number) =>
      UserMessage.safeParse({
        id: make('message'),
        text: 'x',
        files: Array.from({ length: size }, () => make('file')),
      }),
  ],
  [
    'a title',
    limits.threadTitleLength,
    (size: number) => CreateThread.safeParse({ title: 'x'.repeat(size) }),
  ],
  [
    'subscriptions in hello',
    limits.subscriptionsPerConnection,
    (size: number) => {
      const stream = `thread/${make('thread')}`
      const subs = Array.from({ length: size }, () => ({ stream, after: 'start' }))
      return ClientFrame.safeParse({ type: 'hello', instance: 'a', subs })
    },
  ],
  [
    'events of a frame',
    limits.evFrameItems,
    (size: number) => {
      const threadId = make('thread')
      const item = StoredEvent.parse({
        id: make('event'),
        seq: 1,
        threadId,
        runId: make('run'),
        agent: 'data-helper',
        type: 'agent_cancelled',
        at: '2026-11-23T12:00:00.000Z',
        data: { by: 'user' },
      })
      const items = Array.from({ length: size }, () => item)
      return serverFrames.ev.safeParse({
        type: 'ev',
        stream: `thread/${threadId}`,
        first: position(1),
        items,
      })
    },
  ],
])('%s: %i are accepted, one more is not', (_name, most, parse) => {
  expect(parse(most).success).toBe(true)
  expect(parse(most + 1).success).toBe(false)
})
