import type { Cell, DataRequestItem, QueryResult, Report } from '@holdfast/protocol'

/**
 * RFC 4180. A text that a spreadsheet would take for a formula gets a quote in front: what stands in a cell came out of
 * somebody's file.
 */
function csvCell(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return ''
  const text = typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csvOf({ columns, rows }: Pick<QueryResult, 'columns' | 'rows'>): string {
  return [columns, ...rows]
    .map((row) => row.map(csvCell).join(','))
    .join('\r\n')
    .concat('\r\n')
}

/** A file to be filled in: the fields as its header, a sample of each below. */
export function templateOf(items: readonly DataRequestItem[]): string {
  return csvOf({ columns: items.map(({ field }) => field), rows: [items.map(({ sample }) => sample)] })
}

/** A report as one Markdown document: its text with numbered citations, the cells behind them, and the SQL. */
export function markdownOf(report: Report): string {
  const numbers = new Map(report.figures.map(({ id }, index) => [id, index + 1]))
  const text = report.text.replaceAll(
    /\s?\[fig:([^\]]+)\]/g,
    (_, id: string) => ` [${numbers.get(id) ?? id}]`,
  )
  const figures = report.figures.map(
    ({ label, value, unit, query, row, column }, index) =>
      `${index + 1}. ${label}: ${value ?? '–'}${unit === '' ? '' : ` ${unit}`} (${query}, row ${row + 1}, ${column})`,
  )
  const queries = report.queries.map(
    ({ title, id, sql, verified }) =>
      `### ${title}\n\n${id}, ${verified ? 'a verified playbook query' : 'ad-hoc SQL, unverified'}\n\n\`\`\`sql\n${sql}\n\`\`\``,
  )
  return [
    `# ${report.title}`,
    text,
    ...(report.caveats.length === 0
      ? []
      : ['## Caveats', report.caveats.map((each) => `- ${each}`).join('\n')]),
    ...(figures.length === 0 ? [] : ['## Figures', figures.join('\n')]),
    ...(queries.length === 0 ? [] : ['## Queries', ...queries]),
  ]
    .join('\n\n')
    .concat('\n')
}

/** A name that every file system takes. */
export const fileName = (title: string, ending: string): string =>
  `${
    title
      .replaceAll(/[^\p{L}\p{N}_-]+/gu, ' ')
      .trim()
      .slice(0, 80) || 'holdfast'
  }.${ending}`
