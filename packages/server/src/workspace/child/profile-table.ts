import type { DuckDBConnection } from '@duckdb/node-api'
import { isFilled, quoteName } from '../casts.ts'
import type { ColumnProfile } from '../file-profile.ts'
import { numberOf, readRows } from './duckdb.ts'
import { createEnds, type Fact, judgeNarrow, judgeWide } from './judge-columns.ts'
import { type Summary, summarise } from './summarise-columns.ts'

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
  await createEnds(connection, wide, rows)
  const judged = [
    ...(await judgeNarrow(connection, narrow)),
    ...(await Promise.all(wide.map(async (fact) => await judgeWide(connection, fact, rows)))),
  ]
  const summaries = await summarise(connection, judged, rows)
  await connection.run('DROP TABLE cells; DROP TABLE IF EXISTS ends')
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
const sampleRows = 1_000
const samplesKept = 5
const sampleLength = 80
const columnsPerQuery = 100

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
  // A statement a column: all in one UNION ALL took three times as long, on one thread.
  for (const { index, name } of narrow) {
    const column = quoteName(name)
    await connection.run(
      `INSERT INTO cells SELECT ${index}, value, n FROM
        (SELECT ${column} AS value, count(*) AS n FROM raw GROUP BY ${column}) WHERE ${isFilled('value')}`,
    )
  }
}
