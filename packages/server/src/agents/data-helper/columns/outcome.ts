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

/** When a row of a user's own table succeeded, from its status column; null where its values say nothing known. */
export function outcomeSql(column: ColumnProfile): string | null {
  const value = `lower(trim(${quoteName(column.name)}))`
  const words = splitName(column.name).words
  const values = column.top.map((entry) => entry.value.trim().toLowerCase())
  const isFlag = values.every((text) =>
    ['true', 'false', '1', '0', 'yes', 'no', 't', 'f', 'y', 'n'].includes(text),
  )
  const negative = words.some((word) => ['error', 'errors', 'failed', 'failure', 'exception'].includes(word))
  if (negative)
    return isFlag
      ? `coalesce(${value} IN ('false', '0', 'no', 'f', 'n', ''), true)`
      : `coalesce(${value} IN ('', 'none', 'null', 'ok', '0', '200'), true)`
  if (isFlag) return `coalesce(${value} IN ('true', '1', 'yes', 't', 'y'), false)`
  if (values.every((text) => /^\d{3}(\.0)?$/.test(text)))
    return `coalesce(try_cast(${value} AS DOUBLE) BETWEEN 200 AND 399, false)`
  const list = failureTexts.map(quoteText).join(', ')
  const code = `try_cast(regexp_extract(${value}, '\\b([1-5]\\d\\d)\\b', 1) AS INTEGER)`
  return `NOT (coalesce(${value} IN (${list}), false) OR coalesce(${code} >= 400, false))`
}
