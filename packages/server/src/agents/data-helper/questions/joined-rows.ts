import { quoteName, quoteText } from '../../../workspace/casts.ts'
import type { Group, Join } from './reading.ts'

/** With a space, which no table of a thread has in its name. */
export const joinedRows = 'joined rows'

/** What groups call the rows without a match. A match whose value is blank stays blank. */
export const noMatch = '(none)'

/**
 * A WITH entry: every row of the first file once, with what the second says of its key. LEFT, so that no row is lost;
 * the key is in the second file once at most (joins.ts), so that none is doubled.
 */
export function joinedRowsSql(table: string, join: Join): string {
  const names = join.columns.map(({ name }) => `lookup.${quoteName(name)}`)
  const key = `lookup.${quoteName(join.key.name)}`
  const read = [
    `${join.key.lookupSql} AS ${quoteName(join.key.name)}`,
    ...join.columns.map(({ name, sql }) => `${sql} AS ${quoteName(name)}`),
  ]
  return [
    `${quoteName(joinedRows)} AS (`,
    `  SELECT ${['base.*', ...names, `${key} IS NOT NULL AS ${quoteName(join.matched)}`].join(', ')}`,
    `  FROM ${quoteName(table)} AS base`,
    `  LEFT JOIN (`,
    `    SELECT ${read.join(', ')}`,
    `    FROM ${quoteName(join.table)}`,
    ...(join.keep === null ? [] : [`    WHERE (${join.keep})`]),
    `  ) AS lookup ON ${join.key.baseSql} = ${key}`,
    `)`,
  ].join('\n')
}

/** A group by a column of the second file names the rows that have no match there. */
export function namingNone(join: Join | null, group: Group, sql: string): string {
  if (join === null || !ofLookup(join, group.term)) return sql
  return `CASE WHEN ${quoteName(join.matched)} THEN ${sql} ELSE ${quoteText(noMatch)} END`
}

/** Whether a term of a reading is read from the second file. */
export function ofLookup(join: Join, { columns }: Group['term']): boolean {
  return join.columns.some(({ name }) => columns.includes(name))
}
