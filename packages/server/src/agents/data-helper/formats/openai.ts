import type { Format } from './format.ts'
import { count, text, time, usd } from './format.ts'

const usage = {
  vendor: 'openai',
  detect: ['num_model_requests', 'input_cached_tokens'],
  grain: 'bucket',
  inputTokens: 'inclusive',
  fields: {
    time: time('start_time', 'start_time_iso'),
    model: text('model'),
    tenant: text('project_name', 'project_id'),
    user: text('user_email', 'user_id'),
    api_key: text('api_key_name', 'api_key_id'),
    input_tokens: count('input_tokens'),
    cached_input_tokens: count('input_cached_tokens'),
    output_tokens: count('output_tokens'),
    request_count: count('num_model_requests'),
  },
  ok: null,
  okWithoutColumn: 'unknown',
  keep: null,
  notes: ['A dimension that was not asked for in the export (group by) is empty.'],
  fieldNotes: {},
} as const satisfies Partial<Format>

export const openaiUsageApi: Format = {
  ...usage,
  id: 'openai_usage_api_json',
  title: 'OpenAI usage API',
  kinds: ['json', 'jsonl'],
}

export const openaiUsageCsv: Format = {
  ...usage,
  id: 'openai_completions_usage_csv',
  title: 'OpenAI usage export',
  kinds: [],
}

export const openaiCostCsv: Format = {
  id: 'openai_cost_csv',
  title: 'OpenAI cost export',
  vendor: 'openai',
  detect: ['amount_value', 'amount_currency', 'line_item'],
  kinds: [],
  grain: 'bucket',
  inputTokens: 'inclusive',
  fields: {
    time: time('start_time', 'start_time_iso'),
    // `gpt-5, input`: model and token kind in one text.
    model: { as: 'part', from: ['line_item'], part: 1 },
    token_kind: { as: 'part', from: ['line_item'], part: 2 },
    tenant: text('project_name', 'project_id'),
    user: text('user_email', 'user_id'),
    api_key: text('api_key_id'),
    cost_usd: usd('amount_value'),
  },
  ok: null,
  okWithoutColumn: 'unknown',
  // Days without spend are rows without an amount.
  keep: { if: 'is_filled', column: ['amount_value'] },
  notes: [],
  fieldNotes: {},
}
