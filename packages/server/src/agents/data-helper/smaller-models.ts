import { quoteText } from '../../workspace/casts.ts'
import { spellings } from './prices.ts'

/**
 * Which smaller model of the same house stands below each, as its maker places them. Dated facts, like prices: a model
 * that is not here has no suggestion, which is better than a wrong one. Each line runs from large to small.
 */
const families = {
  asOf: '2026-11-01',
  lines: [
    ['gpt-5-pro', 'gpt-5', 'gpt-5-mini', 'gpt-5-nano'],
    ['gpt-5.1', 'gpt-5-mini'],
    ['gpt-5.2', 'gpt-5-mini'],
    ['gpt-5.4', 'gpt-5.4-mini', 'gpt-5.4-nano'],
    ['gpt-5.5', 'gpt-5.4-mini'],
    ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano'],
    ['gpt-4o', 'gpt-4o-mini'],
    ['o1', 'o3-mini'],
    ['o3', 'o4-mini'],
    ['claude-opus-4-1', 'claude-sonnet-4-5'],
    ['claude-opus-4-5', 'claude-sonnet-4-5'],
    ['claude-opus-4-6', 'claude-sonnet-4-6', 'claude-haiku-4-5'],
    ['claude-opus-4-7', 'claude-sonnet-4-6'],
    ['claude-sonnet-4', 'claude-haiku-4-5'],
    ['claude-sonnet-4-5', 'claude-haiku-4-5'],
    ['claude-3-7-sonnet', 'claude-3-5-haiku'],
    ['claude-3-5-sonnet', 'claude-3-5-haiku'],
    ['gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite'],
    ['gemini-3-pro-preview', 'gemini-3-flash-preview'],
    ['gemini-3.1-pro-preview', 'gemini-3-flash-preview'],
    ['mistral-large-latest', 'mistral-medium-latest', 'mistral-small-latest'],
    ['grok-3', 'grok-3-mini'],
    ['grok-4', 'grok-4-fast'],
  ],
} as const

const below: ReadonlyMap<string, string> = new Map(
  families.lines.flatMap((line) =>
    line.flatMap((model, index) => {
      const next = line[index + 1]
      return next === undefined ? [] : [[model, next] as const]
    }),
  ),
)

/** The next smaller model of the same maker; null where none is known. */
export function smallerModel(model: string): string | null {
  for (const name of spellings(model)) {
    const found = below.get(name)
    if (found !== undefined) return found
  }
  return null
}

export interface SmallerModel {
  readonly model: string
  readonly smaller: string
  /** The data has requests on it already. */
  readonly inUse: boolean
}

export function smallerModels(models: readonly string[]): readonly SmallerModel[] {
  const used = new Set(models.flatMap((model) => spellings(model)))
  return models.flatMap((model) => {
    const smaller = smallerModel(model)
    return smaller === null ? [] : [{ model, smaller, inUse: used.has(smaller) }]
  })
}

/** The table `usage_smaller_models`: model, smaller, in_use. */
export function smallerModelsSql(smaller: readonly SmallerModel[]): string {
  const rows = smaller.map(
    ({ model, smaller: name, inUse }) => `(${quoteText(model)}, ${quoteText(name)}, ${inUse})`,
  )
  const body =
    rows.length === 0
      ? 'SELECT NULL::VARCHAR, NULL::VARCHAR, NULL::BOOLEAN WHERE false'
      : `VALUES ${rows.join(', ')}`
  return `CREATE TEMP TABLE usage_smaller_models AS SELECT * FROM (${body}) AS smaller_models(model, smaller, in_use)`
}
