/**
 * The semantic fields of AI usage data. A playbook asks for fields; a file has columns; a mapping joins the two.
 * Units are part of the meaning: times are TIMESTAMP in UTC, money is USD, durations are milliseconds.
 */
export const fieldNames = [
  'time',
  'model',
  'provider',
  'tenant',
  'feature',
  'user',
  'api_key',
  'session',
  'request_id',
  'status',
  'finish_reason',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'cost_usd',
  'latency_ms',
  'ttft_ms',
  'request_count',
  'prefix_blocks',
] as const

export type FieldName = (typeof fieldNames)[number]

/** What one row of a file stands for. Percentiles need `request`; requests per minute need `request` or `minute`. */
export type Grain = 'request' | 'minute' | 'hour' | 'day' | 'unknown'
