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
  const { rows, facts } = await countColumns(connection, columns)
  const cellsPerColumn = Math.min(narrowDistinct, Math.floor(narrowCells / Math.max(columns.length, 1)))
  const narrow = facts.filter((fact) => fact.distinct <= cellsPerColumn)
  const wide = facts.filter((fact) => fact.distinct > cellsPerColumn)
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
  readonly filled: number
  /** Approximate. */
  readonly distinct: number
}

interface Judged extends Fact {
  readonly width: 'narrow' | 'wide'
  readonly tokens: number
  readonly parses: { cast: CastName; count: number }[]
}

interface Summary {
  numeric?: NumericSummary
  time?: { min: string; max: string; medianStepSeconds: number | null }
  top: { value: string; count: number }[]
}

async function countColumns(
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<{ rows: number; facts: Fact[] }> {
  const facts: Fact[] = []
  let rows = 0
  for (let from = 0; from < columns.length; from += columnsPerQuery) {
    const part = columns.slice(from, from + columnsPerQuery)
    const list = part.flatMap((name) => {
      const column = quoteName(name)
      return [`count(*) FILTER (trim(${column}) <> '')`, `approx_count_distinct(${column})`]
    })
    const [row = []] = await readRows(connection, `SELECT count(*), ${list.join(', ')} FROM raw`)
    rows = numberOf(row[0])
    part.forEach((name, at) => {
      const filled = numberOf(row[1 + at * 2])
      // The estimate may exceed what is there.
      facts.push({ index: from + at, name, filled, distinct: Math.min(numberOf(row[2 + at * 2]), filled) })
    })
  }
  return { rows, facts }
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
      return `SELECT ${index}, ${column}, count(*) FROM raw WHERE trim(${column}) <> '' GROUP BY ${column}`
    })
    await connection.run(`INSERT INTO cells ${parts.join(' UNION ALL ')}`)
  }
}

/** Casts of numbers that may read the same text as another number, so that reading alike is no second reading. */
const numberReadings = castNames.filter((name) => casts[name].kind === 'number')

interface Verdict {
  readonly counts: ReadonlyMap<CastName, number>
  /** Pairs of number casts that read at least one value differently. */
  readonly differing: ReadonlySet<string>
  readonly tokens: number
  readonly distinct: number
}

function verdictList(candidates: readonly CastName[]): string {
  const alias = (name: CastName): string => quoteName(name)
  const pairs = readingPairs(candidates).map(
    ([a, b]) => `coalesce(bool_or(${alias(a)} <> ${alias(b)}), false)`,
  )
  const counts = candidates.map((name) => `coalesce(sum(n) FILTER (${alias(name)} IS NOT NULL), 0)`)
  return [
    `coalesce(sum(n) FILTER (lower(trim(value)) IN (${missingWords.map(quoteText).join(', ')})), 0)`,
    ...counts,
    ...pairs,
  ].join(', ')
}

const readingPairs = (candidates: readonly CastName[]): (readonly [CastName, CastName])[] => {
  const readings = candidates.filter((name) => numberReadings.includes(name))
  return readings.flatMap((a, at) => readings.slice(at + 1).map((b) => [a, b] as const))
}

const castColumns = (candidates: readonly CastName[]): string =>
  candidates.map((name) => `, ${casts[name].sql('value')} AS ${quoteName(name)}`).join('')

function readVerdict(candidates: readonly CastName[], row: readonly unknown[], distinct: number): Verdict {
  const pairs = readingPairs(candidates)
  const pairsFrom = 1 + candidates.length
  return {
    tokens: numberOf(row[0]),
    counts: new Map(candidates.map((name, at) => [name, numberOf(row[1 + at])])),
    differing: new Set(pairs.filter((_, at) => row[pairsFrom + at] === true).map((pair) => pair.join(' '))),
    distinct,
  }
}

/**
 * Best first: most values parsed; between equals the order of the table in casts.ts. A cast of numbers that reads
 * nothing more than an earlier one, and nothing differently, is not a second reading and is left out.
 */
export function rankCasts(verdict: Verdict, filled: number): { cast: CastName; count: number }[] {
  const values = filled - verdict.tokens
  const kept: { cast: CastName; count: number }[] = []
  const ranked = castNames
    .map((cast) => ({ cast, count: verdict.counts.get(cast) ?? 0 }))
    .filter(({ count }) => count > 0 && count * 2 >= values)
    .toSorted((a, b) => b.count - a.count)
  for (const one of ranked) {
    const same = kept.some(
      (earlier) =>
        numberReadings.includes(one.cast) &&
        numberReadings.includes(earlier.cast) &&
        !verdict.differing.has(`${earlier.cast} ${one.cast}`) &&
        !verdict.differing.has(`${one.cast} ${earlier.cast}`),
    )
    if (!same) kept.push(one)
  }
  return kept
}

async function judgeNarrow(connection: DuckDBConnection, narrow: readonly Fact[]): Promise<Judged[]> {
  const rows = await readRows(
    connection,
    `SELECT col, count(*), ${verdictList(castNames)} FROM (SELECT col, value, n${castColumns(castNames)} FROM cells) GROUP BY col`,
  )
  const verdicts = new Map(
    rows.map(([col, distinct, ...row]) => [numberOf(col), readVerdict(castNames, row, numberOf(distinct))]),
  )
  return narrow.map((fact) => {
    const verdict = verdicts.get(fact.index)
    // A column without a single value is in no row of cells.
    if (verdict === undefined) return { ...fact, width: 'narrow', distinct: 0, tokens: 0, parses: [] }
    return {
      ...fact,
      width: 'narrow',
      distinct: verdict.distinct,
      tokens: verdict.tokens,
      parses: rankCasts(verdict, fact.filled),
    }
  })
}

async function judgeWide(connection: DuckDBConnection, fact: Fact, rows: number): Promise<Judged> {
  const judge = async (candidates: readonly CastName[], where: string): Promise<Verdict> => {
    const values = `SELECT ${quoteName(fact.name)} AS value, 1 AS n FROM raw ${where}`
    const [row = []] = await readRows(
      connection,
      `SELECT ${verdictList(candidates)} FROM (SELECT value, n${castColumns(candidates)} FROM (${values}))`,
    )
    return readVerdict(candidates, row, fact.distinct)
  }
  const ends = await judge(castNames, `WHERE rowid < ${endRows} OR rowid >= ${rows - endRows}`)
  const likely = rankCasts(ends, 0).map(({ cast }) => cast)
  let verdict = await judge(likely, '')
  // What the ends did not show (a thousands separator far down) must not be lost: then all casts are counted.
  const best = Math.max(0, ...verdict.counts.values())
  if (likely.length > 0 && best < fact.filled) verdict = await judge(castNames, '')
  return { ...fact, width: 'wide', tokens: verdict.tokens, parses: rankCasts(verdict, fact.filled) }
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
    SELECT col, ${timeList} FROM (SELECT col, x, epoch(x) - lag(epoch(x)) OVER (PARTITION BY col ORDER BY x) AS step FROM v) GROUP BY col`,
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
      SELECT epoch(x) - lag(epoch(x)) OVER (ORDER BY x) AS step FROM (SELECT DISTINCT ${cast} AS x FROM raw WHERE rowid < ${stepRows})))
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
