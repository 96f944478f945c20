import { describe, expect, test } from 'vitest'
import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import { mapFile } from '../field-mapping.ts'
import { listPrices, spellings } from '../prices.ts'
import { numbers, profileOf, texts, times, timestamps } from '../testing/profiles.ts'

const none = new Map<string, string>()
const map = (columns: readonly ColumnProfile[], choices = none) => mapFile(profileOf(columns), choices)
const renamed = (column: ColumnProfile, name: string): ColumnProfile => ({ ...column, name })
const midnight = (name: string): ColumnProfile => ({
  ...times(name, ['2026-09-01T00:00:00Z', '2026-09-02T00:00:00Z']),
  time: { min: '2026-09-01T00:00:00Z', max: '2026-10-31T00:00:00Z', medianStepSeconds: 86_400 },
})

/** The traps of the catalogue of exports, by their numbers, each where a known export sets it. */
describe('[trap 1] input counted with its cached part, or without', () => {
  const openai = [
    midnight('start_time'),
    texts('model', 'gpt-5'),
    numbers('num_model_requests', 3),
    numbers('output_tokens', 90),
  ]

  test('OpenAI counts it within', () => {
    const { fields } = map([...openai, numbers('input_tokens', 900), numbers('input_cached_tokens', 100)])
    expect(fields.input_tokens?.columns).toEqual(['input_tokens'])
  })

  test('Anthropic counts reads and writes beside: all are added up, also where an old export has one column of writes', () => {
    const { fields } = map([
      midnight('usage_date_utc'),
      texts('model_version', 'claude-sonnet-4-5'),
      numbers('usage_input_tokens_no_cache', 900),
      numbers('usage_input_tokens_cache_read', 400),
      numbers('usage_input_tokens_cache_write', 50),
      numbers('usage_output_tokens', 90),
    ])
    expect(fields.input_tokens?.sql).toContain('"usage_input_tokens_cache_read"')
    expect(fields.input_tokens?.sql).toContain('"usage_input_tokens_cache_write"')
    expect(fields.cache_write_tokens?.columns).toEqual(['usage_input_tokens_cache_write'])
  })

  const langfuse = (total: number) =>
    map([
      texts('type', 'GENERATION'),
      texts('provided_model_name', 'gpt-5'),
      renamed(timestamps, 'start_time'),
      numbers('usage_details.input', 1_000),
      numbers('usage_details.input_cached_tokens', 400),
      numbers('usage_details.output', 100),
      numbers('usage_details.total', total),
    ]).fields.input_tokens?.columns

  test('of Langfuse the total decides: its keys are free', () => {
    expect(langfuse(1_500)).toContain('usage_details.input_cached_tokens')
    expect(langfuse(1_100)).toEqual(['usage_details.input'])
  })
})

describe('[trap 2] what a row stands for', () => {
  test.each([
    [midnight('start_time'), 'day'],
    [times('start_time', ['2026-09-01T02:00:00Z', '2026-09-01T05:00:00Z']), 'hour'],
  ] as const)('an OpenAI bucket is as long as its times say', (time, grain) => {
    const hours = {
      ...time,
      time: { min: '2026-09-01T00:00:00Z', max: '2026-09-03T00:00:00Z', medianStepSeconds: 3_600 },
    }
    const columns = [
      numbers('num_model_requests', 3),
      numbers('input_tokens', 900),
      numbers('input_cached_tokens', 0),
      numbers('output_tokens', 9),
      texts('model', 'gpt-5'),
    ]
    expect(map([grain === 'day' ? time : hours, ...columns]).grain).toBe(grain)
  })
})

describe('[trap 3] money', () => {
  test('days without spend in the OpenAI cost export are no rows', () => {
    const mapping = map([
      midnight('start_time'),
      numbers('amount_value', 0.09),
      texts('amount_currency', 'usd'),
      texts('line_item', 'gpt-5, input'),
    ])
    expect(mapping.keep).toContain('"amount_value"')
    expect(mapping.fields.token_kind?.sql).toContain('split_part')
  })

  test('of the four costs of FOCUS one is summed, and taxes and credits are left out', () => {
    const mapping = map([
      times('ChargePeriodStart', ['2026-09-01T00:00:00Z']),
      numbers('BilledCost', 4),
      numbers('EffectiveCost', 3),
      numbers('ListCost', 5),
      texts('ChargeCategory', 'Usage', 'Tax', 'Credit'),
      texts('SkuId', 'gpt-5'),
    ])
    expect(mapping.fields.cost_usd?.columns).toEqual(['EffectiveCost'])
    expect(mapping.keep).toContain(`NOT IN ('tax', 'credit', 'adjustment')`)
  })

  const helicone = (cost: number) => [
    times('request_created_at', ['2026-09-01T02:00:07Z']),
    texts('target_url', 'https://api.openai.com'),
    texts('model', 'gpt-5'),
    numbers('prompt_tokens', 1_000),
    numbers('completion_tokens', 300),
    numbers('cost', cost),
  ]

  test('Helicone’s scaled integers are asked about, and read as chosen', () => {
    expect(map(helicone(0.004)).questions).toEqual([])
    const scaledUp = helicone(4_000_000)
    expect(map(scaledUp).questions.map(({ id }) => id)).toEqual(['unit:cost'])
    expect(map(scaledUp).fields.cost_usd?.estimated).not.toBe(false)
    expect(map(scaledUp, new Map([['unit:cost', 'nanos']])).fields.cost_usd?.sql).toMatch(/\* 1e-9$/)
  })
})

describe('[trap 4] and [trap 5] durations and times', () => {
  test('Langfuse writes seconds, LiteLLM two times, OpenTelemetry nanoseconds as text', () => {
    const langfuse = map([
      texts('type', 'GENERATION'),
      texts('provided_model_name', 'gpt-5'),
      numbers('usage_details.input', 9),
      renamed(timestamps, 'start_time'),
      numbers('latency', 5.5),
    ])
    expect(langfuse.fields.latency_ms?.sql).toMatch(/\* 1000$/)
    const litellm = map([
      numbers('spend', 0.01),
      renamed(timestamps, 'startTime'),
      renamed(timestamps, 'endTime'),
      texts('custom_llm_provider', 'openai'),
      texts('cache_hit', 'True', 'False'),
    ])
    expect(litellm.fields.latency_ms?.columns).toEqual(['startTime', 'endTime'])
    // [trap 7] The proxy's own cache of answers is not the provider's cache of prompts.
    expect(litellm.fields.cached_input_tokens).toBeUndefined()
    const otel = map([
      texts('attributes.gen_ai.request.model', 'gpt-5'),
      times('startTimeUnixNano', ['1788228007188000000'], ['epoch_ns']),
      times('endTimeUnixNano', ['1788228012776000000'], ['epoch_ns']),
    ])
    expect(otel.fields.time?.sql).toContain('HUGEINT')
    expect(otel.fields.latency_ms).toBeDefined()
  })

  test('BurstGPT counts seconds from a start of its own, and an answer without tokens failed', () => {
    const mapping = map([
      numbers('Timestamp', 5),
      texts('Model', 'GPT-4'),
      numbers('Request tokens', 9),
      numbers('Response tokens', 9),
      texts('Log Type', 'API log'),
    ])
    expect(mapping.notes.join()).toContain('count from its own start')
    expect(mapping.ok).toContain('> 0')
  })

  test('01/02/2026 is asked about', () => {
    expect(
      map([times('date', ['01/02/2026'], ['date_dmy', 'date_mdy']), numbers('cost_usd', 1)]).questions[0]?.id,
    ).toBe('date:date')
  })
})

describe('[trap 6] names of models', () => {
  test.each([
    'openai/gpt-5',
    'Claude Sonnet 4.5',
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'claude-sonnet-4-5-20250929',
  ])('%s has a price', (name) => {
    expect(spellings(name).length).toBeGreaterThan(0)
    expect(listPrices([name], new Date('2026-10-31')).unmatched).toEqual([])
  })

  test('a name nobody sells is listed', () => {
    expect(listPrices(['our-own-llama'], new Date('2026-10-31')).unmatched).toEqual(['our-own-llama'])
  })
})

describe('[trap 7] and [trap 8] what counts, and where it stands', () => {
  test('spans of OpenTelemetry without a model are parents; the older names of its attributes are read', () => {
    const mapping = map([
      texts('attributes.gen_ai.request.model', 'gpt-5'),
      times('startTimeUnixNano', ['1788228007188000000'], ['epoch_ns']),
      texts('attributes.gen_ai.system', 'openai'),
      numbers('attributes.gen_ai.usage.prompt_tokens', 900),
      numbers('attributes.gen_ai.usage.completion_tokens', 90),
    ])
    expect(mapping.keep).toContain('gen_ai.request.model')
    expect(Object.keys(mapping.fields)).toEqual(
      expect.arrayContaining(['provider', 'input_tokens', 'output_tokens']),
    )
  })

  test('LiteLLM keeps the feature in JSON in a cell', () => {
    const mapping = map([
      numbers('spend', 0.01),
      renamed(timestamps, 'startTime'),
      texts('custom_llm_provider', 'openai'),
      texts('request_tags', '["feature:chat"]'),
    ])
    expect(mapping.fields.feature?.sql).toContain('regexp_extract')
  })

  test('Cursor writes 6,804 and $0.0119, and Included costs nothing', () => {
    const mapping = map([
      times('Date', ['2026-09-01T02:00:07Z']),
      texts('Max Mode', 'No'),
      numbers('Cache Read', 0),
      numbers('Total Tokens', 6_804, { casts: ['number_thousands'] }),
      texts('Cost', 'Included', '$0.0119'),
    ])
    expect(mapping.fields.total_tokens?.sql).toContain(`replace(trim("Total Tokens"), ',', '')`)
    expect(mapping.fields.cost_usd?.sql).toContain(`'included'`)
  })
})
