import type { PlaybookId } from '../../packages/server/src/agents/data-helper/playbook.ts'
import type { Said } from './score.ts'

/** Expected of a playbook on one export: enough (perhaps with parts left out), or what is asked for. */
type Expected = 'sufficient' | { readonly partial: readonly string[] } | { readonly asks: readonly string[] }

/** By hand, from what each export holds (column-catalogue.json), never from what the code says. */
type Row = Readonly<Record<PlaybookId, Expected>>

const requestLog: Row = {
  cost_breakdown: 'sufficient',
  month_over_month: 'sufficient',
  down_shift: 'sufficient',
  prompt_caching: 'sufficient',
  latency_tail: 'sufficient',
  capacity: 'sufficient',
  errors_retries: 'sufficient',
  lengths_truncation: 'sufficient',
  chargeback: 'sufficient',
  batch_eligibility: 'sufficient',
  anomaly_days: 'sufficient',
  any_table: 'sufficient',
}

/** Sums of days: nothing that needs single requests. */
const dayUsage: Row = {
  ...requestLog,
  down_shift: { asks: ['output_tokens', 'feature'] },
  prompt_caching: { partial: [] },
  latency_tail: { asks: ['latency_ms'] },
  capacity: { asks: ['time'] },
  errors_retries: { asks: ['time', 'status'] },
  lengths_truncation: { asks: ['output_tokens'] },
  batch_eligibility: { asks: ['time', 'feature'] },
}

/** Sums of days without tokens. */
const dayCost: Row = {
  ...dayUsage,
  down_shift: { asks: ['output_tokens', 'input_tokens', 'feature'] },
  prompt_caching: { asks: ['input_tokens'] },
  capacity: { asks: ['time', 'input_tokens'] },
  lengths_truncation: { asks: ['output_tokens', 'input_tokens'] },
  batch_eligibility: { asks: ['time', 'feature', 'input_tokens'] },
}

export const formatMatrix: Readonly<Record<string, Row>> = {
  'generic_requests.csv': requestLog,
  'litellm_spendlogs.csv': requestLog,
  'langfuse_observations_v2.jsonl': requestLog,
  'otel_genai_spans.jsonl': requestLog,
  // Failed requests are not in it, and no column says how a request ended but why it did.
  'openrouter_activity.csv': { ...requestLog, errors_retries: { asks: ['status'] } },
  'bedrock_invocation_log.jsonl': {
    ...requestLog,
    latency_tail: { asks: ['latency_ms'] },
    errors_retries: { asks: ['status'] },
  },
  // Three days, no latency, no status, nobody's name, and nothing that says what for.
  'cursor_usage_events.csv': {
    ...requestLog,
    cost_breakdown: { partial: [] },
    month_over_month: { partial: [] },
    down_shift: { partial: ['feature'] },
    latency_tail: { asks: ['latency_ms'] },
    errors_retries: { asks: ['status'] },
    chargeback: { asks: ['tenant'] },
    batch_eligibility: { partial: ['feature'] },
    anomaly_days: { partial: [] },
  },
  'openai_completions_usage_1d.csv': dayUsage,
  'anthropic_console_usage.csv': dayUsage,
  'openai_cost_1d.csv': dayCost,
  'anthropic_console_cost.csv': dayCost,
  'anthropic_cost_report_api.json': { ...dayCost, chargeback: { asks: ['tenant'] } },
}

/** As what is said: a partial answer is an answer that names what would complete it. */
export function expectedSaid(expected: Expected): Said {
  if (expected === 'sufficient') return { kind: 'answer', figures: { verdict: 'sufficient', asks: '' } }
  if ('partial' in expected)
    return { kind: 'answer', figures: { verdict: 'partial', asks: [...expected.partial].sort().join() } }
  return { kind: 'request', fields: expected.asks }
}
