import { casts, quoteName, quoteText } from '../../../workspace/casts.ts'
import type { ColumnProfile, FileProfile } from '../../../workspace/file-profile.ts'
import { castOf, numberOf, textOf, timeOf } from '../columns/read-column.ts'
import { findColumn } from './find-column.ts'
import type { Condition, Names, Reading } from './format.ts'

export interface FieldRead {
  readonly columns: readonly string[]
  readonly sql: string
  readonly parsed: number
}

/** A time of a known format as SQL; a date whose day and month cannot be told apart is read day first. */
export function timeSql(column: ColumnProfile): FieldRead | null {
  const reading = timeOf(column)
  if (reading.kind === 'none') return null
  const cast = reading.kind === 'either' ? 'date_dmy' : reading.cast
  return { columns: [column.name], ...castOf(column, cast) }
}

/** Numbers counted from a zero of their own, shown as times from 1970-01-01. */
export function relativeTimeSql(number: string, msEach: number): string {
  return `make_timestamp(CAST((${number}) * ${msEach * 1_000} AS BIGINT))`
}

/** Milliseconds between two times, as SQL. */
export function betweenSql(from: string, to: string): string {
  return `date_diff('microsecond', ${from}, ${to}) / 1000.0`
}

/** How a field of a known export is read from this file; null where the file lacks the column or it is empty. */
export function readField(profile: FileProfile, reading: Reading): FieldRead | null {
  switch (reading.as) {
    case 'text':
      return one(profile, reading.from, textOf)
    case 'bare_model':
      return one(profile, reading.from, (column) => ({
        sql: `nullif(regexp_replace(trim(${quoteName(column.name)}), '^[^/]+/', ''), '')`,
        parsed: 1,
      }))
    case 'part':
      return one(profile, reading.from, (column) => ({
        sql: `nullif(trim(split_part(${quoteName(column.name)}, ',', ${reading.part})), '')`,
        parsed: 1,
      }))
    case 'count':
      return one(profile, reading.from, (column) => numberOf(column, 'whole'))
    case 'count_sum':
      return sum(profile, reading.of)
    case 'money':
      return one(profile, reading.from, (column) => moneyOf(column, reading.usdEach, reading.free))
    case 'duration':
      return one(profile, reading.from, (column) => {
        const number = numberOf(column, 'any')
        return number === null ? null : { ...number, sql: scaled(number.sql, reading.msEach) }
      })
    case 'between':
      return between(profile, reading.from, reading.to)
    case 'time':
      return one(profile, reading.from, timeSql)
    case 'relative_time':
      return one(profile, reading.from, (column) => {
        const number = numberOf(column, 'any')
        return number === null ? null : { ...number, sql: relativeTimeSql(number.sql, reading.msEach) }
      })
    case 'tag':
      return tag(profile, reading.from, reading.keys)
  }
}

function one(
  profile: FileProfile,
  names: Names,
  read: (column: ColumnProfile) => { readonly sql: string; readonly parsed: number } | null,
): FieldRead | null {
  for (const name of names) {
    const column = findColumn(profile, [name])
    if (column === null || column.filled === 0) continue
    const found = read(column)
    if (found !== null) return { columns: [column.name], sql: found.sql, parsed: found.parsed }
  }
  return null
}

export function scaled(sql: string, factor: number): string {
  return factor === 1 ? sql : `(${sql}) * ${factor}`
}

/**
 * Money that may be written as `$1.50`, and texts that mean no charge. The profile names only readings that fit half
 * of the values, and in a column where most say `Included` none does: so the money reading is used regardless.
 */
function moneyOf(column: ColumnProfile, usdEach: number, free: Names) {
  if (free.length === 0) {
    const number = numberOf(column, 'any')
    return number === null ? null : { ...number, sql: scaled(number.sql, usdEach) }
  }
  const name = quoteName(column.name)
  const list = free.map(quoteText).join(', ')
  const money = scaled(casts.money.sql(name), usdEach)
  return { sql: `CASE WHEN lower(trim(${name})) IN (${list}) THEN 0.0 ELSE ${money} END`, parsed: 1 }
}

function sum(profile: FileProfile, addends: readonly Names[]): FieldRead | null {
  const reads = addends.flatMap((names) => {
    const read = one(profile, names, (column) => numberOf(column, 'whole'))
    return read === null ? [] : [read]
  })
  const [first] = reads
  if (first === undefined) return null
  if (reads.length === 1) return first
  return {
    columns: reads.flatMap((read) => read.columns),
    // The first is the base: a row without it has no count, a row without the others has none of those.
    sql: [first.sql, ...reads.slice(1).map((read) => `coalesce(${read.sql}, 0)`)].join(' + '),
    parsed: Math.min(...reads.map((read) => read.parsed)),
  }
}

function between(profile: FileProfile, from: Names, to: Names): FieldRead | null {
  const start = one(profile, from, timeSql)
  const end = one(profile, to, timeSql)
  if (start === null || end === null) return null
  return {
    columns: [...start.columns, ...end.columns],
    sql: betweenSql(start.sql, end.sql),
    parsed: Math.min(start.parsed, end.parsed),
  }
}

function tag(profile: FileProfile, names: Names, keys: Names): FieldRead | null {
  const columns: string[] = []
  const readings: string[] = []
  for (const name of names) {
    // JSON files arrive flattened, so the key may be a column of its own.
    for (const key of keys) {
      const nested = findColumn(profile, [`${name}.${key}`])
      if (nested === null || nested.filled === 0) continue
      columns.push(nested.name)
      readings.push(textOf(nested).sql)
    }
    const column = findColumn(profile, [name])
    if (column === null || column.filled === 0) continue
    const quoted = quoteName(column.name)
    const known = keys.filter((key) => column.samples.some((sample) => sample.includes(key)))
    for (const key of known) {
      const json = casts.json.sql(quoted)
      readings.push(
        `nullif(regexp_extract(${quoted}, ${quoteText(`"${key}:([^"]+)"`)}, 1), '')`,
        `nullif(json_extract_string(${json}, ${quoteText(`$."${key}"`)}), '')`,
      )
      columns.push(column.name)
    }
  }
  if (readings.length === 0) return null
  return { columns: [...new Set(columns)], sql: `coalesce(${readings.join(', ')})`, parsed: 1 }
}

/** A condition as SQL that is never NULL; null where the file lacks its column. */
export function conditionSql(profile: FileProfile, condition: Condition): string | null {
  const column = findColumn(profile, condition.column)
  if (column === null) return null
  const value = `lower(trim(${quoteName(column.name)}))`
  const number = `try_cast(${value} AS DOUBLE)`
  switch (condition.if) {
    case 'is_one_of':
      return `coalesce(${value} IN (${condition.values.map(quoteText).join(', ')}), false)`
    case 'is_none_of':
      return `coalesce(${value} NOT IN (${condition.values.map(quoteText).join(', ')}), true)`
    case 'is_blank':
      return `coalesce(${value}, '') = ''`
    case 'is_filled':
      return `coalesce(${value}, '') <> ''`
    case 'is_above':
      return `coalesce(${number} > ${condition.number}, false)`
    case 'is_between':
      return `coalesce(${number} BETWEEN ${condition.low} AND ${condition.high}, false)`
  }
}

/** What conditionSql says of one value, trimmed and in lower case; blank for a missing one. */
export function meets(condition: Condition, value: string): boolean {
  switch (condition.if) {
    case 'is_one_of':
      return condition.values.includes(value)
    case 'is_none_of':
      return !condition.values.includes(value)
    case 'is_blank':
      return value === ''
    case 'is_filled':
      return value !== ''
    case 'is_above':
      return value !== '' && Number(value) > condition.number
    case 'is_between':
      return value !== '' && Number(value) >= condition.low && Number(value) <= condition.high
  }
}
