import type { QueryResult } from '@holdfast/protocol'
import {
  cellOf,
  cellText,
  coverageLines,
  exportLimits,
  labelOf,
  numbered,
  type ReportExport,
  rowsOf,
} from './export-report.ts'

/** A report as one Markdown file, with an appendix that shows the work. Charts are named; HTML draws them. */
export function reportMarkdown({ report, createdAt }: ReportExport): string {
  const figures = numbered(report)
  const text = report.text.replaceAll(/ ?\[fig:([^\]]+)\]/g, (_, id: string) => {
    const found = figures.get(id)
    return found === undefined ? '' : `[^${found.number}]`
  })
  const notes = [...figures.values()].map(
    ({ number, figure }) => `[^${number}]: ${oneLine(figure.label)}: ${oneLine(cellOf(figure))}`,
  )
  const blocks = [
    `# ${oneLine(report.title)}`,
    report.question === undefined ? '' : `> ${oneLine(report.question)}`,
    report.outcome === 'partial' ? '*A partial answer: see what was not looked at.*' : '',
    withoutMarkup(text),
    ...list('Keep in mind', report.caveats),
    '## Show your work',
    `Made ${createdAt}, by playbook ${code(report.playbook)}. Each figure is one cell of one query below.`,
    ...list('Data', coverageLines(report), '###'),
    ...list('Not looked at', report.notLookedAt ?? [], '###'),
    '### Queries',
    ...report.queries.map(queryBlock),
    report.charts.length === 0
      ? ''
      : `Charts: ${report.charts.map(({ title, query }) => `${oneLine(title)} (${code(query)})`).join(', ')}.`,
    notes.join('\n'),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function list(title: string, lines: readonly string[], level = '##'): readonly string[] {
  return lines.length === 0 ? [] : [`${level} ${title}`, lines.map((line) => `- ${oneLine(line)}`).join('\n')]
}

function queryBlock(query: QueryResult): string {
  const head = `#### ${oneLine(query.title)}\n\n${code(query.id)}, ${labelOf(query)}, ${rowsOf(query)}.`
  return [head, fence(query.sql.trim()), table(query)].join('\n\n')
}

/** Longer than any run of backquotes within: nothing breaks out of it. */
function fence(sql: string): string {
  const longest = Math.max(2, ...[...sql.matchAll(/`+/g)].map(([run]) => run.length))
  const bar = '`'.repeat(longest + 1)
  return `${bar}sql\n${sql}\n${bar}`
}

const code = (text: string): string => `\`${text.replaceAll(/[`\s]+/g, ' ')}\``

function table({ columns, rows }: QueryResult): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(tableCell).join(' | ')} |`
  return [
    line(columns),
    `|${columns.map(() => '---').join('|')}|`,
    ...rows.slice(0, exportLimits.rows).map((row) => line(row.map(cellText))),
  ].join('\n')
}

/** Text of a stranger's file: no markup, no links, no cells of its own. */
const tableCell = (text: string): string => oneLine(text).replaceAll(/[*_|~]/g, '\\$&')

/** What Markdown lets through as HTML, and pictures and links, which would be fetched by whoever only looks. */
function withoutMarkup(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('<', '&lt;')
    .replaceAll(/\[(?!\^\d+\])/g, '\\[')
}

/** A line of plain text. */
const oneLine = (text: string): string =>
  withoutMarkup(text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim()).replaceAll('`', '\\`')
