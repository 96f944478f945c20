import type { FieldName } from '../fields.ts'

/**
 * A simple question, fully understood: what is computed, over which rows, by which groups. Plain JSON.
 * It is made by parseSimpleQuestion only, never from model text: the SQL inside it counts as verified.
 */
export interface SimpleReading {
  readonly fileId: string
  readonly fileName: string
  /** The name the SQL uses for the raw table. */
  readonly table: string
  /** Rows of the table before `keep` and filters. */
  readonly rows: number
  /** The file whose columns the reading uses beside its own; null where one file answers it. */
  readonly join: Join | null
  /** Rows that count at all (no totals row, no Langfuse parents): a condition, or null. From the file's mapping. */
  readonly keep: string | null
  readonly aggregate: Aggregate
  /** null where rows are counted. */
  readonly measure: Term | null
  readonly groups: readonly Group[]
  readonly filters: readonly Filter[]
  readonly window: TimeWindow | null
  readonly order: 'largest' | 'smallest' | 'group'
  /** Groups to show; null shows all of them. */
  readonly limit: number | null
  /** What the question left open and was decided by convention; said with the answer. */
  readonly assumed: readonly string[]
}

/** A second file in which each row of the first looks up its key. */
export interface Join {
  readonly fileId: string
  readonly fileName: string
  readonly table: string
  /** Of its rows those that count, as of the reading. */
  readonly keep: string | null
  readonly key: {
    /** For people: `tenant`, `tenant = client`. */
    readonly said: string
    /** The lookup's key among the joined rows. */
    readonly name: string
    /** As text, over each raw table. */
    readonly baseSql: string
    readonly lookupSql: string
  }
  /** What the reading uses of the lookup: the name in the joined rows, and the expression over its raw table. */
  readonly columns: readonly { readonly name: string; readonly sql: string }[]
  /** The column of the joined rows that is true where there is a match. */
  readonly matched: string
  /** Of the first file: rows that count, and those of them with a match. */
  readonly rows: number
  readonly matchedRows: number
}

export type Aggregate =
  | { readonly kind: 'count' | 'sum' | 'mean' | 'min' | 'max' | 'median' | 'distinct' }
  /** `at` in 0…1: 0.95 for p95. */
  | { readonly kind: 'quantile'; readonly at: number }
  /** Of the total over all groups: rows, or the sum of the measure. */
  | { readonly kind: 'share' }
  /** Of the totals (without a measure: the counts) of each `over`, one figure: the average daily cost. */
  | { readonly kind: 'of_totals'; readonly take: 'mean' | 'median' | 'min' | 'max'; readonly over: Group }
  /** Share of each group's rows that meet `of`: a failure rate, "what share of requests is from acme". */
  | { readonly kind: 'rate'; readonly of: Filter }

export type TermKind = 'number' | 'time' | 'boolean' | 'text'

/** Something in the table that can be computed with: a column, or a field its mapping reads from columns. */
export interface Term {
  readonly label: string
  readonly columns: readonly string[]
  readonly kind: TermKind
  /** Typed expression over the raw table; NULL where a value is missing or does not parse. */
  readonly sql: string
  /** For conditions, where `sql` looks at all rows and cannot stand in one. Default: `sql`. */
  readonly rowSql?: string
  /** As text: what groups and equality compare by. */
  readonly textSql: string
  /** ms, USD, tokens, …; empty where nothing tells it. */
  readonly unit: string
  readonly field: FieldName | null
}

export const timeGrains = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const
export type TimeGrain = (typeof timeGrains)[number]

export type Group =
  | { readonly kind: 'term'; readonly term: Term }
  | { readonly kind: 'time'; readonly term: Term; readonly grain: TimeGrain }
  | { readonly kind: 'cycle'; readonly term: Term; readonly cycle: 'hour_of_day' | 'weekday' }

export type Comparison = '<' | '<=' | '>' | '>='

export type Filter =
  | {
      readonly kind: 'in'
      readonly term: Term
      readonly values: readonly string[]
      readonly negated: boolean
    }
  | { readonly kind: 'compare'; readonly term: Term; readonly operator: Comparison; readonly value: number }
  | { readonly kind: 'contains'; readonly term: Term; readonly text: string }
  | { readonly kind: 'missing'; readonly term: Term; readonly negated: boolean }
  | { readonly kind: 'outcome'; readonly term: Term; readonly outcome: Outcome; readonly by: OutcomeRule }

export type Outcome = 'failed' | 'succeeded'

/** How a status tells failure: HTTP codes from 400 on, or these words. */
export type OutcomeRule =
  | { readonly kind: 'http' }
  /** The condition of a recognised export for a row that succeeded. */
  | { readonly kind: 'condition'; readonly succeeded: string }
  | { readonly kind: 'words'; readonly failed: readonly string[]; readonly succeeded: readonly string[] }

/** From (inclusive) to (exclusive), RFC 3339 in UTC; null is open. */
export interface TimeWindow {
  readonly term: Term
  readonly from: string | null
  readonly to: string | null
}

/**
 * The reading in a sentence, so that a person can see at once what was understood.
 *
 * @param severalFiles which one was read is to be seen as well
 */
export function describe(reading: SimpleReading, severalFiles = false): string {
  const parts = [`I read this as: ${describeMeasure(reading)}`]
  if (reading.groups.length > 0) parts.push(` by ${reading.groups.map(groupLabel).join(' and ')}`)
  if (reading.limit !== null)
    parts.push(`, the ${reading.limit} ${reading.order === 'smallest' ? 'smallest' : 'largest'}`)
  if (severalFiles && reading.join === null) parts.push(`, in ${reading.fileName}`)
  const all = reading.filters.length === 0 && reading.window === null
  const rows = reading.rows.toLocaleString('en-US')
  const { join } = reading
  const joined = join === null ? '' : ` of ${describeJoin(reading.fileName, join)}`
  // How many count is known only after the query: of the rows left out none may be claimed.
  if (join !== null && !all) parts.push(`, over the rows${joined}`)
  else if (reading.keep === null)
    parts.push(all ? `, over all ${rows} rows${joined}` : `, over the rows of ${rows}`)
  else
    parts.push(
      all ? `, over all rows that count, of ${rows}${joined}` : `, over the rows that count of ${rows}`,
    )
  if (reading.filters.length > 0) parts.push(` where ${reading.filters.map(describeFilter).join(' and ')}`)
  if (reading.window !== null) parts.push(`, ${describeWindow(reading.window)}`)
  return parts.join('')
}

function describeJoin(fileName: string, join: Join): string {
  return `${fileName} joined with ${join.fileName} on ${join.key.said} (${matchText(join)})`
}

/** "388 of 400 rows match" */
export function matchText({ matchedRows, rows }: Pick<Join, 'matchedRows' | 'rows'>): string {
  return `${matchedRows.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} rows match`
}

export function groupLabel(group: Group): string {
  switch (group.kind) {
    case 'term':
      return group.term.label
    case 'time':
      return group.grain
    case 'cycle':
      return group.cycle === 'weekday' ? 'weekday' : 'hour of day'
    default:
      throw new Error(`unknown group ${JSON.stringify(group satisfies never)}`)
  }
}

function describeMeasure(reading: SimpleReading): string {
  const name = reading.measure?.label ?? 'rows'
  const { aggregate } = reading
  switch (aggregate.kind) {
    case 'count':
      return 'number of rows'
    case 'sum':
      return `total of ${name}`
    case 'distinct':
      return `number of different ${name}`
    case 'quantile':
      return `${quantileName(aggregate.at)} of ${name}`
    case 'share':
      return reading.measure === null ? 'share of rows' : `share of the total ${name}`
    case 'rate':
      return `share of ${reading.measure === null ? 'rows' : `the total ${name} on rows`} where ${describeFilter(aggregate.of)}`
    case 'of_totals':
      return `${aggregate.take} of the ${reading.measure === null ? 'number of rows' : `total ${name}`} of each ${groupLabel(aggregate.over)}`
    case 'mean':
    case 'min':
    case 'max':
    case 'median':
      return `${aggregate.kind} of ${name}`
    default:
      throw new Error(`unknown aggregate ${JSON.stringify(aggregate satisfies never)}`)
  }
}

/** p95, p99.9. */
export function quantileName(at: number): string {
  return `p${Number((at * 100).toFixed(4))}`
}

export function describeFilter(filter: Filter): string {
  const name = filter.term.label
  switch (filter.kind) {
    case 'in': {
      const values = filter.values.join(', ')
      const one = filter.values.length === 1
      return `${name} ${filter.negated ? (one ? 'is not' : 'is none of') : one ? 'is' : 'is one of'} ${values}`
    }
    case 'compare':
      return `${name} ${filter.operator} ${filter.value.toLocaleString('en-US', { maximumFractionDigits: 10 })}${filter.term.unit === '' ? '' : ` ${filter.term.unit}`}`
    case 'contains':
      return `${name} contains “${filter.text}”`
    case 'missing':
      return `${name} is ${filter.negated ? 'not ' : ''}missing`
    case 'outcome':
      return `${name} means ${filter.outcome} (${outcomeRule(filter.by, filter.outcome)})`
    default:
      throw new Error(`unknown filter ${JSON.stringify(filter satisfies never)}`)
  }
}

function outcomeRule(rule: OutcomeRule, outcome: Outcome): string {
  if (rule.kind === 'http') return outcome === 'failed' ? '400 or above' : 'below 400'
  if (rule.kind === 'condition') return 'as this export tells it'
  return rule[outcome].join(', ')
}

export function describeWindow(window: TimeWindow): string {
  const from = window.from === null ? '' : `from ${shortTime(window.from)}`
  const to = window.to === null ? '' : `before ${shortTime(window.to)}`
  return `${[from, to].filter((part) => part !== '').join(' and ')} UTC by ${window.term.label}`
}

function shortTime(iso: string): string {
  return iso.endsWith('T00:00:00Z') ? iso.slice(0, 10) : iso.slice(0, 16).replace('T', ' ')
}
