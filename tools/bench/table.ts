import { loadavg } from 'node:os'

/** Columns aligned as a person reads them: text to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isNumber = head.map((_, column) =>
    rows.every((row) => /^[\d.,×–%\s-]*$/.test(String(row[column] ?? ''))),
  )
  const format = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  const [first = [], ...rest] = lines
  return [format(first), widths.map((width) => '-'.repeat(width)).join('  '), ...rest.map(format)].join('\n')
}

/** The middle one; of an even number the upper of the two. 0 where there is none. */
export const median = (values: ArrayLike<number>): number => quantile(values, 0.5)

export function quantile(values: ArrayLike<number>, part: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

export const count = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Over one, five and fifteen minutes: on a machine that does other things too, ratios say more than seconds. */
export const loadAverage = (): string =>
  loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')
