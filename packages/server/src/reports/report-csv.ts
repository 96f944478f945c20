import type { QueryResult } from '@holdfast/protocol'

/**
 * RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it: what stood in a stranger's
 * file must not run on the machine of whoever opens the report. Numbers stay as they are.
 */
export function queryCsv({ columns, rows }: Pick<QueryResult, 'columns' | 'rows'>): string {
  const lines = [columns, ...rows].map((row) => row.map(csvCell).join(','))
  return `${lines.join('\r\n')}\r\n`
}

export function csvCell(value: string | number | boolean | null): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const isNumber = value.trim() !== '' && Number.isFinite(Number(value))
  const safe = /^[=+\-@\t\r]/.test(value) && !isNumber ? `'${value}` : value
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe
}
