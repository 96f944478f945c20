/**
 * How text becomes a typed value: one table used by the profile (which counts what parses) and by every typed view
 * (which casts). Each is a DuckDB expression over a quoted VARCHAR column that gives NULL where it does not parse.
 */
export type CastName =
  | 'number'
  | 'number_thousands' // 1,234.5
  | 'number_german' // 1.234,5
  | 'money' // $1.50, USD 1.50, 1,234.50 €
  | 'boolean'
  | 'iso_time' // with zone, or naive and then read as UTC
  | 'epoch_s'
  | 'epoch_ms'
  | 'epoch_us'
  | 'epoch_ns'
  | 'date_dmy' // 31/12/2026
  | 'date_mdy' // 12/31/2026
  | 'json'

export interface Cast {
  readonly kind: 'number' | 'time' | 'boolean' | 'json'
  /** SQL type of the result: DOUBLE, TIMESTAMP (in UTC), BOOLEAN, JSON. */
  readonly type: string
  /** @param column the quoted name of a VARCHAR column */
  readonly sql: (column: string) => string
}

/** A name as an SQL identifier; every name that stands in SQL goes through here. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as an SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
