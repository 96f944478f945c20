import type { DataRequestItem, QueryResult, Report } from '@holdfast/protocol'
import { formatFigure, renderStrong, withoutCitations } from './figures.ts'
import type { AskResult } from './result.ts'
import { alignTables, printable, renderTable } from './tables.ts'

export interface RenderOptions {
  readonly question: string
  readonly withSql: boolean
  /** Of the command that goes on in the same thread: the flags that choose the server and the directory. */
  readonly flags: readonly string[]
  /** For what the report makes strong: bold on a terminal, the words as they are elsewhere. */
  readonly bold: (words: string) => string
}

/** Rows of a result that are printed, and more of them beside its SQL; `--json` has all. */
const maxRows = { glance: 10, withSql: 50 } as const

/** As a shell reads it back: bare where that is safe, in single quotes otherwise. */
export function shellQuote(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

const renderText = (markdown: string, bold: RenderOptions['bold']): string =>
  renderStrong(alignTables(printable(markdown)), bold).trim()

const joinBlocks = (blocks: readonly string[]): string =>
  `${blocks.filter((block) => block !== '').join('\n\n')}\n`

const heading = (text: string): string => `${text}\n${'='.repeat(Math.min(text.length, 80))}`

/** One row of many columns reads better as a list than as a line that a terminal wraps. */
const maxColumnsAcross = 4

function renderRows({ columns, rows, truncated }: QueryResult, most: number): readonly string[] {
  const [first] = rows
  if (first === undefined) return ['(no rows)']
  const lines =
    rows.length === 1 && columns.length > maxColumnsAcross
      ? renderTable(
          ['column', 'value'],
          columns.map((column, index) => [column, first[index] ?? null]),
          columns.length,
        )
      : renderTable(columns, rows, most)
  return truncated ? [...lines, '(more rows existed than were kept)'] : lines
}

function renderQuery(query: QueryResult, withSql: boolean): string {
  const label = query.verified ? 'verified playbook' : 'ad-hoc SQL, unverified'
  const sql = query.sql
    .trim()
    .split('\n')
    .map((line) => `    ${printable(line)}`)
  const title = `${printable(query.title)}  [${query.id}, ${label}]`
  return [
    title,
    '',
    ...(withSql ? [...sql, ''] : []),
    ...renderRows(query, withSql ? maxRows.withSql : maxRows.glance),
  ].join('\n')
}

/** The answer of a report: title, text, each figure with the query it comes from, tables, caveats. */
export function renderReport(
  report: Report,
  { withSql, bold }: Pick<RenderOptions, 'withSql' | 'bold'>,
): string {
  const origins = report.figures.map(
    (figure) => `  ${printable(figure.label)}: ${printable(formatFigure(figure))}  [${figure.query}]`,
  )
  const figures = withSql
    ? ['Figures, and the query each comes from', ...origins]
    : [`Each of ${origins.length} figures is a cell of a query: --sql lists them, and shows the queries.`]
  // The cells of a single row are figures that the text has told already.
  const shown = report.queries.filter(({ rows }) => withSql || rows.length !== 1)
  const caveats = report.caveats.map((caveat) => `  - ${printable(caveat)}`)
  return joinBlocks([
    heading(printable(report.title)),
    renderText(withoutCitations(report.text, report.figures), bold),
    origins.length === 0 ? '' : figures.join('\n'),
    ...shown.map((query) => renderQuery(query, withSql)),
    caveats.length === 0 ? '' : ['Keep in mind', ...caveats].join('\n'),
  ])
}

function renderItem(item: DataRequestItem): string {
  const howTo = item.howTo.map(({ provider, steps }) => `      ${printable(provider)}: ${printable(steps)}`)
  return [
    `  [ ] ${printable(item.field)}`,
    `      why      ${printable(item.why)}`,
    `      format   ${printable(item.format)}`,
    `      sample   ${printable(item.sample)}`,
    `      unlocks  ${printable(item.unlocks)}`,
    ...(howTo.length === 0 ? [] : ['      how to export it', ...howTo.map((line) => `  ${line}`)]),
  ].join('\n')
}

/** What is missing as a checklist, the open question with its choices, and the command that continues. */
function renderRequest(
  request: NonNullable<AskResult['request']>,
  question: string,
  threadId: string,
  flags: readonly string[],
): string {
  const command = (words: readonly string[]): string =>
    `  npx holdfast ask ${[...words, '--thread', threadId, ...flags].map(shellQuote).join(' ')}`
  const blocks: string[] = []
  if (request.approval !== null)
    blocks.push(
      `To be run: ${printable(request.approval.tool)}\n${printable(JSON.stringify(request.approval.input, null, 2)).replaceAll(/^/gm, '  ')}`,
    )
  if (request.items.length > 0)
    blocks.push(
      `Needed (${request.sufficiency}):`,
      ...request.items.map(renderItem),
      ...(request.template === null
        ? []
        : [
            `A file like this would do:\n${request.template.map((line) => `  ${printable(line)}`).join('\n')}`,
          ]),
      `With the file, continue in the same thread:\n${command([question])} --data FILE`,
    )
  if (request.question !== null) {
    const [first] = request.question.choices
    const choices = request.question.choices.map(({ value, label }) =>
      value === label
        ? `  ${shellQuote(printable(value))}`
        : `  ${shellQuote(printable(value))}  ${printable(label)}`,
    )
    blocks.push(
      `One question: ${printable(request.question.text)}\n${choices.join('\n')}`,
      `Answer in the same thread, for example:\n${command([first?.value ?? ''])}`,
    )
  }
  return joinBlocks(blocks)
}

/** Everything that goes to standard output for a person. */
export function renderResult(result: AskResult, report: Report | null, options: RenderOptions): string {
  const blocks: string[] = []
  if (report !== null) blocks.push(renderReport(report, options))
  else if (result.answer !== null) blocks.push(`${renderText(result.answer.text, options.bold)}\n`)
  if (result.request !== null && result.threadId !== null)
    blocks.push(renderRequest(result.request, options.question, result.threadId, options.flags))
  return blocks.join('\n')
}
