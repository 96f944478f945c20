import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestWorkspace, type TestWorkspace } from './workspace.test-support.ts'

const data = join(import.meta.dirname, '../../../../../shared/data')
const present = existsSync(data)

let here: TestWorkspace
beforeAll(async () => {
  here = await openTestWorkspace()
})
afterAll(async () => await here[Symbol.asyncDispose]())

const read = (path: string) => here.read(path, readFileSync(join(data, path)))

describe.skipIf(!present)('csv-spectrum: every case is its JSON (needs ../shared/data)', () => {
  const cases = present
    ? readdirSync(join(data, 'csv-spectrum/csvs')).map((name) => name.replace('.csv', ''))
    : []
  test('there are 12', () => {
    expect(cases).toHaveLength(12)
  })
  test.each(cases)('%s', async (name) => {
    const file = await here.upload(name, readFileSync(join(data, `csv-spectrum/csvs/${name}.csv`)))
    const { columns, rows } = await here.query(file, 'SELECT * FROM t')
    const got = rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? ''])))
    const expected: unknown = JSON.parse(readFileSync(join(data, `csv-spectrum/json/${name}.json`), 'utf8'))
    if (name !== 'location_coordinates') return expect(got).toEqual(expected)
    // Upstream's JSON of this case is one object, and its telephone number is not the one of the CSV.
    expect(got).toEqual([{ ...(expected as object), 'Contact Phone Number': '2095257564' }])
  })
})

describe.skipIf(!present)('real and synthetic exports (needs ../shared/data)', () => {
  test.each([
    ['azure-llm-2023/AzureLLMInferenceTrace_code.csv', 'csv', 8_819, 3],
    ['mooncake/conversation_trace.jsonl', 'jsonl', 12_031, 4],
    ['synthetic-exports/generic_requests.csv', 'csv', 4_457, 14],
    ['synthetic-exports/litellm_spendlogs.csv', 'csv', 4_457, 21],
    ['synthetic-exports/openrouter_activity.csv', 'csv', 4_195, 21],
    ['synthetic-exports/anthropic_console_cost.csv', 'csv', 516, 12],
    ['synthetic-exports/anthropic_console_usage.csv', 'csv', 172, 14],
    ['synthetic-exports/openai_completions_usage_1d.csv', 'csv', 359, 15],
    ['synthetic-exports/openai_cost_1d.csv', 'csv', 719, 17],
    ['synthetic-exports/cursor_usage_events.csv', 'csv', 200, 10],
    ['synthetic-exports/langfuse_observations_v2.jsonl', 'jsonl', 4_457, 18],
    ['synthetic-exports/otel_genai_spans.jsonl', 'jsonl', 4_457, 16],
    ['synthetic-exports/bedrock_invocation_log.jsonl', 'jsonl', 300, 13],
    ['synthetic-exports/anthropic_cost_report_api.json', 'json', 61, 7],
  ])('%s: %s of %i rows and %i columns, nothing rejected', async (path, kind, rows, columns) => {
    const profile = await read(path)
    expect([profile.kind, profile.rows, profile.columns.length]).toEqual([kind, rows, columns])
    expect(profile.layout.rejectedRows).toBe(0)
    expect(profile.problems).toEqual([])
  })

  const column = async (path: string, name: string) =>
    (await read(path)).columns.find((one) => one.name === name)

  test('times of 100-nanosecond digits, without a zone', async () => {
    expect(await column('azure-llm-2023/AzureLLMInferenceTrace_code.csv', 'TIMESTAMP')).toMatchObject({
      filled: 8_819,
      parses: [{ cast: 'iso_time', count: 8_819 }],
      time: { min: '2023-11-16T18:17:03.979Z', max: '2023-11-16T19:14:19.928Z' },
    })
  })
  test('nested keys of Langfuse and OTel, and nanoseconds as text', async () => {
    expect(
      await column('synthetic-exports/langfuse_observations_v2.jsonl', 'usage_details.input'),
    ).toMatchObject({
      parses: [{ cast: 'number', count: 4_457 }],
    })
    expect(
      await column('synthetic-exports/otel_genai_spans.jsonl', 'attributes.gen_ai.usage.input_tokens'),
    ).toMatchObject({ numeric: { allIntegers: true } })
    expect(await column('synthetic-exports/otel_genai_spans.jsonl', 'startTimeUnixNano')).toMatchObject({
      parses: [{ cast: 'number' }, { cast: 'epoch_ns' }],
      time: { min: '2026-09-01T02:00:07.188Z' },
    })
  })
  test('thousands, money beside words, lists as JSON', async () => {
    const cursor = 'synthetic-exports/cursor_usage_events.csv'
    expect(await column(cursor, 'Total Tokens')).toMatchObject({
      parses: [{ cast: 'number_thousands', count: 200 }],
    })
    expect((await column(cursor, 'Cost'))?.parses).toEqual([])
    expect(await column('mooncake/conversation_trace.jsonl', 'hash_ids')).toMatchObject({
      parses: [{ cast: 'json', count: 12_031 }],
    })
  })
  test('sums over a typed view agree with the planted truth', async () => {
    const file = await here.upload('g', readFileSync(join(data, 'synthetic-exports/generic_requests.csv')))
    const { rows } = await here.query(
      file,
      'SELECT round(sum(cost_usd::DOUBLE), 6), sum(prompt_tokens::INTEGER) FROM t',
    )
    expect(rows).toEqual([[24.120929, 9_573_644]])
  })
})
