import type { DuckDBConnection } from '@duckdb/node-api'
import { type CastName, casts, quoteName } from '../casts.ts'
import type { NumericSummary } from '../file-profile.ts'
import { numberOf, readRows } from './duckdb.ts'
import type { Judged } from './judge-columns.ts'

export interface Summary {
  numeric?: NumericSummary
  time?: { min: string; max: string; medianStepSeconds: number | null }
  top: { value: string; count: number }[]
}

/** Rows from the beginning over which the step of a wide time column is taken: sorting all would cost a second. */
const stepRows = 200_000
const topKept = 10

/** The most frequent values, and what the best reading as numbers and as times gives, by the column's index. */
export async function summarise(
  connection: DuckDBConnection,
  columns: readonly Judged[],
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
    const number = best(column, 'number')
    if (number !== undefined) await wideNumeric(connection, column.index, casts[number].sql(name), summaries)
    const time = best(column, 'time')
    if (time !== undefined) await wideTime(connection, column.index, casts[time].sql(name), summaries)
  }
  return summaries
}

async function topOfWide(connection: DuckDBConnection, column: Judged): Promise<Summary['top']> {
  const name = quoteName(column.name)
  // The sketch finds the candidates, a scan counts them: the counts are exact, the choice may miss a near tie.
  const rows = await readRows(
    connection,
    `SELECT ${name}, count(*) AS n FROM raw WHERE trim(${name}) <> '' AND ${name} IN (SELECT unnest(approx_top_k(${name}, ${topKept})) FROM raw) GROUP BY 1 ORDER BY n DESC, 1`,
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

async function wideNumeric(
  connection: DuckDBConnection,
  index: number,
  cast: string,
  summaries: ReadonlyMap<number, Summary>,
): Promise<void> {
  const [row = []] = await readRows(
    connection,
    `SELECT ${numericList}, avg(x), quantile_disc(x, 0.5), quantile_disc(x, 0.95),
      count(*) FILTER (x = 0), count(*) FILTER (x < 0) FROM (SELECT ${cast} AS x FROM raw)`,
  )
  setNumeric(summaries, index, row)
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

const timeText = (expression: string): string => `strftime(${expression}, '%Y-%m-%dT%H:%M:%S.%gZ')`

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

async function wideTime(
  connection: DuckDBConnection,
  index: number,
  cast: string,
  summaries: ReadonlyMap<number, Summary>,
): Promise<void> {
  const [row = []] = await readRows(
    connection,
    `SELECT ${timeText('min(x)')}, ${timeText('max(x)')}, (SELECT median(step) FROM (
      SELECT (epoch_us(x) - lag(epoch_us(x)) OVER (ORDER BY x)) / 1e6 AS step FROM (SELECT DISTINCT ${cast} AS x FROM raw WHERE rowid < ${stepRows})))
    FROM (SELECT ${cast} AS x FROM raw)`,
  )
  setTime(summaries, index, row[0], row[1], row[2])
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
