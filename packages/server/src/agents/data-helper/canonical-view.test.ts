import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capacity } from './playbooks/capacity/capacity.ts'
import { costBreakdown } from './playbooks/cost-breakdown/cost-breakdown.ts'
import { latencyTail } from './playbooks/latency-tail/latency-tail.ts'
import { figureOf, openFiles, rowsOf, type TestFiles } from './testing/open-files.ts'

/** Small tables of a user's own, through the real ingest and the real query process. */
let files: TestFiles
beforeAll(async () => {
  files = await openFiles()
})
afterAll(async () => {
  await files[Symbol.asyncDispose]()
})

const csv = (header: string, rows: readonly (readonly (string | number)[])[]) =>
  `${[header, ...rows.map((row) => row.join(','))].join('\n')}\n`

/** `count` rows, one every `stepMs` from the first of September. */
function rows(
  count: number,
  stepMs: number,
  row: (index: number, time: string) => readonly (string | number)[],
) {
  const start = Date.parse('2026-09-01T00:00:03Z')
  return Array.from({ length: count }, (_, index) =>
    row(index, new Date(start + index * stepMs).toISOString()),
  )
}

const hour = 3_600_000

describe('canonical view', () => {
  test('values that cannot be read are left out, counted and named', async () => {
    const profile = await files.profile(
      'usage.csv',
      csv(
        'time,model,cost_usd',
        rows(200, 2 * hour, (index, time) => [time, 'gpt-5', index % 50 === 0 ? 'broken' : '0.5']),
      ),
    )
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(figureOf(computed, 'cost_total')).toBe(98)
    expect(computed?.caveats.join()).toContain('4 of 200 values of "cost_usd" cannot be read')
    expect(computed?.findings.caveats.join()).toContain('4 rows have no cost')
  })

  test('[trap 8] a row of totals is not added to what it sums', async () => {
    const data = rows(120, 2 * hour, (_, time) => [time, 'gpt-5', '0.5'])
    const profile = await files.profile(
      'usage.csv',
      csv('time,model,cost_usd', [...data, ['Total', '', '60']]),
    )
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(figureOf(computed, 'cost_total')).toBe(60)
    expect(figureOf(computed, 'rows')).toBe(120)
  })

  test('[trap 1] rows with more cached than input tokens prove that they are counted apart', async () => {
    const data = rows(120, 2 * hour, (index, time) => [
      time,
      'gpt-5',
      index === 0 ? 9_000 : 100,
      index < 60 ? 300 : 0,
      10,
    ])
    const profile = await files.profile(
      'usage.csv',
      csv('time,model,input_tokens,cached_tokens,output_tokens', data),
    )
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(rowsOf(computed, 'tokens_by_kind')).toMatchObject([
      { kind: 'input, not cached', tokens: 119 * 100 + 9_000 },
      { kind: 'input from cache', tokens: 60 * 300 },
      { kind: 'output', tokens: 1_200 },
    ])
  })

  test('… and where none has, the input contains them', async () => {
    const data = rows(120, 2 * hour, (_, time) => [time, 'gpt-5', 400, 300, 10])
    const profile = await files.profile(
      'usage.csv',
      csv('time,model,input_tokens,cached_tokens,output_tokens', data),
    )
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(rowsOf(computed, 'tokens_by_kind')).toMatchObject([
      { tokens: 12_000 },
      { tokens: 36_000 },
      { tokens: 1_200 },
    ])
    // 100 × $1.25 + 300 × $0.125 + 10 × $10, each for a million, 120 times.
    expect(figureOf(computed, 'cost_total')).toBe(0.0315)
  })

  test('a model without a list price is named and adds nothing to an estimate', async () => {
    const data = rows(120, 2 * hour, (index, time) => [
      time,
      index % 2 === 0 ? 'gpt-5' : 'in-house',
      1_000,
      0,
    ])
    const profile = await files.profile('usage.csv', csv('time,model,input_tokens,output_tokens', data))
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(figureOf(computed, 'cost_total')).toBe(0.075)
    expect(computed?.findings.caveats.join()).toContain('No list price is known for in-house')
  })

  test('a long request is estimated at the price of its tier', async () => {
    const data = rows(120, 2 * hour, (index, time) => [
      time,
      'claude-sonnet-4-5',
      index === 0 ? 300_000 : 200_000,
      0,
    ])
    const profile = await files.profile('usage.csv', csv('time,model,input_tokens,output_tokens', data))
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(figureOf(computed, 'cost_total')).toBe(73.2)
  })

  test('more models than a profile shows are priced from the file', async () => {
    const models = ['gpt-5', 'gpt-5-mini', ...Array.from({ length: 20 }, (_, index) => `own-${index}`)]
    const data = rows(220, 2 * hour, (index, time) => [time, models[index % 22] ?? '', 1_000, 0])
    const profile = await files.profile('usage.csv', csv('time,model,input_tokens,output_tokens', data))
    const { computed } = await files.answer(costBreakdown, [profile])
    expect(figureOf(computed, 'cost_total')).toBe(0.015)
    expect(computed?.findings.caveats.join()).toContain('own-19')
  })

  test('the parts of one export are added up', async () => {
    const part = (day: string) =>
      csv(
        'time,model,cost_usd',
        Array.from({ length: 120 }, (_, index) => [
          `2026-${day}T${String(index % 24).padStart(2, '0')}:00:01Z`,
          'gpt-5',
          '0.5',
        ]),
      )
    const { verdict, computed } = await files.answer(costBreakdown, [
      await files.profile('september.csv', part('09-20')),
      await files.profile('october.csv', part('10-20')),
    ])
    expect(verdict.sources).toHaveLength(2)
    expect(figureOf(computed, 'cost_total')).toBe(120)
    expect(rowsOf(computed, 'cost_by_month')).toMatchObject([{ month: '2026-09' }, { month: '2026-10' }])
  })
})

describe('latency', () => {
  test('too few good rows for p95 and p99: they are not given, whatever the file’s length', async () => {
    const data = rows(1_200, hour, (index, time) => [time, 'gpt-5', index < 150 ? 200 : 500, 1_000 + index])
    const profile = await files.profile('usage.csv', csv('time,model,status,latency_ms', data))
    const { computed } = await files.answer(latencyTail, [profile])
    expect(rowsOf(computed, 'latency_overall')[0]).toMatchObject({
      good_rows: 150,
      failed_rows: 1_050,
      p95_ms: null,
      p99_ms: null,
    })
    expect(figureOf(computed, 'p95')).toBeUndefined()
    expect(computed?.findings.caveats.join()).toContain('Only 150 rows are usable')
  })

  test('long answers are not a slow window; the same length taking longer is', async () => {
    const steady = (index: number) => 500 + (index % 7) * 10
    const data = rows(2_000, 600_000, (index, time) => {
      const long = index >= 300 && index < 324
      const slow = index >= 900 && index < 912
      const tokens = long ? 4_000 : 200 + (index % 5) * 50
      return [time, 'gpt-5', tokens, (steady(index) + tokens * 10) * (slow ? 4 : 1)]
    })
    const profile = await files.profile('usage.csv', csv('time,model,output_tokens,latency_ms', data))
    const { computed } = await files.answer(latencyTail, [profile])
    expect(rowsOf(computed, 'slow_windows')).toMatchObject([
      { slow_from: '2026-09-07T06:00:00Z', slow_to: '2026-09-07T08:00:00Z', requests: 12, times_usual: 4 },
    ])
  })

  test('steady traffic has no slow window, and the answer says so', async () => {
    const data = rows(2_000, 600_000, (index, time) => [time, 'gpt-5', 1_000 + ((index * 7_919) % 400)])
    const profile = await files.profile('usage.csv', csv('time,model,latency_ms', data))
    const { computed } = await files.answer(latencyTail, [profile])
    expect(rowsOf(computed, 'slow_windows')).toEqual([])
    expect(computed?.findings.paragraphs.join()).toContain('No hour stands out')
  })

  test('seconds chosen by the user', async () => {
    const data = rows(1_200, hour, (index, time) => [time, 100 + (index % 100)])
    const profile = await files.profile('usage.csv', csv('time,duration', data))
    const asked = await files.answer(latencyTail, [profile])
    expect(asked.verdict.question?.id).toBe('unit:duration')
    const { computed } = await files.answer(latencyTail, [profile], new Map([['unit:duration', 's']]))
    expect(figureOf(computed, 'p50')).toBe(149_000)
  })
})

describe('capacity', () => {
  test('rows that sum a minute count their requests', async () => {
    const start = Date.parse('2026-09-01T00:00:00Z')
    const data = Array.from({ length: 120 }, (_, index) => [
      new Date(start + index * 60_000).toISOString(),
      index === 50 ? 90 : 10,
      1_000,
      100,
    ])
    const profile = await files.profile(
      'usage.csv',
      csv('time,num_requests,input_tokens,output_tokens', data),
    )
    const { verdict, computed } = await files.answer(capacity, [profile])
    expect(verdict).toMatchObject({ sufficiency: 'sufficient', view: { grain: 'minute' } })
    expect(rowsOf(computed, 'peak_minute')[0]).toMatchObject({
      peak_requests_per_minute: 90,
      peak_requests_minute: '2026-09-01T00:50:00Z',
      peak_tokens_per_minute: 1_100,
      window_minutes: 120,
    })
    // Inside a minute nothing is known.
    expect(rowsOf(computed, 'sliding_peak')).toEqual([])
  })

  test('a burst across the full minute is found by the sliding window', async () => {
    const burst = Array.from({ length: 40 }, (_, index) => [
      new Date(Date.parse('2026-09-01T00:09:40Z') + index * 1_000).toISOString(),
      10,
      1,
    ])
    const data = [...rows(60, 60_000, (_, time) => [time, 10, 1]), ...burst]
    const profile = await files.profile('usage.csv', csv('time,input_tokens,output_tokens', data))
    const { computed } = await files.answer(capacity, [profile])
    expect(figureOf(computed, 'peak_rpm')).toBe(21)
    expect(figureOf(computed, 'sliding_rpm')).toBe(41)
  })

  test('without tokens: requests per minute only', async () => {
    const profile = await files.profile(
      'usage.csv',
      csv(
        'time,request_id',
        rows(300, 7_000, (index, time) => [time, `r${index}`]),
      ),
    )
    const { verdict, computed } = await files.answer(capacity, [profile])
    expect(verdict).toMatchObject({ sufficiency: 'partial', reductions: [{ missing: 'input_tokens' }] })
    expect(figureOf(computed, 'peak_rpm')).toBe(9)
    expect(figureOf(computed, 'peak_tpm')).toBeUndefined()
  })
})
