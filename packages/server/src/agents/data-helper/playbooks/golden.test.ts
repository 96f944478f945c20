import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { Playbook } from '../playbook.ts'
import { buildReport } from '../report.ts'
import { figureOf, openFiles, rowsOf, type TestFiles } from '../testing/open-files.ts'
import { sharedData } from '../testing/shared-data.ts'
import { capacity } from './capacity/capacity.ts'
import { costBreakdown } from './cost-breakdown/cost-breakdown.ts'
import { latencyTail } from './latency-tail/latency-tail.ts'

/**
 * One seeded truth stands behind all of the exports, so each has to give the same answer, less what it does not hold.
 * Through the real ingest and the real query process.
 */
describe.skipIf(!sharedData.present)('golden results (needs ../shared/data)', () => {
  let files: TestFiles
  const profiles = new Map<string, Promise<FileProfile>>()
  const profile = (name: string): Promise<FileProfile> => {
    const known = profiles.get(name) ?? files.profile(sharedData.path(name))
    profiles.set(name, known)
    return known
  }
  const answers = new Map<string, ReturnType<TestFiles['answer']>>()
  const answer = (playbook: Playbook, name: string): ReturnType<TestFiles['answer']> => {
    const key = `${playbook.id} ${name}`
    const known = answers.get(key) ?? profile(name).then((found) => files.answer(playbook, [found]))
    answers.set(key, known)
    return known
  }

  beforeAll(async () => {
    files = await openFiles()
  })
  afterAll(async () => {
    await files[Symbol.asyncDispose]()
  })

  const truth = () =>
    JSON.parse(readFileSync(sharedData.path('synthetic-exports/truth.json'), 'utf8')) as {
      readonly cost_by_model: Readonly<Record<string, number>>
      readonly cost_by_tenant: Readonly<Record<string, number>>
      readonly cost_by_feature: Readonly<Record<string, number>>
      readonly month: Readonly<Record<string, { readonly rows: number; readonly cost: number }>>
      readonly errors: { readonly wasted_cost: number; readonly total: number }
    }
  const costs = (computed: Parameters<typeof rowsOf>[0], field: string) =>
    Object.fromEntries(rowsOf(computed, `cost_by_${field}`).map((row) => [row[field], row['cost_usd']]))

  describe('cost', () => {
    test.each([
      'generic_requests.csv',
      'litellm_spendlogs.csv',
      'langfuse_observations_v2.jsonl',
      'otel_genai_spans.jsonl',
    ])('%s gives the truth', async (name) => {
      const { verdict, computed } = await answer(costBreakdown, `synthetic-exports/${name}`)
      expect(verdict.sufficiency).toBe('sufficient')
      expect(figureOf(computed, 'cost_total')).toBe(24.120929)
      expect(figureOf(computed, 'rows')).toBe(4_457)
      expect(figureOf(computed, 'failed_cost')).toBe(truth().errors.wasted_cost)
      expect(costs(computed, 'model')).toEqual(truth().cost_by_model)
      expect(costs(computed, 'feature')).toEqual(truth().cost_by_feature)
      // Langfuse and OpenTelemetry name the tenant as the user.
      const who = rowsOf(computed, 'cost_by_tenant').length > 0 ? 'tenant' : 'user'
      expect(costs(computed, who)).toEqual(truth().cost_by_tenant)
      for (const row of rowsOf(computed, 'cost_by_month')) {
        const month = truth().month[String(row['month'])]
        expect(row).toMatchObject({ cost_usd: month?.cost, rows: month?.rows })
      }
    })

    test('a cost that no column has is estimated from list prices, and says so', async () => {
      const { verdict, computed } = await answer(costBreakdown, 'synthetic-exports/otel_genai_spans.jsonl')
      expect([...verdict.view.estimated]).toEqual(['cost_usd'])
      expect(computed?.findings.paragraphs[0]).toContain('estimated')
      expect(computed?.findings.caveats.join()).toContain('list prices of 2026-10-31')
    })

    test('OpenRouter lacks the failed requests and their cost', async () => {
      const { computed } = await answer(costBreakdown, 'synthetic-exports/openrouter_activity.csv')
      expect(figureOf(computed, 'rows')).toBe(4_195)
      expect(figureOf(computed, 'cost_total')).toBeCloseTo(24.120929 - 0.069497, 6)
      expect(costs(computed, 'model')).toMatchObject({
        'gpt-5-mini': 0.772346,
        'claude-sonnet-4-5': 8.035513,
      })
      expect(computed?.caveats.join()).toContain('no failed requests')
    })

    test.each([
      ['anthropic_cost_report_api.json', 8.035513],
      ['anthropic_console_usage.csv', 8.035513],
      ['anthropic_console_cost.csv', 7.69],
      ['openai_cost_1d.csv', 16.085416],
      ['openai_completions_usage_1d.csv', 16.085416],
    ])('the vendor’s own export %s gives its part', async (name, total) => {
      const { verdict, computed } = await answer(costBreakdown, `synthetic-exports/${name}`)
      expect(verdict).toMatchObject({ sufficiency: 'sufficient', view: { grain: 'day' } })
      expect(figureOf(computed, 'cost_total')).toBeCloseTo(total, 5)
    })

    test('the exports of two vendors are added up', async () => {
      const { verdict, computed } = await files.answer(costBreakdown, [
        await profile('synthetic-exports/openai_cost_1d.csv'),
        await profile('synthetic-exports/anthropic_cost_report_api.json'),
      ])
      expect(verdict.sources).toHaveLength(2)
      expect(figureOf(computed, 'cost_total')).toBeCloseTo(24.120929, 5)
    })

    test('two views of the same traffic are not', async () => {
      const { verdict, computed } = await files.answer(costBreakdown, [
        await profile('synthetic-exports/generic_requests.csv'),
        await profile('synthetic-exports/litellm_spendlogs.csv'),
      ])
      expect(verdict.sources).toHaveLength(1)
      expect(figureOf(computed, 'cost_total')).toBe(24.120929)
    })

    test('three days of Cursor events: totals only, and Included counts 0', async () => {
      const { verdict, computed } = await answer(costBreakdown, 'synthetic-exports/cursor_usage_events.csv')
      expect(verdict).toMatchObject({ sufficiency: 'partial', reductions: [{ id: 'few_days' }] })
      expect(figureOf(computed, 'cost_total')).toBe(0.4714)
      expect(rowsOf(computed, 'cost_by_month')).toEqual([])
    })

    test('tokens by kind, whichever way an export counts its cached input', async () => {
      for (const name of [
        'generic_requests.csv',
        'langfuse_observations_v2.jsonl',
        'otel_genai_spans.jsonl',
      ]) {
        const { computed } = await answer(costBreakdown, `synthetic-exports/${name}`)
        expect(rowsOf(computed, 'tokens_by_kind').map((row) => [row['kind'], row['tokens']])).toEqual([
          ['input, not cached', 9_263_372],
          ['input from cache', 310_272],
          ['output', 1_140_509],
        ])
      }
    })

    test('the largest items', async () => {
      const { computed } = await answer(costBreakdown, 'synthetic-exports/generic_requests.csv')
      expect(rowsOf(computed, 'cost_pareto')[0]).toMatchObject({
        item: 'nightly_summaries · gpt-5',
        cost_usd: 8.650491,
        items_for_bulk: 3,
        items: 6,
      })
    })
  })

  describe('latency', () => {
    test.each([
      'generic_requests.csv',
      'litellm_spendlogs.csv',
      'openrouter_activity.csv',
      'langfuse_observations_v2.jsonl',
      'otel_genai_spans.jsonl',
    ])('%s gives the quantiles and the slow window', async (name) => {
      const { verdict, computed } = await answer(latencyTail, `synthetic-exports/${name}`)
      expect(verdict.sufficiency).toBe('sufficient')
      expect(rowsOf(computed, 'latency_overall')[0]).toMatchObject({
        good_rows: 4_195,
        p50_ms: 3_481,
        p95_ms: 9_619,
        p99_ms: 14_492,
      })
      expect(rowsOf(computed, 'slow_windows')).toMatchObject([
        {
          model: 'claude-sonnet-4-5',
          slow_from: '2026-10-08T15:00:00Z',
          slow_to: '2026-10-08T17:00:00Z',
          requests: 3,
        },
      ])
      expect(figureOf(computed, 'slow_1_times')).toBeCloseTo(4, 0)
    })

    test('the distribution has each whole percent, and agrees with the quantiles', async () => {
      const { computed } = await answer(latencyTail, 'synthetic-exports/generic_requests.csv')
      const distribution = rowsOf(computed, 'latency_distribution')
      expect(distribution).toHaveLength(99)
      expect(distribution[49]).toEqual({ percent: 50, latency_ms: 3_481 })
      expect(distribution[94]).toEqual({ percent: 95, latency_ms: 9_619 })
      expect(distribution[98]).toEqual({ percent: 99, latency_ms: 14_492 })
    })

    test('failed requests are left out, and the answer says so', async () => {
      const { computed } = await answer(latencyTail, 'synthetic-exports/generic_requests.csv')
      expect(figureOf(computed, 'failed_rows')).toBe(truth().errors.total)
      expect(computed?.findings.paragraphs[0]).toContain('failed requests are left out')
    })

    test('the tail is long answers of one model', async () => {
      const { computed } = await answer(latencyTail, 'synthetic-exports/generic_requests.csv')
      expect(figureOf(computed, 'tail_model')).toBe('gpt-5')
      expect(rowsOf(computed, 'tail_length')[0]).toMatchObject({
        tail_median_output_tokens: 853,
        other_median_output_tokens: 233,
      })
      expect(rowsOf(computed, 'speed_by_model')[0]).toMatchObject({ model: 'gpt-5', ttft_p50_ms: 533 })
    })

    test('sums of days are refused', async () => {
      const { verdict } = await answer(latencyTail, 'synthetic-exports/openai_completions_usage_1d.csv')
      expect(verdict).toMatchObject({
        sufficiency: 'insufficient',
        missing: [{ need: { anyOf: ['latency_ms'] } }],
      })
    })
  })

  describe('capacity', () => {
    test('the Azure code trace peaks at 18:31', async () => {
      const { verdict, computed } = await answer(capacity, 'azure-llm-2023/AzureLLMInferenceTrace_code.csv')
      expect(verdict.sufficiency).toBe('sufficient')
      expect(rowsOf(computed, 'peak_minute')[0]).toMatchObject({
        peak_requests_per_minute: 585,
        peak_requests_minute: '2023-11-16T18:31:00Z',
        peak_tokens_per_minute: 1_257_868,
        peak_tokens_minute: '2023-11-16T18:31:00Z',
        requests: 8_819,
        active_minutes: 45,
        window_minutes: 57,
      })
      expect(figureOf(computed, 'peak_rpm_minute')).toBe('2023-11-16T18:31:00Z')
      // Not the 196 of the minutes that had traffic.
      expect(figureOf(computed, 'mean_rpm')).toBeCloseTo(154, 0)
      expect(figureOf(computed, 'arrivals_cv')).toBe(13.2)
    })

    test('every minute is there, silent ones as 0, and they add up', async () => {
      const { computed } = await answer(capacity, 'azure-llm-2023/AzureLLMInferenceTrace_code.csv')
      const series = rowsOf(computed, 'minute_series')
      expect(series).toHaveLength(58)
      expect(series.filter((row) => row['requests'] === 0)).toHaveLength(13)
      expect(series.reduce((sum, row) => sum + Number(row['requests']), 0)).toBe(8_819)
    })

    test('any 60 seconds hold at least as much as the fullest minute, and at most two of it', async () => {
      const { computed } = await answer(capacity, 'azure-llm-2023/AzureLLMInferenceTrace_code.csv')
      expect(figureOf(computed, 'sliding_rpm')).toBe(723)
      expect(figureOf(computed, 'sliding_tpm')).toBe(1_409_698)
    })

    test('a trace with times of its own is read from 1970, with a note', async () => {
      const { computed } = await answer(capacity, 'mooncake/conversation_trace.jsonl')
      expect(rowsOf(computed, 'peak_minute')[0]).toMatchObject({
        requests: 12_031,
        first_time: '1970-01-01T00:00:00Z',
      })
      expect(computed?.caveats.join()).toContain('count from its own start')
    })
  })

  test.each([
    [costBreakdown, 'synthetic-exports/generic_requests.csv'],
    [latencyTail, 'synthetic-exports/generic_requests.csv'],
    [capacity, 'synthetic-exports/generic_requests.csv'],
  ] as const)(
    '[D3] every figure of $id is the cell it names, and every citation has its figure',
    async (playbook, name) => {
      const { computed } = await answer(playbook, name)
      if (computed === null) throw new Error('no answer')
      const report = buildReport(
        {
          title: computed.title,
          playbook: playbook.id,
          outcome: 'answered',
          figures: computed.findings.figures,
          paragraphs: computed.findings.paragraphs,
          caveats: [],
          queries: computed.queries.map(({ result, title }) => ({
            ...result,
            title,
            verified: true,
            columns: [...result.columns],
            rows: result.rows.map((row) => [...row]),
          })),
          charts: [],
        },
        ({ value }) => String(value),
      )
      expect(report.text).not.toContain('null')
      expect(report.figures.length).toBeGreaterThan(5)
      for (const { chart, result } of computed.queries)
        if (chart !== null)
          for (const axis of [chart.x, chart.y, ...(chart.color ? [chart.color] : [])])
            expect(result.columns).toContain(axis.column)
    },
  )
})
