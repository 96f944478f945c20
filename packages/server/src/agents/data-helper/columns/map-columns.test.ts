import { describe, expect, test } from 'vitest'
import { mapFile } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import { empty, numbers, profileOf, texts, times, timestamps } from '../testing/profiles.ts'

const none = new Map<string, string>()

/** field ← column, for the fields that are mapped. */
function columnsOf(mapping: ReturnType<typeof mapFile>): Record<string, string> {
  return Object.fromEntries(
    Object.values(mapping.fields).map((mapped) => [mapped.field, mapped.columns.join('+')]),
  )
}

const factor = (mapping: ReturnType<typeof mapFile>, field: FieldName): string =>
  /\* ([\d.e-]+)$/.exec(mapping.fields[field]?.sql ?? '')?.[1] ?? '1'

describe('columns by name', () => {
  const namings: readonly [FieldName, readonly string[]][] = [
    [
      'input_tokens',
      [
        'prompt_tokens',
        'ContextTokens',
        'tokens_in',
        'Input Tokens',
        'usage.prompt_tokens',
        'n_input_tokens',
      ],
    ],
    [
      'output_tokens',
      ['completion_tokens', 'GeneratedTokens', 'tokens_out', 'num_output_tokens', 'responseTokens'],
    ],
    ['cost_usd', ['cost', 'spend', 'price', 'total_cost', 'cost_usd', 'Total Cost ($)', 'amount_usd']],
    [
      'latency_ms',
      ['latency_ms', 'response_time_ms', 'elapsed_ms', 'duration_ms', 'Request Duration (ms)', 'took_ms'],
    ],
  ]
  test.each(namings.flatMap(([field, names]) => names.map((name) => [name, field] as const)))(
    '%s is %s',
    (name, field) => {
      const mapping = mapFile(profileOf([timestamps, numbers(name, 250)]), none)
      expect(columnsOf(mapping)[field]).toBe(name)
    },
  )

  test.each([
    ['team', 'tenant'],
    ['customer', 'tenant'],
    ['app_name', 'feature'],
    ['use_case', 'feature'],
    ['Model Name', 'model'],
  ] as const)('%s is %s', (name, field) => {
    const mapping = mapFile(profileOf([timestamps, texts(name, 'alpha', 'beta')]), none)
    expect(columnsOf(mapping)[field]).toBe(name)
  })

  test('an average of many requests is no latency', () => {
    const mapping = mapFile(profileOf([timestamps, numbers('avg_latency_ms', 3_000)]), none)
    expect(mapping.fields.latency_ms).toBeUndefined()
  })

  test('a column without values is not mapped', () => {
    const mapping = mapFile(profileOf([timestamps, empty('latency_ms')]), none)
    expect(mapping.fields.latency_ms).toBeUndefined()
  })

  test('money in cents becomes USD, and another currency is not used', () => {
    const cents = mapFile(profileOf([timestamps, numbers('cost_cents', 1.5)]), none)
    expect(factor(cents, 'cost_usd')).toBe('0.01')
    const euros = mapFile(profileOf([timestamps, numbers('cost_eur', 1.5)]), none)
    expect(euros.fields.cost_usd).toBeUndefined()
    expect(euros.notes.join()).toContain('another currency')
  })

  test('a cost without a currency is read as USD and says so', () => {
    const mapping = mapFile(profileOf([timestamps, numbers('cost', 1.5)]), none)
    expect(mapping.fields.cost_usd?.note).toContain('read as USD')
  })

  test('two columns that fit equally are one question, and the answer decides', () => {
    const profile = profileOf([timestamps, numbers('cost_usd', 1.5), numbers('total_cost', 1.7)])
    const asked = mapFile(profile, none)
    expect(asked.fields.cost_usd).toBeUndefined()
    expect(asked.questions).toMatchObject([
      { id: 'column:cost_usd', choices: [{ value: 'cost_usd' }, { value: 'total_cost' }] },
    ])
    const answered = mapFile(profile, new Map([['column:cost_usd', 'total_cost']]))
    expect(answered.questions).toEqual([])
    expect(columnsOf(answered)['cost_usd']).toBe('total_cost')
  })

  test('two columns that say the same are no question', () => {
    const mapping = mapFile(
      profileOf([timestamps, numbers('cost_usd', 1.5), numbers('total_cost', 1.5)]),
      none,
    )
    expect(mapping.questions).toEqual([])
    expect(mapping.fields.cost_usd).toBeDefined()
  })

  test('cost follows from model and tokens, and is labelled', () => {
    const mapping = mapFile(
      profileOf([
        timestamps,
        texts('model', 'gpt-5'),
        numbers('input_tokens', 900),
        numbers('output_tokens', 200),
      ]),
      none,
    )
    expect(mapping.fields.cost_usd).toMatchObject({ estimated: true })
    expect(mapping.models).toEqual(['gpt-5'])
  })
})

describe('[trap 4] latency units', () => {
  const tokens = numbers('output_tokens', 230)
  test.each([
    ['latency_s', 3.4, '1000'],
    ['latency_ms', 3_400, '1'],
    ['latencySeconds', 3.4, '1000'],
    ['latency_us', 3_400_000, '0.001'],
  ])('the suffix of %s counts', (name, median, each) => {
    expect(factor(mapFile(profileOf([timestamps, tokens, numbers(name, median)]), none), 'latency_ms')).toBe(
      each,
    )
  })

  test.each([
    [3_400, '1'],
    [3.4, '1000'],
    [3_400_000, '0.001'],
  ])('without a suffix, ms per output token decides: a median of %d', (median, each) => {
    const mapping = mapFile(profileOf([timestamps, tokens, numbers('duration', median)]), none)
    expect(mapping.questions).toEqual([])
    expect(factor(mapping, 'latency_ms')).toBe(each)
  })

  test('undecidable by size: one question, and the answer sets the unit', () => {
    const profile = profileOf([timestamps, tokens, numbers('duration', 110)])
    const asked = mapFile(profile, none)
    expect(asked.fields.latency_ms).toBeUndefined()
    expect(asked.questions).toMatchObject([
      { id: 'unit:duration', choices: [{ value: 'ms' }, { value: 's' }] },
    ])
    expect(asked.questions[0]?.choices[1]?.label).toContain('110 s')
    const answered = mapFile(profile, new Map([['unit:duration', 's']]))
    expect(factor(answered, 'latency_ms')).toBe('1000')
  })

  test('without output tokens the unit is asked for', () => {
    const mapping = mapFile(profileOf([timestamps, numbers('duration', 3_400)]), none)
    expect(mapping.questions.map(({ id }) => id)).toEqual(['unit:duration'])
  })

  test('a suffix that the output tokens contradict is asked about', () => {
    const mapping = mapFile(profileOf([timestamps, tokens, numbers('latency_ms', 3.4)]), none)
    expect(mapping.questions).toMatchObject([
      { id: 'unit:latency_ms', choices: [{ value: 'ms' }, { value: 's' }] },
    ])
  })

  test('a start and an end give the latency of a request', () => {
    const mapping = mapFile(
      profileOf([times('start_time', ['2026-09-01T02:00:07Z']), times('end_time', ['2026-09-01T02:00:11Z'])]),
      none,
    )
    expect(columnsOf(mapping)['latency_ms']).toBe('start_time+end_time')
  })
})

describe('[trap 1] inclusive or exclusive input', () => {
  const input = numbers('input_tokens', 500, { max: 4_000, mean: 600 })
  test('cached tokens above the input prove that they are counted apart', () => {
    const mapping = mapFile(
      profileOf([timestamps, input, numbers('cached_tokens', 900, { max: 9_000 })]),
      none,
    )
    expect(mapping.fields.input_tokens?.columns).toEqual(['input_tokens', 'cached_tokens'])
    expect(mapping.fields.input_tokens?.note).toContain('counted apart')
  })

  test('a total settles it either way', () => {
    const cached = numbers('cached_tokens', 100, { max: 300, mean: 120 })
    const output = numbers('output_tokens', 200, { mean: 200 })
    const total = (mean: number) => numbers('total_tokens', mean, { mean })
    const apart = mapFile(profileOf([timestamps, input, cached, output, total(920)]), none)
    expect(apart.fields.input_tokens?.columns).toEqual(['input_tokens', 'cached_tokens'])
    const within = mapFile(profileOf([timestamps, input, cached, output, total(800)]), none)
    expect(within.fields.input_tokens?.columns).toEqual(['input_tokens'])
    expect(within.fields.input_tokens?.note).toBeUndefined()
  })

  test('a name that says uncached is exclusive', () => {
    const mapping = mapFile(
      profileOf([timestamps, numbers('uncached_input_tokens', 500), numbers('cached_tokens', 100)]),
      none,
    )
    expect(mapping.fields.input_tokens?.columns).toEqual(['uncached_input_tokens', 'cached_tokens'])
  })
})

describe('[trap 5] times', () => {
  test('day and month that could be swapped are one question', () => {
    const dates = times('date', ['01/02/2026', '03/04/2026'], ['date_dmy', 'date_mdy'])
    const asked = mapFile(profileOf([dates, numbers('cost_usd', 1)]), none)
    expect(asked.fields.time).toBeUndefined()
    expect(asked.questions).toMatchObject([
      { id: 'date:date', choices: [{ value: 'dmy' }, { value: 'mdy' }] },
    ])
    const day = mapFile(profileOf([dates, numbers('cost_usd', 1)]), new Map([['date:date', 'dmy']]))
    const month = mapFile(profileOf([dates, numbers('cost_usd', 1)]), new Map([['date:date', 'mdy']]))
    expect(day.fields.time?.sql).not.toBe(month.fields.time?.sql)
  })

  test('a time that counts from its own start is mapped with a note once its unit is known', () => {
    const seconds = mapFile(
      profileOf([numbers('timestamp_s', 1_800, { min: 0 }), numbers('input_tokens', 5)]),
      none,
    )
    expect(seconds.fields.time?.sql).toContain('make_timestamp')
    expect(seconds.span?.from).toBe('1970-01-01T00:00:00.000Z')
    expect(seconds.notes.join()).toContain('1970-01-01')
    const unknown = mapFile(profileOf([numbers('timestamp', 1_800, { min: 0 })]), none)
    expect(unknown.questions.map(({ id }) => id)).toEqual(['unit:timestamp'])
  })
})

describe('[trap 2] grain', () => {
  const at = (...samples: readonly string[]) => ({
    ...times('time', samples),
    time: { min: samples[0] ?? '', max: samples.at(-1) ?? '', medianStepSeconds: null },
  })
  test.each([
    ['day', at('2026-09-01T00:00:00Z', '2026-09-02T00:00:00Z')],
    ['hour', at('2026-09-01T03:00:00Z', '2026-09-02T04:00:00Z')],
    ['minute', at('2026-09-01T03:01:00Z', '2026-09-02T04:02:00Z')],
    ['request', at('2026-09-01T03:01:07Z', '2026-09-02T04:02:09Z')],
  ] as const)('times alone: %s', (grain, time) => {
    expect(mapFile(profileOf([time, numbers('cost_usd', 1)]), none).grain).toBe(grain)
  })

  test('a column that counts requests makes a row a bucket; one id a row makes it a request', () => {
    const hourly = at('2026-09-01T03:00:00Z', '2026-09-02T04:00:00Z')
    expect(mapFile(profileOf([hourly, numbers('num_requests', 40)]), none).grain).toBe('hour')
    const daily = at('2026-09-01T00:00:00Z', '2026-09-02T00:00:00Z')
    const mapping = mapFile(profileOf([daily, numbers('latency_ms', 900)]), none)
    expect(mapping).toMatchObject({ grain: 'request', timeStep: 'day' })
  })
})

describe('which rows succeeded', () => {
  test.each([
    [texts('status', '200', '429', '500'), /BETWEEN 200 AND 399/],
    [texts('success', 'true', 'false'), /IN \('true'/],
    [texts('is_error', 'true', 'false'), /IN \('false'/],
    [texts('status', 'ok', 'timeout'), /'timeout'/],
  ])('from $name', (column, pattern) => {
    expect(mapFile(profileOf([timestamps, column]), none).ok).toMatch(pattern)
  })
  test('not known without such a column', () => {
    expect(mapFile(profileOf([timestamps]), none).ok).toBeNull()
  })
})
