import { expect, test } from 'vitest'
import type { NewEvent, StoredEvent } from './events.ts'
import { position, systemIdMaker } from './ids.ts'
import { requestsOf } from './requests.ts'

const makeId = systemIdMaker()
const [threadId, runId, first, second] = [
  makeId('thread'),
  makeId('run'),
  makeId('request'),
  makeId('request'),
]
const [file, other] = [makeId('file'), makeId('file')]

const stored = (events: readonly NewEvent[]): StoredEvent[] =>
  events.map((event, index) => ({
    ...event,
    id: makeId('event'),
    seq: position(index + 1),
    threadId,
    runId,
    agent: 'data-helper',
    at: '2026-11-27T04:00:00.000Z',
  }))
const item = (field: string) => ({ field, why: '', format: '', sample: '', howTo: [], unlocks: '' })
const asked = (requestId: typeof first, ...fields: readonly string[]): NewEvent => ({
  type: 'data_requested',
  data: { requestId, playbook: 'latency_tail', sufficiency: 'insufficient', items: fields.map(item) },
})
const came = (requestId: typeof first, fileId: typeof file, ...satisfied: string[]): NewEvent => ({
  type: 'data_received',
  data: { requestId, fileId, satisfied },
})
const read = (events: readonly NewEvent[], files: readonly (typeof file)[]) =>
  requestsOf(stored(events), new Set(files)).map(({ id, state, items }) => ({
    id,
    state,
    items: items.map(({ field, fileId }) => [field, fileId]),
  }))

test('items are satisfied one by one, and the request with the last of them', () => {
  const begun = [asked(first, 'time', 'latency_ms'), came(first, file, 'time')]
  expect(read(begun, [file])).toEqual([
    {
      id: first,
      state: 'open',
      items: [
        ['time', file],
        ['latency_ms', null],
      ],
    },
  ])
  expect(read([...begun, came(first, other, 'latency_ms')], [file, other])).toMatchObject([
    { state: 'satisfied' },
  ])
})

test('what a removed file brought is missing again', () => {
  const events = [asked(first, 'time'), came(first, file, 'time')]
  expect(read(events, [file])).toMatchObject([{ state: 'satisfied' }])
  expect(read(events, [])).toEqual([{ id: first, state: 'open', items: [['time', null]] }])
})

test('what is asked anew takes the place of what was asked before', () => {
  const events = [asked(first, 'time', 'latency_ms'), came(first, file, 'time'), asked(second, 'latency_ms')]
  expect(read(events, [file])).toMatchObject([
    { id: first, state: 'superseded' },
    { id: second, state: 'open' },
  ])
})

test('a file that brought nothing of it, or that belongs to no request, changes nothing', () => {
  expect(read([asked(first, 'time'), came(first, file), came(second, file, 'time')], [file])).toMatchObject([
    { state: 'open', items: [['time', null]] },
  ])
})
