import { casts, quoteName, quoteText } from '../../../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../../../workspace/file-profile.ts'
import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { ChartPlan } from '../../charts/chart-plan.ts'
import type { Findings } from '../../playbook.ts'
import { columnKind } from '../../questions/terms.ts'
import { readCells } from '../cells.ts'

/** Bounds of an overview, so that a table of 200 columns and a million rows is looked at in seconds. */
export const overviewLimits = {
  /** Columns in the list of columns, those with most missing values first. */
  columns: 60,
  /** Columns with a summary of numbers. */
  numbers: 12,
  /** Columns with their most frequent values. */
  categories: 3,
  /** Values of each. */
  values: 10,
  /** Columns compared with each other: 8 give 28 pairs. */
  correlated: 8,
  /** Pairs shown. */
  pairs: 10,
} as const

export interface OverviewQuery {
  readonly id: string
  readonly title: string
  readonly sql: string
  readonly chart?: ChartPlan
}

/** The queries that say what a table holds. Each is one pass over the columns it names. */
export function overviewQueries(profile: FileProfile, tableName: string): readonly OverviewQuery[] {
  const from = quoteName(tableName)
  const numbers = numberColumns(profile)
  return [
    sizeQuery(profile, from),
    columnsQuery(profile, from),
    ...(numbers.length === 0 ? [] : [numbersQuery(numbers.slice(0, overviewLimits.numbers), from)]),
    ...categoryColumns(profile).map((column, index) => categoryQuery(column, index, from)),
    ...trendQuery(profile, from),
    ...(numbers.length < 2 ? [] : [correlationQuery(numbers.slice(0, overviewLimits.correlated), from)]),
  ]
}

function sizeQuery(profile: FileProfile, from: string): OverviewQuery {
  return {
    id: 'overview_size',
    title: 'Rows, columns and duplicates',
    // 64-bit hashes: two different rows of a million share one with a chance below 1 in 10^7.
    sql: `SELECT count(*)::DOUBLE AS rows, ${profile.columns.length}::DOUBLE AS columns,
  (count(*) - count(DISTINCT hash(t)))::DOUBLE AS duplicate_rows
FROM ${from} AS t`,
  }
}

function columnsQuery(profile: FileProfile, from: string): OverviewQuery {
  const emptiest = [...profile.columns]
    .sort((one, other) => one.filled - other.filled)
    .slice(0, overviewLimits.columns)
  const shown = profile.columns.filter((column) => emptiest.includes(column))
  const parts = shown.flatMap(({ name }, index) => [
    `count(*) FILTER (WHERE trim(${quoteName(name)}) <> '')::DOUBLE AS f${index}`,
    `approx_count_distinct(${quoteName(name)})::DOUBLE AS d${index}`,
  ])
  const lines = shown.map(
    (column, index) =>
      `SELECT ${index} AS place, ${quoteText(column.name)} AS "column", ${quoteText(kindName(column))} AS holds, n - f${index} AS missing, d${index} AS "different (about)" FROM counted`,
  )
  return {
    id: 'overview_columns',
    title:
      shown.length < profile.columns.length
        ? `The ${shown.length} emptiest of ${profile.columns.length} columns`
        : 'Columns',
    sql: `WITH counted AS (
  SELECT count(*)::DOUBLE AS n, ${parts.join(',\n    ')}
  FROM ${from}
)
SELECT "column", holds, missing, "different (about)" FROM (
${lines.join('\nUNION ALL ')}
)
ORDER BY missing DESC, place`,
  }
}

function kindName(column: ColumnProfile): string {
  if (column.filled === 0) return 'nothing'
  const { kind } = columnKind(column)
  return kind === 'number' ? 'numbers' : kind === 'time' ? 'times' : kind === 'boolean' ? 'yes or no' : 'text'
}

function typed(column: ColumnProfile): string {
  const { cast } = columnKind(column)
  if (cast === null) throw new Error(`${column.name} has no cast`)
  return casts[cast].sql(quoteName(column.name))
}

function numberColumns(profile: FileProfile): readonly ColumnProfile[] {
  return profile.columns.filter((column) => columnKind(column).kind === 'number' && column.distinct > 2)
}

function numbersQuery(columns: readonly ColumnProfile[], from: string): OverviewQuery {
  const lines = columns.map(
    (column, place) =>
      `SELECT ${place} AS place, ${quoteText(column.name)} AS "column", count(v)::DOUBLE AS numbers, min(v) AS smallest, median(v) AS median, avg(v) AS mean, quantile_cont(v, 0.95) AS p95, max(v) AS largest, sum(v) AS total FROM (SELECT ${typed(column)} AS v FROM ${from})`,
  )
  return {
    id: 'overview_numbers',
    title: 'Columns of numbers',
    sql: `SELECT * EXCLUDE (place) FROM (\n${lines.join('\nUNION ALL ')}\n)\nORDER BY place`,
  }
}

/** Columns whose values repeat: neither one value nor nearly as many as rows. */
function categoryColumns(profile: FileProfile): readonly ColumnProfile[] {
  const repeats = (column: ColumnProfile): boolean =>
    column.distinct >= 2 && column.distinct <= 1_000 && column.distinct <= column.filled / 2
  const fits = (column: ColumnProfile): boolean => {
    const { kind } = columnKind(column)
    return kind !== 'time' && (kind !== 'number' || column.distinct <= 10) && repeats(column)
  }
  return profile.columns.filter(fits).slice(0, overviewLimits.categories)
}

function categoryQuery(column: ColumnProfile, index: number, from: string): OverviewQuery {
  const name = quoteName(column.name)
  return {
    id: `overview_values_${index + 1}`,
    title: `Most frequent values of ${column.name}`,
    sql: `SELECT nullif(trim(${name}), '') AS value, count(*)::DOUBLE AS rows, count(*) / sum(count(*)) OVER () AS share
FROM ${from}
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT ${overviewLimits.values}`,
    chart: {
      mark: 'bar',
      x: { column: 'value', type: 'nominal', title: column.name },
      y: { column: 'rows', type: 'quantitative', title: 'rows' },
    },
  }
}

function timeColumn(profile: FileProfile): ColumnProfile | undefined {
  return profile.columns.find((column) => columnKind(column).kind === 'time' && column.time !== undefined)
}

const dayMs = 86_400_000

function trendQuery(profile: FileProfile, from: string): readonly OverviewQuery[] {
  const column = timeColumn(profile)
  if (column?.time === undefined) return []
  const days = (Date.parse(column.time.max) - Date.parse(column.time.min)) / dayMs
  const [grain, format] =
    days <= 0.2
      ? (['minute', '%Y-%m-%dT%H:%M:00Z'] as const)
      : days <= 4
        ? (['hour', '%Y-%m-%dT%H:00:00Z'] as const)
        : days <= 400
          ? (['day', '%Y-%m-%d'] as const)
          : (['month', '%Y-%m'] as const)
  return [
    {
      id: 'overview_trend',
      title: `Rows per ${grain} by ${column.name}`,
      sql: `SELECT strftime(date_trunc('${grain}', moment), '${format}') AS ${grain}, count(*)::DOUBLE AS rows
FROM (SELECT ${typed(column)} AS moment FROM ${from})
WHERE moment IS NOT NULL
GROUP BY 1
ORDER BY 1`,
      chart: {
        mark: 'line',
        x: { column: grain, type: 'temporal', title: `${grain} (UTC)` },
        y: { column: 'rows', type: 'quantitative', title: 'rows' },
      },
    },
  ]
}

function correlationQuery(columns: readonly ColumnProfile[], from: string): OverviewQuery {
  const pairs = columns.flatMap((_, one) =>
    columns.slice(one + 1).map((__, offset) => ({ one, other: one + 1 + offset })),
  )
  const counted = pairs.flatMap(({ one, other }) => [
    `corr(v${one}, v${other}) AS c${one}_${other}`,
    `count(v${one} + v${other})::DOUBLE AS n${one}_${other}`,
  ])
  const name = (index: number): string => quoteText(columns[index]?.name ?? '')
  const lines = pairs.map(
    ({ one, other }) =>
      `SELECT ${name(one)} AS "one column", ${name(other)} AS "other column", c${one}_${other} AS correlation, n${one}_${other} AS rows FROM counted`,
  )
  return {
    id: 'overview_correlations',
    title: 'Columns of numbers that move together',
    sql: `WITH read AS (
  SELECT ${columns.map((column, index) => `${typed(column)} AS v${index}`).join(',\n    ')}
  FROM ${from}
), counted AS (
  SELECT ${counted.join(',\n    ')}
  FROM read
)
SELECT * FROM (
${lines.join('\nUNION ALL ')}
)
WHERE isfinite(correlation) AND rows >= 10
ORDER BY abs(correlation) DESC
LIMIT ${overviewLimits.pairs}`,
  }
}

/** Correlations from here on are told; below, a table of many columns shows some by chance. */
const toldCorrelation = 0.5

/** The overview in words; every figure refers to a cell of overviewQueries' results (D3). */
export function overviewFindings(results: ReadonlyMap<string, SqlResult>, profile: FileProfile): Findings {
  const cells = readCells(results)
  const cite = (id: string, label: string, query: string, column: string, unit: string, row = 0): string =>
    cells.cite({ id, label, query, column, unit, row }) ?? 'none'
  const rows = cite('rows', 'Rows', 'overview_size', 'rows', 'rows')
  const columns = cite('columns', 'Columns', 'overview_size', 'columns', 'columns')
  const duplicates = cite(
    'duplicates',
    'Rows that repeat another in full',
    'overview_size',
    'duplicate_rows',
    'rows',
  )
  const paragraphs = [`${profile.fileName}: ${rows}, ${columns}; ${duplicates} repeat another row in full.`]

  const missing = [0, 1, 2].filter((row) => (cells.number('overview_columns', 'missing', row) ?? 0) > 0)
  paragraphs.push(
    missing.length === 0
      ? 'No value is missing.'
      : `Most values are missing in ${missing
          .map((row) => {
            const name = cite(`missing_${row + 1}_name`, 'Column', 'overview_columns', 'column', '', row)
            return `${name} (${cite(`missing_${row + 1}`, 'Missing values', 'overview_columns', 'missing', 'values', row)})`
          })
          .join(', ')}.`,
  )
  for (const [index, column] of categoryColumns(profile).entries()) {
    const query = `overview_values_${index + 1}`
    if (cells.rows(query) === 0) continue
    const name = cells.cite({
      id: `top_${index + 1}_name`,
      label: `Most frequent ${column.name}`,
      query,
      column: 'value',
      unit: '',
    })
    const share = cite(
      `top_${index + 1}`,
      `Share of the most frequent ${column.name}`,
      query,
      'share',
      'share',
    )
    paragraphs.push(`${column.name} is ${name ?? 'empty'} in ${share} of the rows.`)
  }
  if (cells.rows('overview_trend') > 1) {
    const grain = results.get('overview_trend')?.columns[0] ?? 'day'
    const first = cite('from', 'First', 'overview_trend', grain, 'UTC')
    const last = cite('to', 'Last', 'overview_trend', grain, 'UTC', cells.rows('overview_trend') - 1)
    const peak = peakRow(results.get('overview_trend'))
    const when = cite('peak', `Fullest ${grain}`, 'overview_trend', grain, 'UTC', peak)
    const most = cite('peak_rows', `Rows of the fullest ${grain}`, 'overview_trend', 'rows', 'rows', peak)
    paragraphs.push(`It reaches from ${first} to ${last}; the fullest ${grain} is ${when} with ${most}.`)
  }
  const strongest = cells.number('overview_correlations', 'correlation')
  if (strongest !== null && Math.abs(strongest) >= toldCorrelation) {
    const one = cite('pair_one', 'One column', 'overview_correlations', 'one column', '')
    const other = cite('pair_other', 'Other column', 'overview_correlations', 'other column', '')
    const value = cite('correlation', 'Correlation', 'overview_correlations', 'correlation', '')
    paragraphs.push(`${one} and ${other} move together most (correlation ${value}); that is no cause.`)
  }
  return { figures: cells.figures, paragraphs, caveats: overviewCaveats(profile) }
}

function peakRow(result: SqlResult | undefined): number {
  const at = result?.columns.indexOf('rows') ?? -1
  let best = 0
  for (const [index, row] of (result?.rows ?? []).entries()) {
    if (Number(row[at]) > Number(result?.rows[best]?.[at])) best = index
  }
  return best
}

function overviewCaveats(profile: FileProfile): readonly string[] {
  const numbers = numberColumns(profile).length
  return [
    ...(profile.columns.length > overviewLimits.columns
      ? [
          `${profile.columns.length} columns: the table of columns shows the ${overviewLimits.columns} with most missing values.`,
        ]
      : []),
    ...(numbers > overviewLimits.numbers
      ? [
          `${numbers} columns hold numbers: the first ${overviewLimits.numbers} are summarised, the first ${overviewLimits.correlated} compared.`,
        ]
      : []),
    ...profile.problems,
  ]
}
