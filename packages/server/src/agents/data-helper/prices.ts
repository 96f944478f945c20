import { calcPrice, type ModelPrice as LibraryPrice } from '@pydantic/genai-prices'
import { quoteText } from '../../workspace/casts.ts'
import type { CanonicalSource } from './canonical-view.ts'
import { type FileMapping, isMapped } from './field-mapping.ts'
import type { FieldName } from './fields.ts'
import type { Playbook, PriceSummary } from './playbook.ts'

/**
 * List prices of models, offline: the library brings them along and is never asked to fetch newer ones. They become a
 * table beside `usage`, so that an estimated cost is a query result like any other figure.
 */
export interface PriceList extends PriceSummary {
  readonly tiers: readonly PriceTier[]
}

/** USD per million tokens, for requests whose input has more than `fromTokens` and at most `toTokens` tokens. */
export interface PriceTier {
  readonly model: string
  readonly fromTokens: number
  readonly toTokens: number | null
  readonly input: number
  readonly cachedInput: number
  readonly cacheWrite: number
  readonly output: number
}

/** Which models need a price: none, these, or those a query must list (its first column). */
export type Pricing =
  | { readonly kind: 'none' }
  | { readonly kind: 'models'; readonly models: readonly string[] }
  | { readonly kind: 'query'; readonly sql: string }

const needed = ['model', 'input_tokens', 'output_tokens'] as const satisfies readonly FieldName[]

/** A cost playbook wants list prices wherever model and tokens are known: to estimate, to split, to compare. */
export function pricing(playbook: Playbook, sources: readonly CanonicalSource[]): Pricing {
  const wantsCost = [...playbook.required, ...playbook.optional].some((need) =>
    need.anyOf.includes('cost_usd'),
  )
  const able = ({ mapping }: CanonicalSource) => needed.every((field) => isMapped(mapping, field))
  if (!wantsCost || sources.length === 0 || !sources.every(able)) return { kind: 'none' }
  const known = sources.map(({ mapping }) => mapping.models)
  if (known.every((models) => models !== null)) return { kind: 'models', models: [...new Set(known.flat())] }
  const parts = sources.map(({ mapping, table }) => `SELECT ${modelSql(mapping)} AS model FROM ${table}`)
  return {
    kind: 'query',
    sql: `SELECT DISTINCT model FROM (${parts.join(' UNION ALL ')}) WHERE model IS NOT NULL ORDER BY model`,
  }
}

function modelSql(mapping: FileMapping): string {
  return mapping.fields.model?.sql ?? 'NULL'
}

/** @param at the day whose prices count: the last of the data */
export function listPrices(models: readonly string[], at: Date): PriceList {
  const tiers: PriceTier[] = []
  const unmatched: string[] = []
  for (const model of models) {
    const found = priceOf(model, at)
    if (found === null) unmatched.push(model)
    else tiers.push(...tiersOf(model, found))
  }
  return { tiers, unmatched, asOf: at.toISOString().slice(0, 10) }
}

function priceOf(model: string, at: Date): LibraryPrice | null {
  for (const name of spellings(model)) {
    const found = calcPrice({ input_tokens: 1, output_tokens: 1 }, name, { timestamp: at })
    if (found !== null) return found.model_price
  }
  return null
}

/**
 * The names one model has across exports (trap 6): with a vendor prefix (`openai/gpt-5`), as a Bedrock id or ARN
 * (`us.anthropic.claude-…-v1:0`), as a display name (`Claude Sonnet 4.5`), with a date.
 */
export function spellings(model: string): readonly string[] {
  const trimmed = model.trim()
  const bare = (trimmed.split('/').at(-1) ?? trimmed)
    .replace(/^([a-z]{2,6}\.)?(anthropic|amazon|meta|mistral|cohere|deepseek|openai)\./, '')
    .replace(/-v\d+:\d+$/, '')
  const dashed = bare.toLowerCase().replace(/\s+/g, '-')
  const undated = dashed.replace(/[-@](\d{4}-\d{2}-\d{2}|\d{8})$/, '')
  return [...new Set([trimmed, bare, dashed, dashed.replaceAll('.', '-'), undated])]
}

function tiersOf(model: string, price: LibraryPrice): PriceTier[] {
  const read = (key: string, above: number): number | null => {
    const value = price[key]
    if (value === undefined) return null
    if (typeof value === 'number') return value
    return value.tiers.filter((tier) => tier.start <= above).at(-1)?.price ?? value.base
  }
  const starts = new Set<number>()
  for (const value of Object.values(price))
    if (typeof value === 'object') for (const tier of value.tiers) starts.add(tier.start)
  const from = [0, ...[...starts].toSorted((left, right) => left - right)]
  return from.map((start, index) => {
    const input = read('input_mtok', start) ?? 0
    return {
      model,
      // A request without input tokens belongs to the first tier.
      fromTokens: index === 0 ? -1 : start,
      toTokens: from[index + 1] ?? null,
      input,
      // Without a price of their own, cached tokens are input tokens.
      cachedInput: read('cache_read_mtok', start) ?? input,
      cacheWrite: read('cache_write_mtok', start) ?? input,
      output: read('output_mtok', start) ?? 0,
    }
  })
}

const columns = 'model, from_tokens, to_tokens, input, cached_input, cache_write, output'

/** Creates `usage_list_prices`, one row a model and tier, USD per million tokens. */
export function priceTableSql(prices: PriceList): string {
  const rows = prices.tiers.map(
    (tier) =>
      `(${quoteText(tier.model)}, ${tier.fromTokens}::DOUBLE, ${tier.toTokens ?? `'infinity'`}::DOUBLE, ` +
      `${tier.input}::DOUBLE, ${tier.cachedInput}::DOUBLE, ${tier.cacheWrite}::DOUBLE, ${tier.output}::DOUBLE)`,
  )
  const none = `SELECT NULL::VARCHAR, ${Array.from({ length: 6 }, () => 'NULL::DOUBLE').join(', ')} WHERE false`
  const body = rows.length === 0 ? none : `VALUES ${rows.join(', ')}`
  return `CREATE TEMP TABLE usage_list_prices AS SELECT * FROM (${body}) AS prices(${columns})`
}

/** The tokens of each kind in a row, as SQL over a relation that has the fields of `present`. */
export function tokenKinds(present: ReadonlySet<FieldName>) {
  const value = (field: FieldName) => (present.has(field) ? `coalesce(${field}, 0)` : '0')
  return {
    cachedInput: value('cached_input_tokens'),
    cacheWrite: value('cache_write_tokens'),
    // Never below 0: a row whose parts exceed its input is counted by its parts.
    input: `greatest(${value('input_tokens')} - ${value('cached_input_tokens')} - ${value('cache_write_tokens')}, 0)`,
    output: value('output_tokens'),
  }
}

/**
 * Joins a relation named `u` with the tier each of its rows falls in. Sums of many requests stay in the first tier.
 *
 * @param prices the name the price list gets, default `p`
 * @param model whose price is meant, default that of the row
 */
export function priceJoin(grain: 'request' | 'sums', prices = 'p', model = 'u.model'): string {
  const tier =
    grain === 'request'
      ? `coalesce(u.input_tokens, 0) > ${prices}.from_tokens AND coalesce(u.input_tokens, 0) <= ${prices}.to_tokens`
      : `${prices}.from_tokens = -1`
  return `LEFT JOIN usage_list_prices AS ${prices} ON ${prices}.model = ${model} AND ${tier}`
}

/** List cost of a row of `u` joined with the price list as `p` or under another name, in USD; NULL without a price. */
export function listCostSql(present: ReadonlySet<FieldName>, prices = 'p'): string {
  const kinds = tokenKinds(present)
  return (
    `(${kinds.input} * ${prices}.input + ${kinds.cachedInput} * ${prices}.cached_input + ` +
    `${kinds.cacheWrite} * ${prices}.cache_write + ${kinds.output} * ${prices}.output) / 1e6`
  )
}
