import { quoteName } from '../../../workspace/casts.ts'
import { joinedRows, joinedRowsSql, ofLookup } from './joined-rows.ts'
import type { Join, SimpleReading } from './reading.ts'
import { filterSql, windowSql } from './reading-sql.ts'

export const matchQuery = 'joined_rows'

/**
 * How many rows of the first file have a match: of all that count, and of those the question is about by the first
 * file's own columns. A condition on the second file's columns says nothing of rows without a match.
 */
export function matchSql(reading: SimpleReading, join: Join): string {
  const asked = askedConditions(reading, join)
  const matched = quoteName(join.matched)
  return [
    `WITH ${joinedRowsSql(reading.table, join)}`,
    `SELECT count(*)::DOUBLE AS rows_of_file,`,
    `  (count(*) FILTER (WHERE ${matched}))::DOUBLE AS matched_of_file,`,
    `  (count(*) FILTER (WHERE asked))::DOUBLE AS rows_asked,`,
    `  (count(*) FILTER (WHERE asked AND NOT ${matched}))::DOUBLE AS rows_without_match`,
    `FROM (`,
    `  SELECT ${matched}, ${asked.length === 0 ? 'true' : asked.join(' AND ')} AS asked`,
    `  FROM ${quoteName(joinedRows)}`,
    ...(reading.keep === null ? [] : [`  WHERE (${reading.keep})`]),
    `) AS counted`,
  ].join('\n')
}

/** Conditions on the first file's own columns. */
function askedConditions({ filters, window }: SimpleReading, join: Join): readonly string[] {
  return [
    ...filters.filter(({ term }) => !ofLookup(join, term)).map(filterSql),
    ...(window === null ? [] : windowSql(window)),
  ].map((condition) => `(${condition})`)
}
