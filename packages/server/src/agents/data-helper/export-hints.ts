import type { DataRequestItem } from '@holdfast/protocol'
import type { FieldName } from './fields.ts'

type HowTo = DataRequestItem['howTo'][number]

/** Where each provider's export has a field: the answer to "how do I get this?". Providers whose export lacks it say so. */
const exports = {
  openaiUsage:
    'Platform → Usage → Export, grouped by model and by project or API key (or the API: GET /v1/organization/usage/completions with group_by)',
  openaiCost: 'Platform → Usage → Cost → Export (or GET /v1/organization/costs with group_by=line_item)',
  anthropicUsage:
    'Console → Usage → Export CSV (or GET /v1/organizations/usage_report/messages with group_by[]=model)',
  anthropicCost: 'Console → Cost → Export CSV (or GET /v1/organizations/cost_report)',
  openrouter: 'Activity → Export CSV',
  litellm:
    'export the table LiteLLM_SpendLogs (COPY "LiteLLM_SpendLogs" TO … CSV HEADER), or GET /spend/logs',
  langfuse: 'Observations → Export as CSV or JSON, type GENERATION (or GET /api/public/v2/observations)',
  otel: 'export the GenAI spans of your collector as JSON lines (file exporter)',
} as const

/** What a provider's own export cannot give where single requests are needed. */
const notInUsage =
  'the usage export holds sums of minutes, hours or days and no single requests; take it from your gateway (OpenRouter, LiteLLM), Langfuse or OpenTelemetry, or log it in your code beside each call'

const how = (provider: string, steps: string): HowTo => ({ provider, steps })

const tokens = (kind: 'input' | 'output', openai: string, anthropic: string): readonly HowTo[] => [
  how('OpenAI', `${exports.openaiUsage}: column ${openai}`),
  how('Anthropic', `${exports.anthropicUsage}: column ${anthropic}`),
  how(
    'OpenRouter',
    `${exports.openrouter}: column ${kind === 'input' ? 'tokens_prompt' : 'tokens_completion'}`,
  ),
  how('LiteLLM', `${exports.litellm}: column ${kind === 'input' ? 'prompt_tokens' : 'completion_tokens'}`),
  how('Langfuse', `${exports.langfuse}: usage_details.${kind}`),
  how('OpenTelemetry', `${exports.otel}: gen_ai.usage.${kind}_tokens`),
]

const perRequestOnly = (
  openrouter: string,
  litellm: string,
  langfuse: string,
  otel: string,
): readonly HowTo[] => [
  how('OpenAI', notInUsage),
  how('Anthropic', notInUsage),
  how('OpenRouter', `${exports.openrouter}: ${openrouter}`),
  how('LiteLLM', `${exports.litellm}: ${litellm}`),
  how('Langfuse', `${exports.langfuse}: ${langfuse}`),
  how('OpenTelemetry', `${exports.otel}: ${otel}`),
]

/** The same hints where sums cannot answer: the providers' own exports hold nothing else. */
export function ofSingleRequests(hints: readonly HowTo[]): readonly HowTo[] {
  return hints.map((hint) => (sumsOnly.has(hint.provider) ? how(hint.provider, notInUsage) : hint))
}

const sumsOnly: ReadonlySet<string> = new Set(['OpenAI', 'Anthropic'])

/** Time of single requests, for what sums cannot answer. */
export const requestTimeHints = perRequestOnly(
  'column created_at',
  'column startTime',
  'start_time',
  'startTimeUnixNano',
)

export function exportHints(field: FieldName): readonly HowTo[] {
  switch (field) {
    case 'time':
      return [
        how('OpenAI', `${exports.openaiUsage}: column start_time`),
        how('Anthropic', `${exports.anthropicUsage}: column usage_date_utc`),
        how('OpenRouter', `${exports.openrouter}: column created_at`),
        how('LiteLLM', `${exports.litellm}: column startTime`),
        how('Langfuse', `${exports.langfuse}: start_time`),
        how('OpenTelemetry', `${exports.otel}: startTimeUnixNano`),
      ]
    case 'model':
      return [
        how('OpenAI', `${exports.openaiUsage}: column model (empty unless you group by model)`),
        how('Anthropic', `${exports.anthropicUsage}: column model_version`),
        how('OpenRouter', `${exports.openrouter}: column model_permaslug`),
        how('LiteLLM', `${exports.litellm}: column model`),
        how('Langfuse', `${exports.langfuse}: provided_model_name`),
        how('OpenTelemetry', `${exports.otel}: gen_ai.response.model`),
      ]
    case 'cost_usd':
      return [
        how('OpenAI', `${exports.openaiCost}: column amount_value`),
        how('Anthropic', `${exports.anthropicCost}: column cost_usd`),
        how('OpenRouter', `${exports.openrouter}: column cost_total`),
        how('LiteLLM', `${exports.litellm}: column spend`),
        how('Langfuse', `${exports.langfuse}: total_cost`),
        how('OpenTelemetry', 'spans carry no cost; model and tokens are enough to estimate it'),
      ]
    case 'input_tokens':
    case 'total_tokens':
      return tokens('input', 'input_tokens', 'usage_input_tokens_no_cache and the cache columns')
    case 'output_tokens':
      return tokens('output', 'output_tokens', 'usage_output_tokens')
    case 'cached_input_tokens':
      return [
        how('OpenAI', `${exports.openaiUsage}: column input_cached_tokens`),
        how('Anthropic', `${exports.anthropicUsage}: column usage_input_tokens_cache_read`),
        how('OpenRouter', `${exports.openrouter}: column tokens_cached`),
        how('LiteLLM', 'SpendLogs has no such column; the daily spend table has cache_read_input_tokens'),
        how('Langfuse', `${exports.langfuse}: usage_details.input_cached_tokens`),
        how('OpenTelemetry', `${exports.otel}: gen_ai.usage.cache_read.input_tokens`),
      ]
    case 'latency_ms':
      return perRequestOnly(
        'column generation_time_ms',
        'columns startTime and endTime',
        'latency (seconds)',
        'startTimeUnixNano and endTimeUnixNano',
      )
    case 'ttft_ms':
      return perRequestOnly(
        'column time_to_first_token_ms',
        'columns startTime and completionStartTime',
        'time_to_first_token (seconds)',
        'log the time of the first chunk as an attribute of your own',
      )
    case 'status':
      return perRequestOnly(
        'the export leaves failed requests out',
        'column status',
        'level (ERROR for a failed call)',
        'error.type',
      )
    case 'tenant':
    case 'feature':
      return [
        how('OpenAI', `${exports.openaiUsage}: one project or API key for each ${field}, grouped by it`),
        how('Anthropic', `${exports.anthropicUsage}: one workspace or API key for each ${field}`),
        how('OpenRouter', `${exports.openrouter}: columns app_name and api_key_name`),
        how('LiteLLM', `${exports.litellm}: column ${field === 'tenant' ? 'team_id' : 'request_tags'}`),
        how('Langfuse', `${exports.langfuse}: ${field === 'tenant' ? 'user_id or a tag' : 'name'}`),
        how('OpenTelemetry', `an attribute of your own on each span, e.g. app.${field}`),
      ]
    case 'request_count':
      return [
        how('OpenAI', `${exports.openaiUsage}: column num_model_requests`),
        how('LiteLLM', 'the daily spend table: column api_requests'),
      ]
    case 'provider':
    case 'user':
    case 'api_key':
    case 'session':
    case 'request_id':
    case 'finish_reason':
    case 'cache_write_tokens':
    case 'token_kind':
    case 'prefix_blocks':
    case 'max_tokens':
      return []
  }
}
