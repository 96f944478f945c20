import type { Figure, QueryResult, Report } from '@holdfast/protocol'

/** What goes into a file that is handed on: the report, its charts, and where it comes from. */
export interface ReportExport {
  readonly report: Report
  /** SVG by the id of its chart; one that is missing is left out, its table stands there. */
  readonly svgs: ReadonlyMap<string, string>
  /** RFC 3339, of the report. */
  readonly createdAt: string
}

export const exportLimits = {
  /** Of a query in Markdown and HTML; its CSV has all that were kept. */
  rows: 500,
} as const

const citation = /\[fig:([^\]]+)\]/g

/** The figures that the text cites, in the order in which it first does, and then the others. */
export function numbered({
  text,
  figures,
}: Report): ReadonlyMap<string, { readonly number: number; readonly figure: Figure }> {
  const byId = new Map(figures.map((figure) => [figure.id, figure]))
  const cited = [...text.matchAll(citation)].flatMap(([, id = '']) => byId.get(id) ?? [])
  const ordered = [...new Set([...cited, ...figures])]
  return new Map(ordered.map((figure, index) => [figure.id, { number: index + 1, figure }]))
}

/** Where a figure stands: `cost_by_model`, row 1, `cost`. */
export const cellOf = ({ query, row, column }: Figure): string => `${query}, row ${row + 1}, ${column}`

export const labelOf = ({ verified }: QueryResult): string =>
  verified ? 'verified playbook' : 'ad-hoc SQL, unverified'

export function rowsOf({ rows, truncated }: QueryResult): string {
  const shown = Math.min(rows.length, exportLimits.rows)
  const count = rows.length === 1 ? '1 row' : `${rows.length} rows`
  const left = shown < rows.length ? `, the first ${shown} shown` : ''
  return `${count}${left}${truncated ? '; more existed than were kept' : ''}`
}

/** A cell as text: exact, never rounded. */
export const cellText = (value: QueryResult['rows'][number][number]): string =>
  value === null ? '' : String(value)

/** What was read, for the appendix: a line a file. */
export const coverageLines = ({ coverage = [] }: Report): readonly string[] =>
  coverage.map(({ file, rows, from, to, used }) => {
    const span = from === undefined || to === undefined ? '' : `, ${from} to ${to}`
    return `${file}: ${rows} rows${span}${used ? '' : ' (not used)'}`
  })
