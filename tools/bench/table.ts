/** Columns aligned as a person reads them: text to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isNumber = head.map((_, column) =>
    rows.every((row) => /^[\d.,×–-]*$/.test(String(row[column] ?? ''))),
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
export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
