import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import { mapFile } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import { numbers, profileOf, texts, times, timestamps } from '../testing/profiles.ts'
import { sharedData } from '../testing/shared-data.ts'
import type { Format, Reading } from './format.ts'
import { findFormat, formats } from './formats.ts'

/** A file that has every column a format reads, with values of the right kind. */
function exportOf(format: Format) {
  const columns = new Map<string, ColumnProfile>()
  const add = (name: string, make: (name: string) => ColumnProfile) => {
    if (!columns.has(name)) columns.set(name, make(name))
  }
  const whole = (name: string) => numbers(name, 200)
  // Beside 200 tokens a cost of 200 would be asked about.
  const money = (name: string) => numbers(name, 0.004)
  const time = (name: string) => times(name, ['2026-09-01T02:00:07.188Z'])
  const some = (name: string) => texts(name, 'alpha', 'beta')
  for (const reading of Object.values(format.fields))
    for (const [name, kind] of columnsOf(reading)) add(name, { whole, money, time, some }[kind])
  for (const name of [...format.detect, ...(format.ok?.column ?? []), ...(format.keep?.column ?? [])])
    add(name, some)
  return profileOf([...columns.values()], { kind: format.kinds[0] ?? 'csv' })
}

function columnsOf(reading: Reading): readonly (readonly [string, 'whole' | 'money' | 'time' | 'some'])[] {
  switch (reading.as) {
    case 'text':
    case 'bare_model':
    case 'part':
      return reading.from.slice(0, 1).map((name) => [name, 'some'])
    case 'tag':
      return reading.from.slice(0, 1).map((name) => [`${name}.${reading.keys[0] ?? ''}`, 'some'])
    case 'money':
      return reading.from.slice(0, 1).map((name) => [name, 'money'])
    case 'count':
    case 'duration':
    case 'relative_time':
      return reading.from.slice(0, 1).map((name) => [name, 'whole'])
    case 'count_sum':
      return reading.of.flatMap((names) => names.slice(0, 1).map((name) => [name, 'whole'] as const))
    case 'time':
      return reading.from.slice(0, 1).map((name) => [name, 'time'])
    case 'between':
      return [...reading.from.slice(0, 1), ...reading.to.slice(0, 1)].map((name) => [name, 'time'])
  }
}

describe('known exports', () => {
  test('there are 19, each under its own name', () => {
    expect(new Set(formats.map(({ id }) => id)).size).toBe(19)
  })

  test.each(formats.map((format) => [format.id, format] as const))(
    '%s is recognised, and every field it has is read',
    (id, format) => {
      const profile = exportOf(format)
      const mapping = mapFile(profile, new Map())
      expect(findFormat(profile)?.id).toBe(id)
      expect(mapping.format).toBe(id)
      const read = Object.values(mapping.fields)
        .filter(({ estimated }) => !estimated)
        .map(({ field }) => field)
      expect(read.toSorted()).toEqual(Object.keys(format.fields).toSorted())
      expect(mapping.questions).toEqual([])
      if (format.ok !== null) expect(mapping.ok).not.toBeNull()
      if (format.keep !== null) expect(mapping.keep).not.toBeNull()
    },
  )

  test('a table of the user’s own is none of them', () => {
    expect(findFormat(profileOf([timestamps, texts('model', 'gpt-5'), numbers('cost', 1)]))).toBeNull()
  })

  test('a nested export answers to the last part of its names', () => {
    const profile = profileOf([
      times('data.starting_at', ['2026-09-01T00:00:00Z']),
      numbers('data.results.amount', 1_480),
      texts('data.results.currency', 'USD'),
    ])
    expect(mapFile(profile, new Map())).toMatchObject({ format: 'anthropic_cost_report_api', grain: 'day' })
  })

  test('[trap 3] cents of the Anthropic API become USD', () => {
    const format = formats.find(({ id }) => id === 'anthropic_cost_report_api')
    if (format === undefined) throw new Error('no such format')
    expect(mapFile(exportOf(format), new Map()).fields.cost_usd?.sql).toMatch(/\* 0\.01$/)
  })

  test('[trap 7] Langfuse parents are left out', () => {
    const format = formats.find(({ id }) => id === 'langfuse_observations_v2')
    if (format === undefined) throw new Error('no such format')
    expect(mapFile(exportOf(format), new Map()).keep).toContain(`IN ('generation', 'embedding')`)
  })
})

const catalogue = sharedData.path('column-catalogue.json')

interface Catalogue {
  readonly formats: Readonly<Record<string, { readonly map: Readonly<Record<string, string | string[]>> }>>
}

/** Our name for a catalogue's. What we do not use (quantity, sku, currency, …) has none. */
const ours: Readonly<Record<string, FieldName>> = {
  timestamp: 'time',
  model: 'model',
  input_tokens: 'input_tokens',
  cached_input_tokens: 'cached_input_tokens',
  output_tokens: 'output_tokens',
  cost: 'cost_usd',
  latency: 'latency_ms',
  ttft: 'ttft_ms',
  request_id: 'request_id',
  request_count: 'request_count',
  prefix_blocks: 'prefix_blocks',
}

describe.skipIf(!sharedData.present)('the catalogue of exports (needs ../shared/data)', () => {
  const known = sharedData.present ? (JSON.parse(readFileSync(catalogue, 'utf8')) as Catalogue).formats : {}

  test('names the same formats', () => {
    expect(Object.keys(known).toSorted()).toEqual(formats.map(({ id }) => id).toSorted())
  })

  test.each(Object.entries(known))('%s has its columns where we read them', (id, { map }) => {
    const format = formats.find((candidate) => candidate.id === id)
    for (const [name, column] of Object.entries(map)) {
      const field = ours[name]
      if (field === undefined) continue
      const text = JSON.stringify(format?.fields[field] ?? null)
      for (const written of [column].flat())
        expect(text).toContain(JSON.stringify(written.replace('data[].', '')))
    }
  })
})
