import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import type { MappedField, MappedFields } from '../field-mapping.ts'

/** Whether the input count leaves cached tokens out, where the data can tell. */
export type Apart =
  | { readonly known: true; readonly exclusive: boolean; readonly evidence: string }
  | { readonly known: false }

/** Sums may differ by rounding and by a few rows that lack a value. */
const sumTolerance = 0.005

/**
 * Cached tokens above the input in some row prove that they are counted apart; the opposite proves nothing. A total
 * column settles both ways: it is what the export itself adds up.
 */
export function countsCacheApart(columns: {
  readonly input: ColumnProfile | null
  readonly cached: ColumnProfile | null
  readonly output: ColumnProfile | null
  readonly total: ColumnProfile | null
}): Apart {
  const input = columns.input?.numeric
  const cached = columns.cached?.numeric
  if (input === undefined || cached === undefined || columns.input === null || columns.cached === null)
    return { known: false }
  const sumOf = (column: ColumnProfile | null) => (column?.numeric?.mean ?? 0) * (column?.filled ?? 0)
  const inputSum = sumOf(columns.input)
  const cachedSum = sumOf(columns.cached)
  if (cached.max > input.max || cachedSum > inputSum * (1 + sumTolerance))
    return {
      known: true,
      exclusive: true,
      evidence: `Some rows have more cached (${columns.cached.name}) than input tokens (${columns.input.name}), so cached tokens are counted apart; both are added up.`,
    }
  if (columns.total?.numeric === undefined || columns.output === null || cachedSum === 0)
    return { known: false }
  const totalSum = sumOf(columns.total)
  const outputSum = sumOf(columns.output)
  const near = (sum: number) => Math.abs(sum - totalSum) <= sumTolerance * totalSum
  const apart = near(inputSum + cachedSum + outputSum)
  const within = near(inputSum + outputSum)
  if (apart === within) return { known: false }
  return {
    known: true,
    exclusive: apart,
    evidence: apart
      ? `${columns.total.name} adds cached tokens to ${columns.input.name}, so they are counted apart; both are added up.`
      : `${columns.total.name} is ${columns.input.name} plus ${columns.output.name}, so the input contains the cached tokens.`,
  }
}

/** A single broken row proves nothing: this share of the rows with cached tokens has to exceed its input. */
export const provingShare = 0.01

/**
 * What the profile cannot tell is left to the rows: where enough of them have more cached than input tokens, cached
 * tokens are counted apart and added.
 */
export function provenByRows(fields: MappedFields): MappedField | null {
  const { input_tokens: input, cached_input_tokens: cached } = fields
  const total = totalInput(fields)
  if (input === undefined || cached === undefined || total === null) return null
  const exceeding = `count_if(${cached.sql} > ${input.sql}) OVER ()`
  const withCached = `count_if(${cached.sql} > 0) OVER ()`
  return {
    ...input,
    rowSql: input.sql,
    sql: `CASE WHEN ${exceeding} > ${provingShare} * ${withCached} THEN ${total.sql} ELSE ${input.sql} END`,
  }
}

/** The input as the canonical view has it, from a file that counts cache reads and writes apart. */
export function totalInput(fields: MappedFields): MappedField | null {
  const { input_tokens: input, cached_input_tokens: cached, cache_write_tokens: write } = fields
  if (input === undefined) return null
  const addends = [cached, write].filter((field) => field !== undefined)
  if (addends.length === 0) return null
  return {
    ...input,
    columns: [...new Set([...input.columns, ...addends.flatMap((field) => field.columns)])],
    sql: [input.sql, ...addends.map((field) => `coalesce(${field.sql}, 0)`)].join(' + '),
    evidence: `${input.evidence}; cache reads and writes added`,
  }
}
