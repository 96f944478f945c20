import {
  DuckDBDecimalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import type { Cell } from '@holdfast/protocol'

const timestamps = [
  DuckDBTimestampValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampNanosecondsValue,
]

/**
 * A value as it travels. Times are RFC 3339 in UTC; decimals become numbers; whole numbers beyond 2^53, NaN and
 * infinities become text; lists, structs and the like DuckDB's own text.
 */
export function cellOf(value: DuckDBValue, maxLength: number): Cell {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'string') return cut(value, maxLength)
  if (value instanceof DuckDBDecimalValue) return value.toDouble()
  if (timestamps.some((type) => value instanceof type)) return rfc3339(String(value))
  if (value instanceof DuckDBTimestampTZValue) return rfc3339(String(new DuckDBTimestampValue(value.micros)))
  return cut(String(value), maxLength)
}

/** From `2026-09-01 02:00:07.188`; `infinity` and years before Christ stay as they are. */
const rfc3339 = (text: string): string =>
  /^\d{4,}-\d{2}-\d{2} /.test(text) ? `${text.replace(' ', 'T')}Z` : text

const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`
