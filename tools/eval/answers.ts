import { readFileSync } from 'node:fs'
import type { PlaybookId } from '../../packages/server/src/agents/data-helper/playbook.ts'
import { playbook } from '../../packages/server/src/agents/data-helper/playbooks/playbooks.ts'
import { rowsOf, type TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import { sharedData } from '../../packages/server/src/agents/data-helper/testing/shared-data.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
import { type Result, result, type Said } from './score.ts'

export interface Truth {
  readonly rows: number
  readonly cost_total: number
  readonly cost_by_model: Readonly<Record<string, number>>
  readonly cost_by_tenant: Readonly<Record<string, number>>
  readonly cost_by_feature: Readonly<Record<string, number>>
  readonly month: Readonly<Record<string, { readonly rows: number; readonly cost: number }>>
  readonly chat_gpt5_share: { readonly sep: number; readonly oct: number }
  readonly latency_ms_ok: { readonly p50: number; readonly p95: number; readonly p99: number }
  readonly errors: {
    readonly total: number
    readonly worst_day: readonly [string, number, number]
    readonly wasted_cost: number
    readonly '429': number
    readonly '504': number
  }
  readonly downshift: {
    readonly feature: string
    readonly rows: number
    readonly cost: number
    readonly cost_on_mini: number
  }
  readonly caching: {
    readonly feature: string
    readonly rows: number
    readonly hit_rows: number
    readonly cached_token_share: number
    readonly upper_bound_saving_usd: number
  }
  readonly truncation: { readonly feature: string; readonly rows: number; readonly length: number }
  readonly batch: {
    readonly feature: string
    readonly rows: number
    readonly cost: number
    readonly saving_at_50pct: number
  }
  readonly peak_minute: { readonly rpm: number; readonly tpm: number }
}

export const truth = (): Truth =>
  JSON.parse(readFileSync(sharedData.path('synthetic-exports/truth.json'), 'utf8')) as Truth

/** A cell of an answer: which query, which row (by the value of one of its columns), which column. */
export interface CellOf {
  readonly query: string
  readonly column: string
  readonly where?: Readonly<Record<string, unknown>>
}

type Expect = Readonly<Record<string, readonly [CellOf, unknown]>>

const cell = (query: string, column: string, where?: CellOf['where']): CellOf =>
  where === undefined ? { query, column } : { query, column, where }

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/** What each playbook has to find in a whole request log. */
export function plantedIn(known: Truth): Readonly<Partial<Record<PlaybookId, Expect>>> {
  const { downshift, caching, truncation, batch, errors, month, chat_gpt5_share: chat } = known
  const september = month['2026-09']
  const october = month['2026-10']
  const [day, dayRows, dayFailed] = errors.worst_day
  return {
    cost_breakdown: {
      total: [cell('cost_total', 'cost_usd'), known.cost_total],
      rows: [cell('cost_total', 'rows'), known.rows],
      wasted: [cell('cost_total', 'failed_cost_usd'), errors.wasted_cost],
      ...Object.fromEntries(
        Object.entries(known.cost_by_model).map(([model, cost]) => [
          model,
          [cell('cost_by_model', 'cost_usd', { model }), cost] as const,
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(known.cost_by_feature).map(([feature, cost]) => [
          feature,
          [cell('cost_by_feature', 'cost_usd', { feature }), cost] as const,
        ]),
      ),
    },
    month_over_month: {
      before: [cell('period_totals', 'cost_before_usd'), september?.cost],
      after: [cell('period_totals', 'cost_after_usd'), october?.cost],
      requestsBefore: [cell('period_totals', 'requests_before'), september?.rows],
      chatBefore: [
        cell('model_mix', 'share_before_percent', { feature: 'chat', model: 'gpt-5' }),
        round(chat.sep * 100, 2),
      ],
      chatAfter: [
        cell('model_mix', 'share_after_percent', { feature: 'chat', model: 'gpt-5' }),
        round(chat.oct * 100, 2),
      ],
    },
    down_shift: {
      rows: [cell('down_shift_candidates', 'rows', { feature: downshift.feature }), downshift.rows],
      cost: [cell('down_shift_candidates', 'cost_usd', { feature: downshift.feature }), downshift.cost],
      smaller: [
        cell('down_shift_candidates', 'cost_on_smaller_usd', { feature: downshift.feature }),
        downshift.cost_on_mini,
      ],
    },
    prompt_caching: {
      hits: [cell('caching_groups', 'hit_rows', { feature: caching.feature }), caching.hit_rows],
      rows: [cell('caching_groups', 'rows', { feature: caching.feature }), caching.rows],
      share: [
        cell('caching_groups', 'cached_percent', { feature: caching.feature }),
        round(caching.cached_token_share * 100, 2),
      ],
      most: [
        cell('caching_groups', 'upper_bound_saving_usd', { feature: caching.feature }),
        caching.upper_bound_saving_usd,
      ],
    },
    latency_tail: {
      p50: [cell('latency_overall', 'p50_ms'), known.latency_ms_ok.p50],
      p95: [cell('latency_overall', 'p95_ms'), known.latency_ms_ok.p95],
      p99: [cell('latency_overall', 'p99_ms'), known.latency_ms_ok.p99],
      slow: [cell('slow_windows', 'model'), 'claude-sonnet-4-5'],
      from: [cell('slow_windows', 'slow_from'), '2026-10-08T15:00:00Z'],
      to: [cell('slow_windows', 'slow_to'), '2026-10-08T17:00:00Z'],
    },
    capacity: {
      rpm: [cell('peak_minute', 'peak_requests_per_minute'), known.peak_minute.rpm],
      tpm: [cell('peak_minute', 'peak_tokens_per_minute'), known.peak_minute.tpm],
    },
    errors_retries: {
      total: [cell('errors_total', 'failed'), errors.total],
      day: [cell('errors_worst_day', 'day'), day],
      dayRows: [cell('errors_worst_day', 'requests'), dayRows],
      dayFailed: [cell('errors_worst_day', 'failed'), dayFailed],
      storm: [cell('error_storms', 'failed'), dayFailed],
    },
    lengths_truncation: {
      rows: [cell('truncated_answers', 'rows', { feature: truncation.feature }), truncation.rows],
      cut: [cell('truncated_answers', 'truncated', { feature: truncation.feature }), truncation.length],
    },
    chargeback: Object.fromEntries(
      Object.entries(known.cost_by_tenant).map(([payer, cost]) => [
        payer,
        [cell('chargeback_by_payer', 'charge_usd', { payer }), cost] as const,
      ]),
    ),
    batch_eligibility: {
      rows: [cell('batch_features', 'rows', { feature: batch.feature }), batch.rows],
      cost: [cell('batch_features', 'cost_usd', { feature: batch.feature }), batch.cost],
      saving: [cell('batch_features', 'saving_usd', { feature: batch.feature }), batch.saving_at_50pct],
    },
    anomaly_days: {
      day: [cell('anomaly_days', 'day', { measure: 'requests' }), day],
      requests: [cell('anomaly_days', 'value', { measure: 'requests' }), dayRows],
    },
  }
}

/** The answer of a playbook on files, as the cells that are expected of it. */
export async function cellsSaid(
  files: TestFiles,
  id: PlaybookId,
  profiles: readonly FileProfile[],
  expect: Expect,
  choices: ReadonlyMap<string, string> = new Map(),
): Promise<Said> {
  const { verdict, computed } = await files.answer(playbook(id), profiles, choices)
  if (computed === null)
    return verdict.question === null
      ? { kind: 'request', fields: verdict.missing.map(({ need }) => need.anyOf[0] ?? '') }
      : { kind: 'question', id: verdict.question.id }
  const figures = Object.entries(expect).map(([name, [{ query, column, where = {} }]]) => {
    const row = rowsOf(computed, query).find((each) =>
      Object.entries(where).every(([key, value]) => each[key] === value),
    )
    return [name, row?.[column] ?? null]
  })
  return { kind: 'answer', figures: Object.fromEntries(figures) }
}

export const figuresOf = (expect: Expect): Said => ({
  kind: 'answer',
  figures: Object.fromEntries(Object.entries(expect).map(([name, [, value]]) => [name, value])),
})

/** Playbooks whose planted answer a format does not hold, with why; everything else has to give the truth. */
const without: Readonly<Record<string, readonly PlaybookId[]>> = {
  // No cached tokens and no finish reason in the spend logs.
  'litellm_spendlogs.csv': ['prompt_caching', 'lengths_truncation'],
  // The tenant is the user there, and it has no finish reason.
  'langfuse_observations_v2.jsonl': ['lengths_truncation'],
  'otel_genai_spans.jsonl': [],
}

/** Every planted answer in every export that holds single requests and their failures. */
export async function plantedAnswers(
  files: TestFiles,
  file: string,
  profile: FileProfile,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const [id, expect] of Object.entries(plantedIn(truth())) as [PlaybookId, Expect][]) {
    if (without[file]?.includes(id) === true) continue
    results.push(
      result(
        'planted answers',
        `${file} × ${id}`,
        figuresOf(expect),
        await cellsSaid(files, id, [profile], expect),
      ),
    )
  }
  return results
}

/** What the other exports hold of the same truth: their part of the cost, and what is left of the rest. */
export function partsOf(known: Truth): readonly (readonly [string, PlaybookId, Expect])[] {
  const openai = (known.cost_by_model['gpt-5'] ?? 0) + (known.cost_by_model['gpt-5-mini'] ?? 0)
  const anthropic = known.cost_by_model['claude-sonnet-4-5'] ?? 0
  const total = (cost: number, digits: number): Expect => ({
    total: [cell('cost_total', 'cost_usd'), round(cost, digits)],
  })
  const planted = plantedIn(known)
  const only = (id: PlaybookId): readonly [string, PlaybookId, Expect] => [
    'openrouter_activity.csv',
    id,
    planted[id] ?? {},
  ]
  return [
    ['openai_completions_usage_1d.csv', 'cost_breakdown', total(openai, 5)],
    ['openai_cost_1d.csv', 'cost_breakdown', total(openai, 5)],
    ['anthropic_console_usage.csv', 'cost_breakdown', total(anthropic, 5)],
    ['anthropic_cost_report_api.json', 'cost_breakdown', total(anthropic, 5)],
    // Rounded to cents a row, as the export is: 4.3 % off, and the answer says so.
    ['anthropic_console_cost.csv', 'cost_breakdown', total(7.69, 2)],
    ['openrouter_activity.csv', 'cost_breakdown', total(known.cost_total - known.errors.wasted_cost, 5)],
    ['cursor_usage_events.csv', 'cost_breakdown', total(0.4714, 4)],
    ['bedrock_invocation_log.jsonl', 'anomaly_days', { days: [cell('anomaly_totals', 'requests'), 300] }],
    [
      'openai_completions_usage_1d.csv',
      'anomaly_days',
      { day: [cell('anomaly_days', 'day', { measure: 'requests' }), known.errors.worst_day[0]] },
    ],
    only('down_shift'),
    only('prompt_caching'),
    only('latency_tail'),
    only('lengths_truncation'),
    only('batch_eligibility'),
  ]
}

/** Figures of the public traces, measured by others. */
export const golden: readonly (readonly [string, PlaybookId, Expect])[] = [
  [
    'azure-llm-2023/AzureLLMInferenceTrace_code.csv',
    'capacity',
    {
      rpm: [cell('peak_minute', 'peak_requests_per_minute'), 585],
      tpm: [cell('peak_minute', 'peak_tokens_per_minute'), 1_257_868],
      at: [cell('peak_minute', 'peak_tokens_minute'), '2023-11-16T18:31:00Z'],
      active: [cell('peak_minute', 'active_minutes'), 45],
      window: [cell('peak_minute', 'window_minutes'), 57],
      cv: [cell('arrivals', 'arrivals_cv'), 13.2],
    },
  ],
  [
    'azure-llm-2023/AzureLLMInferenceTrace_code.csv',
    'lengths_truncation',
    {
      rows: [cell('length_caps', 'rows', { kind: 'input' }), 322],
      share: [cell('length_caps', 'share_percent', { kind: 'input' }), 3.65],
      from: [cell('length_caps', 'from_tokens', { kind: 'input' }), 7_435],
      to: [cell('length_caps', 'to_tokens', { kind: 'input' }), 7_437],
    },
  ],
  [
    'mooncake/conversation_trace.jsonl',
    'prompt_caching',
    {
      repeated: [cell('prefix_repeats', 'repeated_percent'), 36.64],
      fiveMinutes: [cell('prefix_repeats', 'within_ttl_percent'), 28.77],
    },
  ],
]
