import type { DuckDBConnection } from '@duckdb/node-api'
import { type CastName, castNames, casts, isFilled, quoteName, quoteText } from '../casts.ts'
import { numberOf, readRows } from './duckdb.ts'
import { numericAggregates, sampleFilter, timeAggregates, topKept } from './measures.ts'

/** A column as it stands in the table. */
export interface Fact {
  readonly index: number
  readonly name: string
}

/** What its values can be read as. */
export interface Judged extends Fact {
  readonly filled: number
  readonly distinct: number
  readonly width: 'narrow' | 'wide'
  readonly tokens: number
  readonly parses: { cast: CastName; count: number }[]
  /** Of a wide column: what the pass that judged it has measured along the way, by the readings it expected. */
  readonly measured?: Measured
}

export interface Measured {
  readonly number: { readonly cast: CastName; readonly row: readonly unknown[] } | null
  readonly time: { readonly cast: CastName; readonly row: readonly unknown[] } | null
  /** Values that are probably the most frequent. */
  readonly frequent: readonly string[]
}

/** Words for "missing" that are not counted as values of a column that is otherwise numbers, times or flags. */
const missingWords = ['n/a', 'na', '#n/a', 'null', 'nan', 'none', 'nil', '-', '--', '—', '\\n', 'undefined']

/** Rows from each end that tell which casts can apply to a wide column. */
const endRows = 2_048

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
    // CASE, as AND would compare the words of every row: they matter only where nothing could be read.
    candidates.length === 0
      ? '0'
      : `coalesce(sum(n) FILTER (CASE WHEN ${unread.join(' AND ')} THEN ${words} ELSE false END), 0)`,
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
function rankCasts(verdict: Verdict, share = 0.5): { cast: CastName; count: number }[] {
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

/** All narrow columns, from their values and counts in `cells`. */
export async function judgeNarrow(connection: DuckDBConnection, narrow: readonly Fact[]): Promise<Judged[]> {
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

/** The rows from each end, of all wide columns: a condition on row numbers in each question would scan them all. */
export async function createEnds(
  connection: DuckDBConnection,
  wide: readonly Fact[],
  rows: number,
): Promise<void> {
  if (wide.length === 0) return
  const list = wide.map(({ name }) => quoteName(name)).join(', ')
  const from = (where: string): string => `SELECT ${list} FROM raw WHERE ${where}`
  // Of a short table the ends overlap, which the second condition prevents.
  const last = `rowid >= ${Math.max(endRows, rows - endRows)}`
  await connection.run(`CREATE TEMP TABLE ends AS ${from(`rowid < ${endRows}`)} UNION ALL ${from(last)}`)
}

/** One wide column: which casts are likely, from the ends; then one pass over the table counts and measures them. */
export async function judgeWide(connection: DuckDBConnection, fact: Fact, rows: number): Promise<Judged> {
  const sample = sampleFilter(rows)
  const judge = async (
    candidates: readonly CastName[],
    table: 'ends' | 'raw',
    more: readonly string[] = [],
  ): Promise<{ verdict: Verdict; rest: readonly unknown[] }> => {
    const values = `SELECT ${quoteName(fact.name)} AS value, 1 AS n, rowid AS "row" FROM ${table} WHERE ${isFilled('value')}`
    const list = verdictList(candidates, 'approx_count_distinct(value)')
    const [row = []] = await readRows(
      connection,
      `SELECT ${[list, ...more].join(', ')} FROM (SELECT value, n, "row"${castColumns(candidates)} FROM (${values}))`,
    )
    return { verdict: readVerdict(candidates, row), rest: row.slice(row.length - more.length) }
  }
  const ends = await judge(castNames, 'ends')
  const likely = rankCasts(ends.verdict, 0.25).map(({ cast }) => cast)
  const likelyOf = (kind: 'number' | 'time'): CastName | null =>
    likely.find((cast) => casts[cast].kind === kind) ?? null
  const [number, time] = [likelyOf('number'), likelyOf('time')]
  const ofNumber = number === null ? [] : numericAggregates(quoteName(number), sample)
  const ofTime = time === null ? [] : timeAggregates(quoteName(time))
  const full = await judge(likely, 'raw', [
    ...ofNumber,
    ...ofTime,
    `approx_top_k(value, ${topKept})${sample}`,
  ])
  const best = Math.max(0, ...full.verdict.counts.values())
  // What the ends did not show (a thousands separator far down) must not be lost: then all casts are counted.
  const surprising = likely.length > 0 && best < full.verdict.filled
  const verdict = surprising ? (await judge(castNames, 'raw')).verdict : full.verdict
  const frequent = full.rest.at(-1)
  return {
    ...judgedFrom(fact, 'wide', verdict),
    measured: {
      number: number === null ? null : { cast: number, row: full.rest.slice(0, ofNumber.length) },
      time: time === null ? null : { cast: time, row: full.rest.slice(ofNumber.length, -1) },
      frequent: Array.isArray(frequent) ? frequent.map(String) : [],
    },
  }
}
