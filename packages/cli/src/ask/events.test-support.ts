import {
  type Chart,
  createIdMaker,
  type Figure,
  type NewEvent,
  position,
  type QueryResult,
  type Report,
  StoredEvent,
} from '@holdfast/protocol'

const make = createIdMaker(
  () => 1_700_000_000_000,
  (bytes) => bytes.fill(3),
)
export const threadId = make('thread')
export const runId = make('run')
const messageId = make('message')
export const artifactId = make('artifact')
const requestId = make('request')

/** The events as the log would store them. */
export function stored(events: readonly NewEvent[]): readonly StoredEvent[] {
  return events.map((event, index) =>
    StoredEvent.parse({
      ...event,
      id: make('event'),
      seq: position(index + 1),
      threadId,
      runId,
      agent: 'data-helper',
      at: '2026-11-23T12:00:00.000Z',
    }),
  )
}

export const queued: NewEvent = {
  type: 'run_queued',
  data: { message: { id: messageId, text: 'Where does the money go?', files: [] }, policy: 'queue' },
}
export const started = (attempt = 1): NewEvent => ({
  type: 'agent_started',
  data: { attempt, model: 'offline', offline: true },
})
export const delta = (text: string): NewEvent => ({ type: 'message_delta', data: { messageId, text } })
export const completed = (outcome: 'answered' | 'partial' | 'needs_data'): NewEvent => ({
  type: 'agent_completed',
  data: {
    outcome,
    messageId,
    summary: 'Done.',
    durationMs: 1_234,
    usage: { inputTokens: 0, outputTokens: 0, steps: 4 },
  },
})
export const failed: NewEvent = {
  type: 'agent_failed',
  data: { code: 'tool_failed', message: 'The tool profile failed', retryable: false },
}
export const cancelled: NewEvent = { type: 'agent_cancelled', data: { by: 'user' } }
export const created = (kind: 'report' | 'chart', title: string): NewEvent => ({
  type: 'artifact_created',
  data: { artifactId, kind, title, bytes: 10 },
})
export const requested: NewEvent = {
  type: 'data_requested',
  data: {
    requestId,
    playbook: 'cost_breakdown',
    sufficiency: 'insufficient',
    items: [
      {
        field: 'time',
        why: 'to see how cost moves',
        format: 'RFC 3339',
        sample: '2026-10-01T12:00:00Z',
        howTo: [{ provider: 'OpenAI', steps: 'Usage page, Export' }],
        unlocks: 'cost a day',
      },
    ],
  },
}
export const asked: NewEvent = {
  type: 'data_requested',
  data: {
    requestId,
    playbook: 'latency',
    sufficiency: 'ambiguous',
    items: [],
    question: {
      id: 'unit:duration',
      text: 'Is duration in milliseconds or in seconds?',
      choices: [
        { value: 'ms', label: 'milliseconds' },
        { value: 's', label: 'seconds' },
      ],
    },
  },
}

const figure: Figure = {
  id: 'total',
  label: 'Total cost',
  value: 24.120929,
  unit: 'USD',
  query: 'cost_total',
  row: 0,
  column: 'cost',
}
const query: QueryResult = {
  id: 'cost_total',
  title: 'Total cost',
  sql: 'SELECT sum(cost) AS cost\nFROM usage',
  verified: true,
  columns: ['cost'],
  rows: [[24.120929]],
  truncated: false,
}
const chart: Chart = {
  id: 'cost by model',
  title: 'Cost by model',
  query: 'cost_total',
  spec: {},
  artifactId,
}

export const report: Report = {
  title: 'Where the money goes',
  playbook: 'cost_breakdown',
  outcome: 'answered',
  text: 'In all **24.120929 USD** [fig:total].',
  figures: [figure],
  queries: [query],
  charts: [chart],
  caveats: ['List prices, not the invoice.'],
}
