import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EventType, eventTypes, type NewEvent, type TerminalType, terminalTypes } from './events.ts'
import { type CallId, createIdMaker } from './ids.ts'
import { advanceRun, newRun, type RunOrder } from './run-order.ts'

const make = createIdMaker(
  () => 1_700_000_000_000,
  (bytes) => bytes.fill(1),
)
const messageId = make('message')
const open = make('call')
const other = make('call')

/** One event of each type, as far as the order looks at it. */
const sample = (
  callId: CallId,
  attempt: number,
): { readonly [Type in EventType]: NewEvent & { type: Type } } => ({
  run_queued: {
    type: 'run_queued',
    data: { message: { id: messageId, text: 'x', files: [] }, policy: 'queue' },
  },
  agent_started: { type: 'agent_started', data: { attempt, model: 'offline', offline: true } },
  agent_thinking: { type: 'agent_thinking', data: { step: 1, text: 'x' } },
  message_delta: { type: 'message_delta', data: { messageId, text: 'x' } },
  tool_executing: { type: 'tool_executing', data: { callId, tool: 'profile', effect: 'pure', input: {} } },
  tool_completed: {
    type: 'tool_completed',
    data: { callId, tool: 'profile', ok: true, durationMs: 1, artifacts: [] },
  },
  data_requested: {
    type: 'data_requested',
    data: { requestId: make('request'), playbook: 'cost', sufficiency: 'insufficient', items: [] },
  },
  data_received: {
    type: 'data_received',
    data: { requestId: make('request'), fileId: make('file'), satisfied: [] },
  },
  artifact_created: {
    type: 'artifact_created',
    data: { artifactId: make('artifact'), kind: 'table', title: 'x', bytes: 1 },
  },
  agent_completed: {
    type: 'agent_completed',
    data: {
      outcome: 'answered',
      messageId,
      summary: 'x',
      durationMs: 1,
      usage: { inputTokens: 0, outputTokens: 0, steps: 1 },
    },
  },
  agent_failed: { type: 'agent_failed', data: { code: 'internal', message: 'x', retryable: false } },
  agent_cancelled: { type: 'agent_cancelled', data: { by: 'user' } },
})

type StateName = 'new' | 'queued' | 'running' | 'running with an open call' | 'ended'
const states: Readonly<Record<StateName, RunOrder>> = {
  new: newRun,
  queued: { kind: 'queued' },
  running: { kind: 'running', attempt: 1, open: new Set() },
  'running with an open call': { kind: 'running', attempt: 1, open: new Set([open]) },
  ended: { kind: 'ended', by: 'agent_completed' },
}

type Answer = 'queued' | 'running' | 'ended' | 'refused'
const middle = {
  agent_thinking: 'running',
  message_delta: 'running',
  data_requested: 'running',
  data_received: 'running',
  artifact_created: 'running',
} as const
const nothing = Object.fromEntries(eventTypes.map((type) => [type, 'refused'])) as Record<EventType, Answer>

/** Every state × every event type. The event names the open call and attempt 2. */
const table: Readonly<Record<StateName, Readonly<Record<EventType, Answer>>>> = {
  new: { ...nothing, run_queued: 'queued' },
  queued: { ...nothing, agent_started: 'running', agent_failed: 'ended', agent_cancelled: 'ended' },
  running: {
    ...nothing,
    ...middle,
    agent_started: 'running',
    tool_executing: 'running',
    agent_completed: 'ended',
    agent_failed: 'ended',
    agent_cancelled: 'ended',
  },
  'running with an open call': { ...nothing, ...middle, agent_started: 'running', tool_completed: 'running' },
  ended: nothing,
}

const cells = (Object.keys(table) as StateName[]).flatMap((state) =>
  eventTypes.map((type) => ({ state, type, answer: table[state][type] })),
)

test.each(cells)('$state + $type → $answer', ({ state, type, answer }) => {
  const check = advanceRun(states[state], sample(open, 2)[type])
  expect(check.ok ? check.next.kind : 'refused').toBe(answer)
})

describe('what a cell of the table cannot say', () => {
  const running = states['running with an open call']

  test('a second call may be open beside the first, and is closed by its own id', () => {
    const both = advanceRun(running, sample(other, 1).tool_executing)
    expect(both).toEqual({ ok: true, next: { kind: 'running', attempt: 1, open: new Set([open, other]) } })
    if (!both.ok) return
    expect(advanceRun(both.next, sample(open, 1).tool_completed)).toEqual({
      ok: true,
      next: { kind: 'running', attempt: 1, open: new Set([other]) },
    })
  })

  test('a call is not closed twice, nor one that was never opened', () => {
    expect(advanceRun(running, sample(other, 1).tool_completed)).toMatchObject({ ok: false })
  })

  test('[R3] a take-over keeps open calls', () => {
    expect(advanceRun(running, sample(open, 2).agent_started)).toEqual({
      ok: true,
      next: { kind: 'running', attempt: 2, open: new Set([open]) },
    })
  })

  test.each([0, 1])('attempt %i after attempt 1 is refused', (attempt) => {
    expect(advanceRun(running, sample(open, attempt).agent_started)).toEqual({
      ok: false,
      violation: `attempt ${attempt} after attempt 1`,
    })
  })

  test('a violation names the events and the call', () => {
    expect(advanceRun(running, sample(open, 1).agent_completed)).toEqual({
      ok: false,
      violation: `agent_completed while call ${open} is open`,
    })
    expect(advanceRun({ kind: 'ended', by: 'agent_failed' }, sample(open, 1).agent_thinking)).toEqual({
      ok: false,
      violation: 'agent_thinking after agent_failed: nothing follows the terminal event',
    })
  })

  test('the state given is not changed', () => {
    advanceRun(running, sample(other, 1).tool_executing)
    expect(running).toEqual({ kind: 'running', attempt: 1, open: new Set([open]) })
  })
})

const calls = [make('call'), make('call'), make('call')] as const
const anyEvent = fc
  .record({
    type: fc.constantFrom(...eventTypes),
    call: fc.constantFrom(...calls),
    attempt: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ type, call, attempt }): NewEvent => sample(call, attempt)[type])
const isTerminal = (type: EventType): type is TerminalType =>
  (terminalTypes as readonly EventType[]).includes(type)

/** The events of a random sequence that the order lets through. */
function accepted(events: readonly NewEvent[]): {
  readonly state: RunOrder
  readonly kept: readonly NewEvent[]
} {
  let state = newRun
  const kept: NewEvent[] = []
  for (const event of events) {
    const check = advanceRun(state, event)
    if (!check.ok) continue
    state = check.next
    kept.push(event)
  }
  return { state, kept }
}

describe('whatever is tried, what is let through', () => {
  // Begun properly, or hardly any random sequence would get past its first event.
  const sequence = fc
    .array(anyEvent, { maxLength: 60 })
    .map((events): NewEvent[] => [sample(open, 1).run_queued, sample(open, 1).agent_started, ...events])

  test('[R4] has at most one terminal event, and nothing after it', () => {
    fc.assert(
      fc.property(sequence, (events) => {
        const { state, kept } = accepted(events)
        const terminal = kept.findIndex(({ type }) => isTerminal(type))
        expect(state.kind === 'ended').toBe(terminal !== -1)
        if (terminal !== -1) expect(terminal).toBe(kept.length - 1)
      }),
    )
  })

  test('closes every call exactly once before the end', () => {
    fc.assert(
      fc.property(sequence, (events) => {
        const { state, kept } = accepted(events)
        const count = (type: EventType, call: CallId): number =>
          kept.filter((event) => event.type === type && 'callId' in event.data && event.data.callId === call)
            .length
        for (const call of calls) {
          const left = count('tool_executing', call) - count('tool_completed', call)
          expect(left).toBe(state.kind === 'running' && state.open.has(call) ? 1 : 0)
        }
      }),
    )
  })

  test('begins with run_queued, once, and its attempts only grow', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const { kept } = accepted(events)
        if (kept.length > 0) expect(kept[0]?.type).toBe('run_queued')
        expect(kept.filter(({ type }) => type === 'run_queued').length).toBeLessThanOrEqual(1)
        const attempts = kept.flatMap((event) => (event.type === 'agent_started' ? [event.data.attempt] : []))
        expect([...new Set(attempts)].sort((a, b) => a - b)).toEqual(attempts)
      }),
    )
  })
})
