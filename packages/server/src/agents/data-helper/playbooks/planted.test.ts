import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { figureOf, openFiles, rowsOf, type TestFiles } from '../testing/open-files.ts'
import { at, requestsCsv, times } from '../testing/requests-csv.ts'
import { anomalyDays } from './anomaly-days/anomaly-days.ts'
import { batchEligibility } from './batch-eligibility/batch-eligibility.ts'
import { chargeback } from './chargeback/chargeback.ts'
import { downShift } from './down-shift/down-shift.ts'
import { errorsRetries } from './errors-retries/errors-retries.ts'
import { lengthsTruncation } from './lengths-truncation/lengths-truncation.ts'
import { monthOverMonth } from './month-over-month/month-over-month.ts'
import { promptCaching } from './prompt-caching/prompt-caching.ts'

/** Small logs in which the answer is planted by hand, through the real ingest and the real query process. */
describe('planted answers', () => {
  let files: TestFiles
  beforeAll(async () => {
    files = await openFiles()
  })
  afterAll(() => files[Symbol.asyncDispose]())

  const day = (index: number) => new Date(Date.UTC(2026, 8, 1 + index)).toISOString().slice(0, 10)
  const log = (rows: Parameters<typeof requestsCsv>[0]) => files.profile('log.csv', requestsCsv(rows))

  const plain = (index: number) => ({
    timestamp: at(day(index % 61), 36_000 + index * 7),
    model: 'gpt-5',
    tenant: 'acme',
    feature: 'chat',
    status: 200,
    prompt_tokens: 500,
    completion_tokens: 300,
    cost_usd: 0.003625,
  })

  describe('month over month', () => {
    test('a change of volume alone is volume alone, and the parts add up', async () => {
      const rows = [
        ...times(300, (index) => ({ ...plain(index), timestamp: at(day(index % 30), index) })),
        ...times(620, (index) => ({ ...plain(index), timestamp: at(day(30 + (index % 31)), index) })),
      ]
      const { verdict, computed } = await files.answer(monthOverMonth, [await log(rows)])
      expect(verdict.sufficiency).toBe('sufficient')
      expect(rowsOf(computed, 'period_totals')[0]).toMatchObject({
        before_from: '2026-09-01',
        before_to: '2026-09-30',
        after_to: '2026-10-31',
        cost_before_usd: 1.0875,
        cost_after_usd: 2.2475,
        change_usd: 1.16,
      })
      const effects: Record<string, number> = Object.fromEntries(
        rowsOf(computed, 'change_effects').map((row) => [row['factor'], Number(row['effect_usd'])]),
      )
      // 10 a day at 30 days to 20 a day at 31: of the change, half a day's worth of the mean is the longer month.
      expect(effects['days in the period']).toBeCloseTo(15 * 0.003625, 6)
      expect(effects['requests per day']).toBeCloseTo(305 * 0.003625, 6)
      for (const factor of [
        'mix of features',
        'mix of models within features',
        'tokens per request',
        'cost per token',
      ])
        expect(effects[factor]).toBeCloseTo(0, 6)
      expect(Object.values(effects).reduce((sum, effect) => sum + effect, 0)).toBeCloseTo(1.16, 5)
    })

    test('a feature that appears counts as mix, never as price', async () => {
      const rows = [
        ...times(300, (index) => ({ ...plain(index), timestamp: at(day(index % 30), index) })),
        ...times(310, (index) => ({ ...plain(index), timestamp: at(day(30 + (index % 31)), index) })),
        ...times(310, (index) => ({
          ...plain(index),
          feature: 'report',
          cost_usd: 0.01,
          completion_tokens: 900,
          timestamp: at(day(30 + (index % 31)), index),
        })),
      ]
      const { computed } = await files.answer(monthOverMonth, [await log(rows)])
      const effects = rowsOf(computed, 'change_effects')
      const effect = (factor: string) =>
        Number(effects.find((row) => row['factor'] === factor)?.['effect_usd'])
      expect(effect('mix of features')).toBeGreaterThan(0.5)
      expect(effect('cost per token')).toBeCloseTo(0, 6)
      expect(effect('tokens per request')).toBeCloseTo(0, 6)
      const sum = effects.reduce((total, row) => total + Number(row['effect_usd']), 0)
      expect(sum).toBeCloseTo(Number(rowsOf(computed, 'period_totals')[0]?.['change_usd']), 5)
    })

    test('one day cannot be compared with anything', async () => {
      const { verdict } = await files.answer(monthOverMonth, [
        await log(times(150, (index) => ({ ...plain(index), timestamp: at(day(0), index) }))),
      ])
      expect(verdict).toMatchObject({ sufficiency: 'insufficient', missing: [{ need: { anyOf: ['time'] } }] })
    })
  })

  test('down-shift: short answers on a large model, and what a smaller one would cost', async () => {
    const rows = [
      ...times(250, (index) => ({
        ...plain(index),
        feature: 'route',
        prompt_tokens: 1_000,
        completion_tokens: 10,
        // 1,000 × 1.25 + 10 × 10 dollars a million
        cost_usd: 0.00135,
      })),
      ...times(250, plain),
      // Too few to judge, however short.
      ...times(199, (index) => ({
        ...plain(index),
        feature: 'tag',
        completion_tokens: 2,
        cost_usd: 0.000645,
      })),
    ]
    const { computed } = await files.answer(downShift, [await log(rows)])
    expect(rowsOf(computed, 'down_shift_candidates')).toMatchObject([
      {
        feature: 'route',
        smaller_model: 'gpt-5-mini',
        rows: 250,
        cost_usd: 0.3375,
        cost_on_smaller_usd: 0.0675,
      },
    ])
    expect(computed?.findings.recommendations).toHaveLength(1)
  })

  test('down-shift: half the list price stays half on the smaller model', async () => {
    const rows = times(250, (index) => ({
      ...plain(index),
      feature: 'route',
      completion_tokens: 10,
      cost_usd: 0.0003625,
    }))
    const { computed } = await files.answer(downShift, [await log(rows)])
    expect(Number(rowsOf(computed, 'down_shift_candidates')[0]?.['cost_on_smaller_usd'])).toBeCloseTo(
      250 * 0.0000725,
      6,
    )
  })

  describe('prompt caching', () => {
    const bot = (index: number, cached: number) => ({
      ...plain(index),
      model: 'claude-sonnet-4-5',
      feature: 'bot',
      prompt_tokens: 3_000,
      cached_tokens: cached,
    })

    test('a range: the longest prefix ever cached bounds what could be', async () => {
      const rows = [...times(100, (index) => bot(index, 2_000)), ...times(100, (index) => bot(index, 0))]
      const { computed } = await files.answer(promptCaching, [await log(rows)])
      expect(rowsOf(computed, 'caching_groups')[0]).toMatchObject({
        hit_rows: 100,
        longest_cached_prefix: 2_000,
        // 100 × 2,000 tokens × (3 − 0.3) and × (3.75 − 3) dollars a million
        upper_bound_saving_usd: 0.54,
        worst_case_cost_usd: 0.15,
      })
      expect(computed?.findings.caveats.join()).toContain('a range and no point')
    })

    test('short requests cannot be cached, and it is said', async () => {
      const rows = times(200, (index) => ({ ...bot(index, 0), prompt_tokens: 1_000 }))
      const { computed } = await files.answer(promptCaching, [await log(rows)])
      expect(rowsOf(computed, 'caching_groups')[0]).toMatchObject({ upper_bound_saving_usd: 0 })
      expect(computed?.findings.shortfalls?.join()).toContain('none could be cached')
    })

    test('with keys of prefix blocks it is a figure, within the life of the cache', async () => {
      const rows = [0, 60, 500].map((seconds, index) => ({
        timestamp: at(day(0), seconds),
        model: 'claude-sonnet-4-5',
        prompt_tokens: 2_048,
        completion_tokens: 10,
        hash_ids: index === 2 ? '1;9' : '1;2',
      }))
      const csv = requestsCsv(rows).replaceAll(/(\d+);(\d+)$/gm, '"[$1, $2]"')
      const { computed } = await files.answer(promptCaching, [await files.profile('keyed.csv', csv)])
      // Six blocks: the second request repeats both within a minute, the third the first one after 440 seconds.
      expect(rowsOf(computed, 'prefix_repeats')[0]).toMatchObject({
        blocks: 6,
        repeated_blocks: 3,
        repeated_percent: 50,
        within_ttl_percent: 33.33,
        within_long_ttl_percent: 50,
      })
      expect(computed?.findings.recommendations).toEqual([])
    })
  })

  describe('errors and retries', () => {
    const fine = times(600, (index) => ({
      ...plain(index),
      timestamp: at(day(index % 20), 40_000 + index * 97),
      prompt_tokens: 400 + index,
    }))
    const storm = times(40, (index) => ({
      ...plain(index),
      timestamp: at(day(5), 50_400 + index * 90),
      tenant: 'globex',
      status: 429,
      prompt_tokens: 10_000 + index * 1_000,
    }))
    const retried = [0, 20].map((seconds, index) => ({
      ...plain(index),
      timestamp: at(day(9), 3_600 + seconds),
      tenant: 'initech',
      status: index === 0 ? 504 : 200,
      prompt_tokens: 777,
    }))

    test('a storm is found with what it is made of, and a retry is told from the next request', async () => {
      const { verdict, computed } = await files.answer(errorsRetries, [
        await log([...fine, ...storm, ...retried]),
      ])
      expect(verdict.sufficiency).toBe('sufficient')
      expect(rowsOf(computed, 'errors_total')[0]).toMatchObject({ requests: 642, failed: 41 })
      expect(rowsOf(computed, 'error_storms')).toMatchObject([
        {
          storm_from: '2026-09-06T14:00:00Z',
          storm_to: '2026-09-06T15:00:00Z',
          failed: 40,
          status: '429',
          tenant: 'globex',
          tenant_percent: 100,
        },
      ])
      expect(rowsOf(computed, 'error_retries')[0]).toEqual({
        failed: 41,
        retried: 1,
        retried_well: 1,
        failed_again: 0,
      })
      expect(computed?.findings.recommendations?.[0]?.figure).toBe('advice_1_failed')
    })

    test('a file in which nothing failed cannot tell: the failed rows are asked for', async () => {
      const { verdict } = await files.answer(errorsRetries, [await log(fine)])
      expect(verdict).toMatchObject({
        sufficiency: 'insufficient',
        missing: [{ need: { anyOf: ['status'] } }],
      })
      expect(verdict.missing[0]?.instead).toContain('leaves failed requests out')
    })
  })

  describe('lengths', () => {
    test('a cap on the output, and the answers that a finish reason calls cut', async () => {
      const rows = times(400, (index) => ({
        ...plain(index),
        prompt_tokens: 200 + index,
        completion_tokens: index < 60 ? 1_024 : 100 + ((index * 37) % 700),
        finish_reason: index < 50 ? 'max_tokens' : 'end_turn',
      }))
      const { computed } = await files.answer(lengthsTruncation, [await log(rows)])
      expect(rowsOf(computed, 'truncated_answers')[0]).toMatchObject({
        truncated: 50,
        truncated_percent: 12.5,
      })
      expect(rowsOf(computed, 'length_caps')).toMatchObject([{ kind: 'output', to_tokens: 1_024, rows: 60 }])
    })

    test('where all requests have one length there is no cap', async () => {
      const { computed } = await files.answer(lengthsTruncation, [await log(times(400, plain))])
      expect(rowsOf(computed, 'length_caps')).toEqual([])
    })

    test('lengths that thin out towards their end are no cap', async () => {
      const rows = times(400, (index) => ({
        ...plain(index),
        prompt_tokens: 100 + index * 3,
        completion_tokens: 40 + index * 2,
      }))
      const { computed } = await files.answer(lengthsTruncation, [await log(rows)])
      expect(rowsOf(computed, 'length_caps')).toEqual([])
    })
  })

  describe('chargeback', () => {
    const rows = [
      ...times(150, (index) => ({ ...plain(index), tenant: 'acme', cost_usd: 0.02 })),
      ...times(100, (index) => ({ ...plain(index), tenant: 'globex', cost_usd: 0.01 })),
      ...times(100, (index) => ({ ...plain(index), tenant: '', cost_usd: 0.01 })),
    ]

    test('what names nobody is shown, makes the answer partial, and is asked about', async () => {
      const { computed } = await files.answer(chargeback, [await log(rows)])
      expect(rowsOf(computed, 'chargeback_total')[0]).toMatchObject({
        cost_usd: 5,
        unallocated_usd: 1,
        attributed_percent: 80,
        payers: 2,
      })
      expect(rowsOf(computed, 'chargeback_by_payer').at(-1)).toMatchObject({
        payer: '(unallocated)',
        charge_usd: 1,
      })
      expect(computed?.findings.shortfalls).toHaveLength(1)
      expect(computed?.findings.followUp?.id).toBe('chargeback:shared')
    })

    test.each([
      ['proportional', { acme: 3.75, globex: 1.25 }],
      ['even', { acme: 3.5, globex: 1.5 }],
    ])('shared %s, the charges add up to the whole', async (rule, charges) => {
      const { computed } = await files.answer(
        chargeback,
        [await log(rows)],
        new Map([['chargeback:shared', rule]]),
      )
      const found = rowsOf(computed, 'chargeback_by_payer').map((row) => [row['payer'], row['charge_usd']])
      expect(Object.fromEntries(found)).toEqual(charges)
      expect(computed?.findings.followUp).toBeUndefined()
    })
  })

  describe('batch', () => {
    const rows = [
      ...times(120, (index) => ({
        ...plain(index),
        feature: 'nightly',
        timestamp: at(day(index % 20), 7_200 + index * 11),
        cost_usd: 0.01,
      })),
      ...times(240, (index) => ({
        ...plain(index),
        timestamp: at(day(index % 20), (index * 7_919) % 86_400),
      })),
    ]

    test('a job in fixed hours is a candidate, traffic all day is not, and waiting is asked about', async () => {
      const { computed } = await files.answer(batchEligibility, [await log(rows)])
      expect(rowsOf(computed, 'batch_features')).toMatchObject([
        { feature: 'nightly', candidate: true, in_window_percent: 100, cost_usd: 1.2, saving_usd: 0.6 },
        { feature: 'chat', candidate: false },
      ])
      expect(computed?.findings.followUp?.id).toBe('batch:waiting')
      expect(computed?.findings.recommendations?.[0]?.figure).toBe('batch_saving_1_saving_usd')
    })

    test('where somebody waits nothing is recommended', async () => {
      const { computed } = await files.answer(
        batchEligibility,
        [await log(rows)],
        new Map([['batch:waiting', 'no']]),
      )
      expect(computed?.findings.recommendations).toEqual([])
      expect(computed?.findings.followUp).toBeUndefined()
    })
  })

  describe('anomaly days', () => {
    const quiet = times(28 * 20, (index) => ({
      ...plain(index),
      timestamp: at(day(index % 28), 36_000 + index),
    }))

    test('a day of one tenant stands out, with that tenant as its cause', async () => {
      const burst = times(80, (index) => ({
        ...plain(index),
        tenant: 'globex',
        timestamp: at(day(16), 50_000 + index),
      }))
      const { computed } = await files.answer(anomalyDays, [await log([...quiet, ...burst])])
      expect(rowsOf(computed, 'anomaly_days').find((row) => row['measure'] === 'requests')).toMatchObject({
        day: '2026-09-17',
        value: 100,
        usual: 20,
      })
      const driver = rowsOf(computed, 'anomaly_drivers').find(
        (row) => row['dimension'] === 'tenant' && row['measure'] === 'requests',
      )
      expect(driver).toMatchObject({ item: 'globex', value: 80, week_before: 0 })
    })

    test('a day without any request stands out as well', async () => {
      const { computed } = await files.answer(anomalyDays, [
        await log(quiet.filter(({ timestamp }) => !timestamp.startsWith('2026-09-17'))),
      ])
      expect(rowsOf(computed, 'anomaly_days')[0]).toMatchObject({ day: '2026-09-17', value: 0 })
    })

    test('regular traffic has none', async () => {
      const { computed } = await files.answer(anomalyDays, [await log(quiet)])
      expect(rowsOf(computed, 'anomaly_days')).toEqual([])
      expect(figureOf(computed, 'anomaly_totals_days')).toBe(28)
    })
  })
})
