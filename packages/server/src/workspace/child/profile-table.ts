import type { DuckDBConnection } from '@duckdb/node-api'
import { type CastName, castNames, casts, quoteName, quoteText } from '../casts.ts'
import type { ColumnProfile, NumericSummary } from '../file-profile.ts'
import { numberOf, readRows } from './duckdb.ts'

/**
 * The profile of the table `raw`, from all of its rows.
 *
 * A column of few distinct values ("narrow") is first reduced to value and count; then all narrow columns are judged
 * together, in a handful of queries however many they are. A column of many distinct values ("wide") is judged on its
 * own: first on rows of the beginning and the end, to drop the casts that cannot apply, then on all rows.
 */
export async function profileTable(
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<{ rows: number; columns: ColumnProfile[]; problems: string[] }> {
  const [[count] = []] = await readRows(connection, 'SELECT count(*) FROM raw')
  const rows = numberOf(count)
  const widths = await estimateWidths(connection, columns, rows)
  const mostCells = Math.min(narrowDistinct, Math.floor(narrowCells / Math.max(columns.length, 1)))
  const facts = columns.map((name, index): Fact => ({ index, name }))
  const narrow = facts.filter(({ index }) => (widths[index] ?? 0) <= mostCells)
  const wide = facts.filter((fact) => !narrow.includes(fact))
  const samples = await readSamples(connection, columns)
  await createCells(connection, narrow)
  const judged = [
    ...(await judgeNarrow(connection, narrow)),
    ...(await Promise.all(wide.map(async (fact) => await judgeWide(connection, fact, rows)))),
  ]
  const summaries = await summarise(connection, judged)
  const problems: string[] = []
  const profiles = columns.map((name, index): ColumnProfile => {
    const column = judged.find((one) => one.index === index)
    const summary = summaries.get(index)
    if (column === undefined || summary === undefined) throw new Error(`No verdict on column ${index}`)
    const typed = column.parses.length > 0
    if (typed && column.tokens > 0)
      problems.push(`Column "${name}": ${column.tokens} cells hold a word for missing (N/A, null, -, …).`)
    return {
      name,
      filled: column.filled - (typed ? column.tokens : 0),
      distinct: column.distinct,
      samples: distinctSamples(samples[index] ?? [], summary.top),
      parses: column.parses,
      ...(summary.numeric === undefined ? {} : { numeric: summary.numeric }),
      ...(summary.time === undefined ? {} : { time: summary.time }),
      top: summary.top.map(({ value, count }) => ({ value: shorten(value), count })),
    }
  })
  return { rows, columns: profiles, problems }
}

/** Distinct values up to which a column is narrow, and of all columns together. */
const narrowDistinct = 5_000
const narrowCells = 2_000_000
const stretchRows = 40_000
/** Rows from each end that tell which casts can apply to a wide column. */
const endRows = 2_048
/** Rows from the beginning over which the step of a wide time column is taken: sorting all would cost a second. */
const stepRows = 200_000
const sampleRows = 1_000
const samplesKept = 5
const sampleLength = 80
const topKept = 10
const columnsPerQuery = 100

/** Words for "missing" that are not counted as values of a column that is otherwise numbers, times or flags. */
export const missingWords = [
  'n/a',
  'na',
  '#n/a',
  'null',
  'nan',
  'none',
  'nil',
  '-',
  '--',
  '—',
  '\\n',
  'undefined',
]

interface Fact {
  readonly index: number
  readonly name: string
}

interface Judged extends Fact {
  readonly filled: number
  readonly distinct: number
  readonly width: 'narrow' | 'wide'
  readonly tokens: number
  readonly parses: { cast: CastName; count: number }[]
}

interface Summary {
  numeric?: NumericSummary
  time?: { min: string; max: string; medianStepSeconds: number | null }
  top: { value: string; count: number }[]
}

/**
 * Tells narrow from wide by three stretches of the table: counting distinct values of all rows costs more than the
 * rest of the profile. A column that is wider than they show makes more cells, and a slower profile, not a wrong one.
 */
async function estimateWidths(
  connection: DuckDBConnection,
  columns: readonly string[],
  rows: number,
): Promise<number[]> {
  const starts = [0, Math.floor(rows / 2), Math.max(0, rows - stretchRows)]
  const where = starts.map((from) => `rowid BETWEEN ${from} AND ${from + stretchRows - 1}`).join(' OR ')
  const widths: number[] = []
  for (let from = 0; from < columns.length; from += columnsPerQuery) {
    const list = columns
      .slice(from, from + columnsPerQuery)
      .map((name) => `approx_count_distinct(${quoteName(name)})`)
    const [row = []] = await readRows(connection, `SELECT ${list.join(', ')} FROM raw WHERE ${where}`)
    widths.push(...row.map(numberOf))
  }
  return widths
}

async function readSamples(connection: DuckDBConnection, columns: readonly string[]): Promise<string[][]> {
  const rows = await readRows(
    connection,
    `SELECT ${columns.map(quoteName).join(', ')} FROM raw LIMIT ${sampleRows}`,
  )
  return columns.map((_, index) => {
    const seen = new Set<string>()
    for (const row of rows) {
      const value = row[index]
      if (typeof value === 'string' && value.trim() !== '') seen.add(shorten(value))
      if (seen.size === samplesKept) break
    }
    return [...seen]
  })
}

function distinctSamples(first: readonly string[], top: Summary['top']): string[] {
  return [...new Set([...first, ...top.map(({ value }) => shorten(value))])].slice(0, samplesKept)
}

const shorten = (text: string): string => {
  const clean = text.replaceAll(/\s+/g, ' ').trim()
  return clean.length <= sampleLength ? clean : `${clean.slice(0, sampleLength - 1)}…`
}

async function createCells(connection: DuckDBConnection, narrow: readonly Fact[]): Promise<void> {
  await connection.run('CREATE TEMP TABLE cells (col USMALLINT, value VARCHAR, n BIGINT)')
  for (let from = 0; from < narrow.length; from += columnsPerQuery) {
    const parts = narrow.slice(from, from + columnsPerQuery).map(({ index, name }) => {
      const column = quoteName(name)
      return `SELECT ${index}, ${column} AS value, count(*) AS n FROM raw GROUP BY ${column}`
    })
    await connection.run(
      `INSERT INTO cells SELECT * FROM (${parts.join(' UNION ALL ')}) WHERE trim(value) <> ''`,
    )
  }
}

/** Casts of numbers that may read the same text as another number, so that reading alike is no second reading. */
const numberReadings = castNames.filter((name) => casts[name].kind === 'number')

interface Verdict {
  readonly filled: number
  readonly distinct: number
  /** Values that no cast reads and that are a word for missing. */
  readonly tokens: number
  readonly counts: ReadonlyMap<CastName, number>
  /** Pairs of number casts that read at least one value differently. */
  readonly differing: ReadonlySet<string>
  /** Whole numbers below 1,000 stand without a separator, and none of 1,000 or more does. */
  readonly grouped: boolean
}

/** The aggregates of a verdict over a relation of `value`, `n` and one column for each candidate cast. */
function verdictList(candidates: readonly CastName[], distinct: string): string {
  const alias = (name: CastName): string => quoteName(name)
  const words = `lower(trim(value)) IN (${missingWords.map(quoteText).join(', ')})`
  const unread = candidates.map((name) => `${alias(name)} IS NULL`)
  return [
    'coalesce(sum(n), 0)',
    distinct,
    // The cheap tests first: the words are compared only where nothing could be read.
    `coalesce(sum(n) FILTER (${[...unread, words].join(' AND ')}), 0)`,
    candidates.includes('number_thousands')
      ? `coalesce(bool_or("number" < 1000) AND NOT bool_or("number" >= 1000), false)`
      : 'false',
    ...candidates.map((name) => `coalesce(sum(n) FILTER (${alias(name)} IS NOT NULL), 0)`),
    ...readingPairs(candidates).map(([a, b]) => `coalesce(bool_or(${alias(a)} <> ${alias(b)}), false)`),
  ].join(', ')
}

const readingPairs = (candidates: readonly CastName[]): (readonly [CastName, CastName])[] => {
  const readings = candidates.filter((name) => numberReadings.includes(name))
  return readings.flatMap((a, at) => readings.slice(at + 1).map((b) => [a, b] as const))
}

const castColumns = (candidates: readonly CastName[]): string =>
  candidates.map((name) => `, ${casts[name].sql('value')} AS ${quoteName(name)}`).join('')

function readVerdict(candidates: readonly CastName[], row: readonly unknown[]): Verdict {
  const [filled, distinct, tokens, grouped, ...others] = row
  const pairs = readingPairs(candidates)
  return {
    filled: numberOf(filled),
    distinct: numberOf(distinct),
    tokens: numberOf(tokens),
    grouped: grouped === true,
    counts: new Map(candidates.map((name, at) => [name, numberOf(others[at])])),
    differing: new Set(
      pairs.filter((_, at) => others[candidates.length + at] === true).map((pair) => pair.join(' ')),
    ),
  }
}

/**
 * Best first: most values parsed; between equals the order of the table in casts.ts. Left out is a cast of numbers
 * that is no second reading, because it reads what an earlier one reads and reads it alike, and the German one where
 * `385` beside `6,419` and no `6419` show what the comma is.
 */
export function rankCasts(verdict: Verdict, share = 0.5): { cast: CastName; count: number }[] {
  const values = verdict.filled - verdict.tokens
  const kept: { cast: CastName; count: number }[] = []
  const ranked = castNames
    .map((cast) => ({ cast, count: verdict.counts.get(cast) ?? 0 }))
    .filter(({ count }) => count > 0 && count >= values * share)
    .toSorted((a, b) => b.count - a.count)
  const differ = (a: CastName, b: CastName): boolean =>
    verdict.differing.has(`${a} ${b}`) || verdict.differing.has(`${b} ${a}`)
  for (const one of ranked) {
    const isNumber = numberReadings.includes(one.cast)
    const same = kept.some(({ cast }) => isNumber && numberReadings.includes(cast) && !differ(cast, one.cast))
    const settled =
      one.cast === 'number_german' && verdict.grouped && kept.some(({ cast }) => cast === 'number_thousands')
    if (!same && !settled) kept.push(one)
  }
  return kept
}

const judgedFrom = (fact: Fact, width: Judged['width'], verdict: Verdict): Judged => ({
  ...fact,
  width,
  filled: verdict.filled,
  distinct: verdict.distinct,
  tokens: verdict.tokens,
  parses: rankCasts(verdict),
})

async function judgeNarrow(connection: DuckDBConnection, narrow: readonly Fact[]): Promise<Judged[]> {
  const rows = await readRows(
    connection,
    `SELECT col, ${verdictList(castNames, 'count(*)')}
     FROM (SELECT col, value, n${castColumns(castNames)} FROM cells) GROUP BY col`,
  )
  const verdicts = new Map(rows.map(([col, ...row]) => [numberOf(col), readVerdict(castNames, row)]))
  return narrow.map((fact) => {
    const verdict = verdicts.get(fact.index)
    // A column without a single value is in no row of cells.
    return verdict === undefined
      ? { ...fact, width: 'narrow', filled: 0, distinct: 0, tokens: 0, parses: [] }
      : judgedFrom(fact, 'narrow', verdict)
  })
}

async function judgeWide(connection: DuckDBConnection, fact: Fact, rows: number): Promise<Judged> {
  const judge = async (candidates: readonly CastName[], where: string): Promise<Verdict> => {
    const values = `SELECT ${quoteName(fact.name)} AS value, 1 AS n FROM raw WHERE trim(value) <> '' ${where}`
    const [row = []] = await readRows(
      connection,
      `SELECT ${verdictList(candidates, 'approx_count_distinct(value)')}
       FROM (SELECT value, n${castColumns(candidates)} FROM (${values}))`,
    )
    return readVerdict(candidates, row)
  }
  const ends = await judge(castNames, `AND (rowid < ${endRows} OR rowid >= ${rows - endRows})`)
  const likely = rankCasts(ends, 0.25).map(({ cast }) => cast)
  const verdict = await judge(likely, '')
  const best = Math.max(0, ...verdict.counts.values())
  // What the ends did not show (a thousands separator far down) must not be lost: then all casts are counted.
  const surprising = likely.length > 0 && best < verdict.filled
  return judgedFrom(fact, 'wide', surprising ? await judge(castNames, '') : verdict)
}

async function summarise(
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
