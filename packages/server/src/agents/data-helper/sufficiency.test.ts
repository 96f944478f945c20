import { describe, expect, test } from 'vitest'
import type { ColumnProfile } from '../../workspace/file-profile.ts'
import { requestItems } from './data-request.ts'
import { mapFile } from './field-mapping.ts'
import type { Playbook } from './playbook.ts'
import { capacity } from './playbooks/capacity/capacity.ts'
import { costBreakdown } from './playbooks/cost-breakdown/cost-breakdown.ts'
import { latencyTail } from './playbooks/latency-tail/latency-tail.ts'
import { checkSufficiency } from './sufficiency.ts'
import { numbers, profileOf, texts, times, timestamps } from './testing/profiles.ts'

const columns: readonly ColumnProfile[] = [
  timestamps,
  texts('model', 'gpt-5', 'gpt-5-mini'),
  texts('tenant', 'acme', 'globex'),
  texts('feature', 'chat', 'report'),
  texts('status', '200', '429'),
  numbers('prompt_tokens', 900),
  numbers('cached_tokens', 0, { max: 300 }),
  numbers('completion_tokens', 230),
  numbers('cost_usd', 0.004),
  numbers('latency_ms', 3_400),
  numbers('ttft_ms', 600),
]

function judge(
  playbook: Playbook,
  given: readonly ColumnProfile[],
  choices = new Map<string, string>(),
  rows = 1_000,
) {
  const mapping = mapFile(profileOf(given, { rows }), choices)
  const verdict = checkSufficiency(playbook, [mapping])
  return {
    verdict: verdict.sufficiency,
    asks: requestItems(playbook, verdict).map(({ field }) => field),
    reductions: verdict.reductions.map(({ id }) => id),
    question: verdict.question?.id ?? null,
  }
}

const without = (...names: readonly string[]) => columns.filter(({ name }) => !names.includes(name))

describe('verdict rule', () => {
  test.each([costBreakdown, latencyTail, capacity])('$id: sufficient on a whole request log', (playbook) => {
    expect(judge(playbook, columns)).toEqual({
      verdict: 'sufficient',
      asks: [],
      reductions: [],
      question: null,
    })
  })

  describe('leave one column out: the verdict flips and names exactly that field', () => {
    test.each([
      [costBreakdown, 'timestamp', 'partial', ['time'], ['no_time']],
      [costBreakdown, 'model', 'partial', ['model'], ['no_model']],
      [latencyTail, 'latency_ms', 'insufficient', ['latency_ms'], []],
      [latencyTail, 'timestamp', 'partial', ['time'], ['no_time']],
      [capacity, 'timestamp', 'insufficient', ['time'], []],
      [capacity, 'prompt_tokens', 'partial', ['input_tokens'], ['no_input_tokens']],
      [capacity, 'completion_tokens', 'partial', ['output_tokens'], ['no_output_tokens']],
    ] as const)('$id without %s', (playbook, name, verdict, asks, reductions) => {
      expect(judge(playbook, without(name))).toEqual({ verdict, asks, reductions, question: null })
    })

    test.each([
      [costBreakdown, ['status', 'tenant', 'feature', 'cached_tokens', 'latency_ms', 'ttft_ms', 'cost_usd']],
      [latencyTail, ['model', 'status', 'tenant', 'prompt_tokens', 'ttft_ms', 'cost_usd']],
      [capacity, ['model', 'status', 'cost_usd', 'latency_ms']],
    ] as const)('$id needs none of %s', (playbook, names) => {
      for (const name of names) expect(judge(playbook, without(name)).verdict).toBe('sufficient')
    })
  })

  test('cost without cost and without tokens asks for the cost', () => {
    expect(judge(costBreakdown, without('cost_usd', 'prompt_tokens', 'completion_tokens'))).toMatchObject({
      verdict: 'insufficient',
      asks: ['cost_usd'],
    })
  })

  test('an undecided unit is one question with choices, and its answer makes the data sufficient', () => {
    const given = [...without('latency_ms', 'ttft_ms', 'completion_tokens'), numbers('duration', 3_400)]
    expect(judge(latencyTail, given)).toEqual({
      verdict: 'ambiguous',
      asks: [],
      reductions: [],
      question: 'unit:duration',
    })
    expect(judge(latencyTail, given, new Map([['unit:duration', 'ms']])).verdict).toBe('sufficient')
  })

  test('a question that another playbook needs is not asked', () => {
    expect(
      judge(costBreakdown, [...without('latency_ms', 'completion_tokens'), numbers('duration', 3_400)]),
    ).toMatchObject({
      verdict: 'sufficient',
      question: null,
    })
  })

  test('a question that cannot help is not asked: what is missing comes first', () => {
    const dates = times('date', ['01/02/2026'], ['date_dmy', 'date_mdy'])
    expect(judge(latencyTail, [dates, texts('model', 'gpt-5')])).toMatchObject({
      verdict: 'insufficient',
      asks: ['latency_ms'],
    })
  })

  test('sums of days give neither percentiles nor requests per minute', () => {
    const daily = [
      {
        ...times('date', ['2026-09-01', '2026-09-02']),
        time: { min: '2026-09-01T00:00:00Z', max: '2026-10-31T00:00:00Z', medianStepSeconds: 86_400 },
      },
      texts('model', 'gpt-5'),
      numbers('num_requests', 40),
      numbers('input_tokens', 9_000),
      numbers('output_tokens', 900),
      numbers('cost_usd', 0.4),
    ]
    expect(judge(costBreakdown, daily).verdict).toBe('sufficient')
    expect(judge(latencyTail, daily)).toMatchObject({ verdict: 'insufficient', asks: ['latency_ms'] })
    expect(judge(capacity, daily)).toMatchObject({ verdict: 'insufficient', asks: ['time'] })
  })

  test('a log of single requests with dates only cannot give requests per minute', () => {
    const dates = {
      ...times('date', ['2026-09-01', '2026-09-02']),
      time: { min: '2026-09-01T00:00:00Z', max: '2026-10-31T00:00:00Z', medianStepSeconds: 0 },
    }
    expect(judge(capacity, [dates, ...without('timestamp')])).toMatchObject({
      verdict: 'insufficient',
      asks: ['time'],
    })
  })

  test.each([
    [costBreakdown, 99, ['few_rows']],
    [costBreakdown, 100, []],
    [latencyTail, 199, ['p50_only']],
    [latencyTail, 200, ['no_p99']],
    [latencyTail, 999, ['no_p99']],
    [latencyTail, 1_000, []],
  ] as const)('minimums: $id with %d rows', (playbook, rows, reductions) => {
    expect(judge(playbook, columns, new Map(), rows)).toMatchObject({
      verdict: reductions.length > 0 ? 'partial' : 'sufficient',
      reductions,
      asks: [],
    })
  })

  test('fewer than 7 days: totals only', () => {
    const short = {
      ...timestamps,
      time: { min: '2026-09-01T00:00:01Z', max: '2026-09-06T12:00:00Z', medianStepSeconds: 1 },
    }
    expect(judge(costBreakdown, [short, ...without('timestamp')]).reductions).toEqual(['few_days'])
  })

  test('a field of which less than 95 % can be read is missing, and the request says why', () => {
    const broken = { ...numbers('latency_ms', 3_400), parses: [{ cast: 'number' as const, count: 940 }] }
    const mapping = mapFile(profileOf([...without('latency_ms'), broken]), new Map())
    const verdict = checkSufficiency(latencyTail, [mapping])
    expect(verdict.sufficiency).toBe('insufficient')
    expect(requestItems(latencyTail, verdict)[0]?.why).toContain('94 %')
  })

  test('a file without rows is insufficient', () => {
    expect(judge(costBreakdown, columns, new Map(), 0).verdict).toBe('insufficient')
  })
})

describe('requests', () => {
  test('with no file the cost playbook asks for time, model and cost or tokens, for every provider', () => {
    const verdict = checkSufficiency(costBreakdown, [])
    expect(verdict.sufficiency).toBe('insufficient')
    const items = requestItems(costBreakdown, verdict)
    expect(items.map(({ field }) => field)).toEqual(['time', 'model', 'cost_usd'])
    expect(items[2]?.format).toContain('input_tokens and output_tokens')
    for (const item of items) {
      const providers = item.howTo.map(({ provider }) => provider)
      expect(providers).toEqual(
        expect.arrayContaining(['OpenAI', 'Anthropic', 'OpenRouter', 'LiteLLM', 'Langfuse']),
      )
      for (const text of [item.why, item.format, item.sample, item.unlocks]) expect(text).not.toBe('')
    }
  })

  test('a latency is not sent for to an export that has none', () => {
    const [item] = requestItems(latencyTail, checkSufficiency(latencyTail, []))
    const openai = item?.howTo.find(({ provider }) => provider === 'OpenAI')
    expect(openai?.steps).toContain('no single requests')
    expect(item?.howTo.find(({ provider }) => provider === 'LiteLLM')?.steps).toContain('endTime')
  })
})

describe('several files', () => {
  const file = (fileName: string, from: string, to: string, given = columns) =>
    mapFile(
      profileOf(
        given.map((column) =>
          column.time === undefined ? column : { ...column, time: { ...column.time, min: from, max: to } },
        ),
        { fileName },
      ),
      new Map(),
    )
  const september = file('september.csv', '2026-09-01T00:00:01Z', '2026-09-30T23:00:00Z')
  const october = file('october.csv', '2026-10-01T00:00:01Z', '2026-10-31T23:00:00Z')

  test('parts of one export are added up', () => {
    const verdict = checkSufficiency(costBreakdown, [september, october])
    expect(verdict.sources).toHaveLength(2)
    expect(verdict.view).toMatchObject({ rows: 2_000, span: { from: '2026-09-01T00:00:01.000Z', days: 61 } })
  })

  test('files that may show the same requests are not added up, and it is said', () => {
    const verdict = checkSufficiency(costBreakdown, [
      september,
      file('copy.csv', '2026-09-01T00:00:01Z', '2026-09-30T23:00:00Z'),
    ])
    expect(verdict.sources).toHaveLength(1)
    expect(verdict.notes.join()).toContain('count those twice')
  })

  test('the file that answers is taken, whatever else lies beside it', () => {
    const other = file('cities.csv', '2026-09-01T00:00:01Z', '2026-09-30T23:00:00Z', [
      texts('city', 'Rome', 'Oslo'),
    ])
    const verdict = checkSufficiency(latencyTail, [other, september])
    expect(verdict.sources.map(({ fileName }) => fileName)).toEqual(['september.csv'])
    expect(verdict.sufficiency).toBe('sufficient')
  })
})
