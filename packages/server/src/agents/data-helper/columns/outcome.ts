import { quoteName, quoteText } from '../../../workspace/casts.ts'
import type { ColumnProfile } from '../../../workspace/file-profile.ts'
import { splitName } from './column-name.ts'

const failureTexts = [
  'error',
  'errored',
  'failed',
  'failure',
  'fail',
  'timeout',
  'timed_out',
  'cancelled',
  'canceled',
  'aborted',
  'rejected',
  'rate_limited',
  'exception',
]

/** When a row of a user's own table succeeded, from its status column. */
export function outcomeSql(column: ColumnProfile): string {
  const value = `lower(trim(${quoteName(column.name)}))`
  const words = splitName(column.name).words
  const values = column.top.map((entry) => entry.value.trim().toLowerCase())
  const isFlag = values.every((text) => flags.has(text))
  if (words.some((word) => negativeWords.has(word)))
    return `coalesce(${value} IN (${(isFlag ? [...flagFalse, ''] : [...fine]).map(quoteText).join(', ')}), true)`
  if (isFlag) return `coalesce(${value} IN (${[...flagTrue].map(quoteText).join(', ')}), false)`
  if (values.every((text) => httpCode.test(text)))
    return `coalesce(try_cast(${value} AS DOUBLE) BETWEEN 200 AND 399, false)`
  const list = failureTexts.map(quoteText).join(', ')
  const code = `try_cast(regexp_extract(${value}, '\\b([1-5]\\d\\d)\\b', 1) AS INTEGER)`
  return `NOT (coalesce(${value} IN (${list}), false) OR coalesce(${code} >= 400, false))`
}

/**
 * Whether any row failed, by a condition for success over one column: asked of the values themselves, where the profile
 * has them all. Null where it does not.
 *
 * @param succeeded what the condition says of a value
 */
export function anyFailure(
  column: ColumnProfile,
  rows: number,
  succeeded: (value: string) => boolean,
): boolean | null {
  if (column.top.some(({ value }) => !succeeded(value.trim().toLowerCase()))) return true
  if (column.filled < rows && !succeeded('')) return true
  const known = column.top.reduce((sum, { count }) => sum + count, 0)
  return known >= column.filled ? false : null
}

/** outcomeSql's rule for one value, lower case. */
export function succeededBy(column: ColumnProfile): (value: string) => boolean {
  const words = splitName(column.name).words
  const values = column.top.map((entry) => entry.value.trim().toLowerCase())
  const isFlag = values.every((text) => flags.has(text))
  if (words.some((word) => negativeWords.has(word)))
    return isFlag ? (value) => flagFalse.has(value) || value === '' : (value) => fine.has(value)
  if (isFlag) return (value) => flagTrue.has(value)
  if (values.every((text) => httpCode.test(text)))
    return (value) => Number(value) >= 200 && Number(value) <= 399 && value !== ''
  return (value) => !failureTexts.includes(value) && Number(/\b([1-5]\d\d)\b/.exec(value)?.[1] ?? 0) < 400
}

const flagTrue = new Set(['true', '1', 'yes', 't', 'y'])
const flagFalse = new Set(['false', '0', 'no', 'f', 'n'])
const flags = new Set([...flagTrue, ...flagFalse])
const fine = new Set(['', 'none', 'null', 'ok', '0', '200'])
const negativeWords = new Set(['error', 'errors', 'failed', 'failure', 'exception'])
const httpCode = /^\d{3}(\.0)?$/
