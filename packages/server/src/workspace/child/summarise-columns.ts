import type { DuckDBConnection } from '@duckdb/node-api'
import { type CastName, casts, quoteName, quoteText } from '../casts.ts'
import type { NumericSummary } from '../file-profile.ts'
import { numberOf, readRows } from './duckdb.ts'
import type { Judged } from './judge-columns.ts'
import { numericAggregates, sampleFilter, timeAggregates, timeText, topKept } from './measures.ts'

export interface Summary {
  numeric?: NumericSummary
  time?: { min: string; max: string; medianStepSeconds: number | null }
  top: { value: string; count: number }[]
}

/** Rows from the beginning over which the step of a wide time column is taken: sorting all would cost a second. */
const stepRows = 200_000

/** The most frequent values, and what the best reading as numbers and as times gives, by the column's index. */
export async function summarise(
  connection: DuckDBConnection,
  columns: readonly Judged[],
  rows: number,
): Promise<ReadonlyMap<number, Summary>> {
  const summaries = new Map<number, Summary>(columns.map(({ index }) => [index, { top: [] }]))
  const topRows = await readRows(
    connection,
    `SELECT col, value, n FROM cells QUALIFY row_number() OVER (PARTITION BY col ORDER BY n DESC, value) <= ${topKept} ORDER BY col, n DESC, value`,
  )
  for (const [col, value, count] of topRows)
    summaries.get(numberOf(col))?.top.push({ value: String(value), count: numberOf(count) })

  const best = (column: Judged, kind: 'number' | 'time'): CastName | undefined =>
    column.parses.find(({ cast }) => casts[cast].kind === kind)?.cast
  for (const kind of ['number', 'time'] as const) {
    const narrow = columns.filter((column) => column.width === 'narrow' && best(column, kind) !== undefined)
    const byCast = Map.groupBy(narrow, (column) => best(column, kind))
    const whens = [...byCast].flatMap(([cast, group]) =>
      cast === undefined
        ? []
        : [`WHEN col IN (${group.map(({ index }) => index).join(', ')}) THEN ${casts[cast].sql('value')}`],
    )
    if (whens.length > 0) {
      const values = `SELECT col, CASE ${whens.join(' ')} END AS x, n FROM cells`
      await (kind === 'number' ? numericOf : timeOf)(connection, values, summaries)
    }
  }
  for (const column of columns.filter(({ width }) => width === 'wide')) {
    const summary = summaries.get(column.index)
    if (summary !== undefined) summary.top = await topOfWide(connection, column)
    const name = quoteName(column.name)
    // Measured already, unless the whole column has turned out to be read otherwise than its ends.
    const number = best(column, 'number')
    if (number !== undefined) {
      const known = column.measured?.number
      const row =
        known?.cast === number
          ? known.row
          : await measure(connection, casts[number].sql(name), numericAggregates('x', sampleFilter(rows)))
      const [min, max, allIntegers, mean, quantiles, zeros, negatives] = row
      const [p50, p95] = Array.isArray(quantiles) ? quantiles : []
      setNumeric(summaries, column.index, [min, max, allIntegers, mean, p50, p95, zeros, negatives])
    }
    const time = best(column, 'time')
    if (time !== undefined) {
      const cast = casts[time].sql(name)
      const known = column.measured?.time
      const [min, max] =
        known?.cast === time ? known.row : await measure(connection, cast, timeAggregates('x'))
      setTime(summaries, column.index, min, max, await stepOfWide(connection, cast))
    }
  }
  return summaries
}

async function topOfWide(connection: DuckDBConnection, column: Judged): Promise<Summary['top']> {
  const name = quoteName(column.name)
  const frequent = column.measured?.frequent ?? []
  if (frequent.length === 0) return []
  // A sketch has found the candidates, a scan counts them: the counts are exact, the choice may miss a near tie.
  const rows = await readRows(
    connection,
    `SELECT ${name}, count(*) AS n FROM raw WHERE ${name} IN (${frequent.map(quoteText).join(', ')}) GROUP BY 1 ORDER BY n DESC, 1`,
  )
  return rows.map(([value, count]) => ({ value: String(value), count: numberOf(count) }))
}

const numericList = `min(x), max(x), bool_and(x = floor(x))`

async function numericOf(
  connection: DuckDBConnection,
  values: string,
  summaries: ReadonlyMap<number, Summary>,
): Promise<void> {
  // Quantiles over value and count: the first value at which the running count reaches the share.
  const rows = await readRows(
    connection,
    `WITH v AS (SELECT col, x, sum(n) AS n FROM (${values}) WHERE x IS NOT NULL GROUP BY col, x),
      r AS (SELECT col, x, n, sum(n) OVER (PARTITION BY col ORDER BY x) AS upto, sum(n) OVER (PARTITION BY col) AS total FROM v)
    SELECT col, ${numericList}, sum(x * n) / sum(n), min(x) FILTER (upto >= 0.5 * total), min(x) FILTER (upto >= 0.95 * total),
      coalesce(sum(n) FILTER (x = 0), 0), coalesce(sum(n) FILTER (x < 0), 0) FROM r GROUP BY col`,
  )
  for (const [col, ...row] of rows) setNumeric(summaries, numberOf(col), row)
}

async function measure(
  connection: DuckDBConnection,
  cast: string,
  aggregates: readonly string[],
): Promise<readonly unknown[]> {
  const [row = []] = await readRows(
    connection,
    `SELECT ${aggregates.join(', ')} FROM (SELECT ${cast} AS x, rowid AS "row" FROM raw)`,
  )
  return row
}

function setNumeric(summaries: ReadonlyMap<number, Summary>, index: number, row: readonly unknown[]): void {
  const summary = summaries.get(index)
  if (summary === undefined) return
  const [min, max, allIntegers, mean, p50, p95, zeros, negatives] = row
  summary.numeric = {
    min: numberOf(min),
    max: numberOf(max),
    mean: numberOf(mean),
    p50: numberOf(p50),
    p95: numberOf(p95),
    zeros: numberOf(zeros),
    negatives: numberOf(negatives),
    allIntegers: allIntegers === true,
  }
}

const timeList = `${timeText('min(x)')}, ${timeText('max(x)')}, median(step)`

async function timeOf(
  connection: DuckDBConnection,
  values: string,
  summaries: ReadonlyMap<number, Summary>,
): Promise<void> {
  const rows = await readRows(
    connection,
    `WITH v AS (SELECT DISTINCT col, x FROM (${values}) WHERE x IS NOT NULL)
    SELECT col, ${timeList} FROM (SELECT col, x, (epoch_us(x) - lag(epoch_us(x)) OVER (PARTITION BY col ORDER BY x)) / 1e6 AS step FROM v) GROUP BY col`,
  )
  for (const [col, min, max, step] of rows) setTime(summaries, numberOf(col), min, max, step)
}

async function stepOfWide(connection: DuckDBConnection, cast: string): Promise<unknown> {
  const [[step] = []] = await readRows(
    connection,
    `SELECT median(step) FROM (
      SELECT (epoch_us(x) - lag(epoch_us(x)) OVER (ORDER BY x)) / 1e6 AS step
      FROM (SELECT DISTINCT ${cast} AS x FROM raw WHERE rowid < ${stepRows}) WHERE x IS NOT NULL)`,
  )
  return step
}

function setTime(
  summaries: ReadonlyMap<number, Summary>,
  index: number,
  min: unknown,
  max: unknown,
  step: unknown,
): void {
  const summary = summaries.get(index)
  if (summary === undefined || typeof min !== 'string' || typeof max !== 'string') return
  summary.time = { min, max, medianStepSeconds: typeof step === 'number' ? step : null }
}
