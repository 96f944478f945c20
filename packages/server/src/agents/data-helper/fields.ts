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
  /** All input, cache reads and writes included, whatever the export counts. */
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  /** Input and output together; the only count some files have. */
  'total_tokens',
  'cost_usd',
  /** Of cost exports with a row per kind: input, output, cache read, … */
  'token_kind',
  'latency_ms',
  'ttft_ms',
  'request_count',
  'prefix_blocks',
  /** How many output tokens the request allowed. */
  'max_tokens',
] as const

export type FieldName = (typeof fieldNames)[number]

/** What one row of a file stands for. Percentiles need `request`; requests per minute need `request` or `minute`. */
export type Grain = 'request' | 'minute' | 'hour' | 'day' | 'unknown'

/** The SQL type of a field in `usage`. */
export function fieldType(field: FieldName): 'TIMESTAMP' | 'VARCHAR' | 'DOUBLE' {
  switch (field) {
    case 'time':
      return 'TIMESTAMP'
    case 'model':
    case 'provider':
    case 'tenant':
    case 'feature':
    case 'user':
    case 'api_key':
    case 'session':
    case 'request_id':
    case 'status':
    case 'finish_reason':
    case 'token_kind':
    case 'prefix_blocks':
      return 'VARCHAR'
    case 'input_tokens':
    case 'cached_input_tokens':
    case 'cache_write_tokens':
    case 'output_tokens':
    case 'total_tokens':
    case 'cost_usd':
    case 'latency_ms':
    case 'ttft_ms':
    case 'request_count':
    case 'max_tokens':
      return 'DOUBLE'
  }
}
