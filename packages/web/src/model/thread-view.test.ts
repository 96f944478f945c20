import {
  type EventData,
  type EventType,
  position,
  type RunId,
  type StoredEvent,
  systemIdMaker,
} from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { activeTurn, applyEvents, emptyView, prependEvents } from './thread-view.ts'

const makeId = systemIdMaker()
const threadId = makeId('thread')

/** Events of one thread in the order of their log. */
function createLog() {
  const events: StoredEvent[] = []
  const add = <Type extends EventType>(runId: RunId, type: Type, data: EventData<Type>): void => {
    const seq = position(events.length + 1)
    const at = new Date(1_700_000_000_000 + seq * 1_000).toISOString()
    events.push({ id: makeId('event'), seq, threadId, runId, agent: 'a', type, at, data } as StoredEvent)
  }
  const queue = (text: string): RunId => {
    const runId = makeId('run')
    add(runId, 'run_queued', { message: { id: makeId('message'), text, files: [] }, policy: 'queue' })
    return runId
  }
  return { events, add, queue }
}
const started = { attempt: 1, model: 'offline', offline: true } as const
const completed = (messageId: EventData<'agent_completed'>['messageId']): EventData<'agent_completed'> => ({
  outcome: 'answered',
  messageId,
  summary: 'Well',
  durationMs: 5,
  usage: { inputTokens: 0, outputTokens: 0, steps: 1 },
})

test('a run is told from its question to its end, and other turns keep their identity', () => {
  const { events, add, queue } = createLog()
  const first = queue('One?')
  add(first, 'agent_cancelled', { by: 'user' })
  const before = applyEvents(emptyView, events)
  const second = queue('Two?')
  const messageId = makeId('message')
  add(second, 'agent_started', started)
  add(second, 'message_delta', { messageId, text: 'Hel' })
  add(second, 'message_delta', { messageId, text: 'lo' })
  add(second, 'agent_completed', completed(messageId))
  const after = applyEvents(before, events.slice(2))
  expect(after.order).toEqual([first, second])
  expect(after.turns.get(first)).toBe(before.turns.get(first))
  expect(after.turns.get(second)).toMatchObject({ text: 'Hello', phase: 'ended', end: { kind: 'answered' } })
  expect(after.seq).toBe(7)
})

test('a take-over is a step, drops what the lost attempt was saying, and keeps the row of a call that runs again', () => {
  const { events, add, queue } = createLog()
  const run = queue('One?')
  const callId = makeId('call')
  const call = { callId, tool: 'profile', effect: 'pure', input: {} } as const
  add(run, 'agent_started', started)
  add(run, 'tool_executing', call)
  add(run, 'message_delta', { messageId: makeId('message'), text: 'lost' })
  add(run, 'agent_started', { ...started, attempt: 2 })
  add(run, 'tool_executing', call)
  add(run, 'tool_completed', { callId, tool: 'profile', ok: true, durationMs: 7, artifacts: [] })
  add(run, 'message_delta', { messageId: makeId('message'), text: 'kept' })
  const turn = applyEvents(emptyView, events).turns.get(run)
  expect(turn?.text).toBe('kept')
  expect(turn?.steps).toMatchObject([
    { kind: 'tool', state: 'done', durationMs: 7 },
    { kind: 'takeover', attempt: 2 },
  ])
})

test('an earlier message of the same run becomes a step when the next one begins', () => {
  const { events, add, queue } = createLog()
  const run = queue('One?')
  add(run, 'agent_started', started)
  add(run, 'message_delta', { messageId: makeId('message'), text: 'Let me look.' })
  add(run, 'message_delta', { messageId: makeId('message'), text: 'It is 7.' })
  const turn = applyEvents(emptyView, events).turns.get(run)
  expect([turn?.text, turn?.steps]).toEqual(['It is 7.', [{ kind: 'thought', text: 'Let me look.' }]])
})

test('wherever the log is cut, the part before put in front gives the whole view', () => {
  const { events, add, queue } = createLog()
  const first = queue('One?')
  add(first, 'agent_started', started)
  // The second is asked while the first is at work: its events lie among those of the first.
  const second = queue('Two?')
  const requestId = makeId('request')
  const messageId = makeId('message')
  add(first, 'message_delta', { messageId, text: 'a' })
  add(first, 'data_requested', { requestId, playbook: 'p', sufficiency: 'insufficient', items: [] })
  add(first, 'agent_completed', completed(messageId))
  add(second, 'agent_started', started)
  add(second, 'data_received', { requestId, fileId: makeId('file'), satisfied: ['time'] })
  const whole = applyEvents(emptyView, events)
  for (let cut = 0; cut <= events.length; cut += 1) {
    const late = applyEvents(emptyView, events.slice(cut))
    const joined = prependEvents(late, events.slice(0, cut))
    expect([joined.order, joined.turns, joined.satisfied, joined.cut]).toEqual([
      whole.order,
      whole.turns,
      whole.satisfied,
      whole.cut,
    ])
  }
  expect(whole.satisfied.get(requestId)).toEqual(new Set(['time']))
})

test('what runs is active, else what waits longest', () => {
  const { events, add, queue } = createLog()
  const first = queue('One?')
  const second = queue('Two?')
  expect(activeTurn(applyEvents(emptyView, events))?.runId).toBe(first)
  add(first, 'agent_cancelled', { by: 'user' })
  add(second, 'agent_started', started)
  queue('Three?')
  expect(activeTurn(applyEvents(emptyView, events))?.runId).toBe(second)
})

test('an event of a type that this page does not know changes nothing', () => {
  const { events, queue } = createLog()
  const run = queue('One?')
  const [known] = events
  const unknown = { ...known, seq: 2, type: 'agent_sang', data: {} } as unknown as StoredEvent
  const view = applyEvents(emptyView, [...events, unknown])
  expect(view.turns.get(run)).toMatchObject({ phase: 'queued' })
  expect(view.seq).toBe(2)
})
