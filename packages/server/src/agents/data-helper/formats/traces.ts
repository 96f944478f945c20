import type { Format } from './format.ts'
import { count, seconds, text, time } from './format.ts'

const common = {
  vendor: null,
  kinds: [],
  grain: 'request',
  inputTokens: 'inclusive',
  okWithoutColumn: 'unknown',
  keep: null,
} as const satisfies Partial<Format>

export const azureLlmTrace: Format = {
  ...common,
  id: 'azure_llm_trace',
  title: 'Azure LLM inference trace',
  detect: ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'],
  fields: {
    time: time('TIMESTAMP'),
    input_tokens: count('ContextTokens'),
    output_tokens: count('GeneratedTokens'),
  },
  ok: null,
  notes: [],
  fieldNotes: { time: 'Times in this trace carry no zone and are read as UTC.' },
}

export const burstGpt: Format = {
  ...common,
  id: 'burstgpt',
  title: 'BurstGPT trace',
  detect: ['Timestamp', 'Request tokens', 'Response tokens', 'Log Type'],
  fields: {
    time: { as: 'relative_time', from: ['Timestamp'], msEach: 1_000 },
    session: text('Session ID'),
    latency_ms: seconds('Elapsed time'),
    model: text('Model'),
    feature: text('Log Type'),
    input_tokens: count('Request tokens'),
    output_tokens: count('Response tokens'),
    total_tokens: count('Total tokens'),
  },
  ok: { if: 'is_above', column: ['Response tokens'], number: 0 },
  notes: ['A request without response tokens counts as failed.'],
  fieldNotes: {},
}

export const mooncakeTrace: Format = {
  ...common,
  id: 'mooncake',
  title: 'Mooncake trace',
  detect: ['timestamp', 'input_length', 'output_length', 'hash_ids'],
  fields: {
    time: { as: 'relative_time', from: ['timestamp'], msEach: 1 },
    input_tokens: count('input_length'),
    output_tokens: count('output_length'),
    prefix_blocks: text('hash_ids'),
  },
  ok: null,
  notes: [],
  fieldNotes: {},
}
