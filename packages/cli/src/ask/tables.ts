import type { Cell } from '@holdfast/protocol'
import { formatCell } from './figures.ts'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const wide =
  /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u

/** Terminal columns a text takes: a grapheme takes one, a CJK character or an emoji two. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/**
 * Text of users and models, made harmless for a terminal: an escape sequence in a column name could otherwise
 * move the cursor, rename the window or hide what is printed.
 */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�')
}

const numeric = /^[-+]?[\d,]*\.?\d+(e[-+]?\d+)?%?$/i

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? space + text : text + space
}

/** Columns side by side, two spaces apart, numbers to the right. The first row is the head. */
export function alignRows(rows: readonly (readonly string[])[]): readonly string[] {
  const [head = [], ...body] = rows
  const widths = head.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))))
  const right = head.map((_, column) => {
    const cells = body.map((row) => row[column] ?? '').filter((cell) => cell !== '' && cell !== '–')
    return cells.length > 0 && cells.every((cell) => numeric.test(cell))
  })
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => pad(row[column] ?? '', width, right[column] === true))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)]
}

/** The first `maxRows` rows of a result, aligned, and how many more there are. */
export function renderTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  maxRows: number,
): readonly string[] {
  const shown = rows.slice(0, maxRows).map((row) => row.map((cell) => oneLine(formatCell(cell))))
  const lines = alignRows([columns.map(oneLine), ...shown])
  const more = rows.length - shown.length
  return more > 0 ? [...lines, `… and ${more} more ${more === 1 ? 'row' : 'rows'}`] : lines
}

const maxCellLength = 60
const oneLine = (text: string): string => {
  const flat = printable(text.replaceAll(/\s+/g, ' '))
  return flat.length > maxCellLength ? `${flat.slice(0, maxCellLength - 1)}…` : flat
}

const isTableLine = (line: string): boolean => /^\s*\|.*\|\s*$/.test(line)
const isRule = (cells: readonly string[]): boolean => cells.every((cell) => /^:?-+:?$/.test(cell))
const cellsOf = (line: string): readonly string[] =>
  line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

/** Markdown with its pipe tables set in columns; everything else stays as it is. */
export function alignTables(markdown: string): string {
  const lines: string[] = []
  let table: (readonly string[])[] = []
  const flush = (): void => {
    if (table.length > 0) lines.push(...alignRows(table))
    table = []
  }
  for (const line of markdown.split('\n')) {
    if (isTableLine(line)) {
      const cells = cellsOf(line)
      if (!isRule(cells)) table.push(cells)
    } else {
      flush()
      lines.push(line)
    }
  }
  flush()
  return lines.join('\n')
}
