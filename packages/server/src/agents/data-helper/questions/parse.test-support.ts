import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import { mapFile } from '../field-mapping.ts'
import { numbers, profileOf, texts, timestamps } from '../testing/profiles.ts'
import { parseSimpleQuestion } from './parse.ts'
import { describe } from './reading.ts'

/** A log of requests, with what the tests of one rule add to it. */
export const requestLog: readonly ColumnProfile[] = [
  timestamps,
  texts('model', 'gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5'),
  texts('tenant', 'acme', 'globex', 'initech'),
  texts('feature', 'chat', 'report'),
  codes('status', '200', '429', '500'),
  texts('finish_reason', 'stop', 'length'),
  numbers('prompt_tokens', 900),
  numbers('completion_tokens', 230),
  numbers('cost_usd', 0.004),
  numbers('latency_ms', 3_400),
]

/** A column of few whole numbers, all of them known. */
export function codes(name: string, ...values: readonly string[]): ColumnProfile {
  const column = texts(name, ...values)
  const all = values.map(Number)
  const [min, max] = [Math.min(...all), Math.max(...all)]
  const numeric = { min, max, mean: min, p50: min, p95: max, zeros: 0, negatives: 0, allIntegers: true }
  return { ...column, parses: [{ cast: 'number', count: column.filled }], numeric }
}

/** What comes of a question: the reading in words, "refused: why", or "asks: id of the question". */
export function asking(columns: readonly ColumnProfile[]) {
  const profile = profileOf(columns)
  return (question: string, choices: Readonly<Record<string, string>> = {}): string => {
    const chosen = new Map(Object.entries(choices))
    const mapping = mapFile(profile, chosen)
    const parsed = parseSimpleQuestion(question, { tableName: 'data', profile, mapping, choices: chosen })
    if (!parsed.ok) return parsed.question === null ? `refused: ${parsed.why}` : `asks: ${parsed.question.id}`
    return describe(parsed.reading).replace('I read this as: ', '')
  }
}
