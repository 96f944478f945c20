/** A request log as CSV text: the columns are those of the rows, and a value that is left out is blank. */
export function requestsCsv(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return `${[columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))].map((row) => row.join(',')).join('\n')}\n`
}

/** `count` rows made by number. */
export function times<Row>(count: number, make: (index: number) => Row): readonly Row[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** RFC 3339, `seconds` after midnight UTC of a day. */
export function at(day: string, seconds: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + seconds * 1_000).toISOString()
}
