import type { Format } from './format.ts'
import { count, countSum, text, time, usd } from './format.ts'

const common = {
  vendor: 'anthropic',
  kinds: [],
  // Cache reads and writes are separate addends; the readings below add them up, so nothing is left to add.
  inputTokens: 'inclusive',
  ok: null,
  okWithoutColumn: 'unknown',
  keep: null,
} as const satisfies Partial<Format>

const inputNote =
  'Input tokens are the uncached ones plus cache reads and writes, which this export keeps apart.'

const writes = [
  ['usage_input_tokens_cache_write_5m'],
  ['usage_input_tokens_cache_write_1h'],
  ['usage_input_tokens_cache_write'],
] as const

export const anthropicConsoleUsage: Format = {
  ...common,
  id: 'anthropic_console_usage_csv',
  title: 'Anthropic Console usage export',
  detect: ['usage_date_utc', 'usage_input_tokens_no_cache'],
  grain: 'day',
  fields: {
    time: time('usage_date_utc'),
    model: text('model_version'),
    tenant: text('workspace'),
    api_key: text('api_key'),
    input_tokens: countSum(['usage_input_tokens_no_cache'], ['usage_input_tokens_cache_read'], ...writes),
    cached_input_tokens: count('usage_input_tokens_cache_read'),
    cache_write_tokens: countSum(...writes),
    output_tokens: count('usage_output_tokens'),
  },
  notes: [],
  fieldNotes: { input_tokens: inputNote },
}

export const anthropicConsoleCost: Format = {
  ...common,
  id: 'anthropic_console_cost_csv',
  title: 'Anthropic Console cost export',
  detect: ['usage_date_utc', 'token_type', 'cost_usd'],
  grain: 'day',
  fields: {
    time: time('usage_date_utc'),
    model: text('model'),
    tenant: text('workspace'),
    api_key: text('api_key'),
    token_kind: text('token_type'),
    cost_usd: usd('cost_usd'),
  },
  notes: [],
  fieldNotes: {
    cost_usd:
      'Each row of this export is rounded to cents, so its sum can be several percent off for small accounts.',
  },
}

const apiWrites = [
  ['cache_creation.ephemeral_5m_input_tokens'],
  ['cache_creation.ephemeral_1h_input_tokens'],
] as const

export const anthropicUsageApi: Format = {
  ...common,
  id: 'anthropic_usage_report_api',
  title: 'Anthropic usage report API',
  detect: ['starting_at', 'uncached_input_tokens'],
  grain: 'bucket',
  fields: {
    time: time('starting_at'),
    model: text('model'),
    tenant: text('workspace_id'),
    api_key: text('api_key_id'),
    input_tokens: countSum(['uncached_input_tokens'], ['cache_read_input_tokens'], ...apiWrites),
    cached_input_tokens: count('cache_read_input_tokens'),
    cache_write_tokens: countSum(...apiWrites),
    output_tokens: count('output_tokens'),
  },
  notes: [],
  fieldNotes: { input_tokens: inputNote },
}

export const anthropicCostApi: Format = {
  ...common,
  id: 'anthropic_cost_report_api',
  title: 'Anthropic cost report API',
  detect: ['starting_at', 'amount', 'currency'],
  grain: 'day',
  fields: {
    time: time('starting_at'),
    model: text('model'),
    tenant: text('workspace_id'),
    token_kind: text('token_type'),
    cost_usd: { as: 'money', from: ['amount'], usdEach: 0.01, free: [] },
  },
  notes: [],
  fieldNotes: { cost_usd: 'Amounts in this export are US cents; they are shown in USD.' },
}
