import type { FileProfile } from '../../../../workspace/file-profile.ts'
import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { ChartAxis, ChartPlan } from '../../charts/chart-plan.ts'
import type { Findings } from '../../playbook.ts'
import { describe, type Group, groupLabel, type SimpleReading } from '../../questions/reading.ts'
import { type ReadingColumns, readingColumns } from '../../questions/reading-sql.ts'
import { type Cells, readCells } from '../cells.ts'

/** Groups named in the text; the table has them all. */
const namedGroups = 5

/** What a simple question comes to: the figure, or the first groups, each with the cell it stands in (D3). */
export function simpleFindings(
  reading: SimpleReading,
  result: SqlResult,
  profile: FileProfile,
  severalFiles = false,
): Findings {
  const cells = readCells(new Map([[result.id, result]]))
  const names = readingColumns(reading)
  const answer =
    result.rows.length === 0
      ? nothing(reading)
      : reading.groups.length === 0
        ? oneFigure(reading, result, names, cells)
        : groupFigures(reading, result, names, cells)
  return {
    figures: cells.figures,
    paragraphs: [`${describe(reading, severalFiles)}.`, answer],
    caveats: caveatsOf(reading, result, names, profile),
  }
}

function nothing({ fileName }: SimpleReading): string {
  return `No row of ${fileName} fits this question.`
}

function oneFigure(reading: SimpleReading, result: SqlResult, names: ReadingColumns, cells: Cells): string {
  const value = cells.cite({
    id: 'answer',
    label: names.value,
    query: result.id,
    column: names.value,
    unit: valueUnit(reading),
  })
  if (value === null) return nothing(reading)
  if (names.rows === names.value) return `The answer is ${value}.`
  const rows = cells.cite({
    id: 'answer_rows',
    label: 'Rows behind it',
    query: result.id,
    column: names.rows,
    unit: 'rows',
  })
  return `The answer is ${value}, from ${rows ?? 'no rows'}.`
}

function groupFigures(
  reading: SimpleReading,
  result: SqlResult,
  names: ReadingColumns,
  cells: Cells,
): string {
  const byTime = reading.groups.some((group) => group.kind !== 'term')
  // Along time the first rows say little; the extremes do.
  const rows = byTime && result.rows.length > 2 ? extremes(result, names) : firstRows(result)
  const parts = rows.map(({ row, role }) => {
    const place = `group_${row + 1}`
    const name = names.groups
      .map((column, index) =>
        cells.cite({
          id: `${place}_${index + 1}`,
          label: `${groupLabelAt(reading, index)}, row ${row + 1}`,
          query: result.id,
          column,
          unit: '',
          row,
        }),
      )
      .map((citation) => citation ?? '(empty)')
      .join(', ')
    const value = cells.cite({
      id: place,
      label: `${names.value}, row ${row + 1}`,
      query: result.id,
      column: names.value,
      unit: valueUnit(reading),
      row,
    })
    return `- ${role}${name}: ${value ?? 'no value'}`
  })
  const more = result.rows.length - rows.length
  const tail = more > 0 ? `\n\n${more.toLocaleString('en-US')} more in the table.` : ''
  return `${parts.join('\n')}${tail}`
}

function groupLabelAt(reading: SimpleReading, index: number): string {
  const group = reading.groups[index]
  return group === undefined ? '' : groupLabel(group)
}

type NamedRow = { readonly row: number; readonly role: string }

function firstRows(result: SqlResult): readonly NamedRow[] {
  return result.rows.slice(0, namedGroups).map((_, row) => ({ row, role: '' }))
}

function extremes(result: SqlResult, names: ReadingColumns): readonly NamedRow[] {
  const at = result.columns.indexOf(names.value)
  const values = result.rows.flatMap((row, index) => {
    const value = row[at]
    return typeof value === 'number' ? [{ index, value }] : []
  })
  const [first] = values
  if (first === undefined) return firstRows(result)
  const highest = values.reduce((best, each) => (each.value > best.value ? each : best), first)
  const lowest = values.reduce((best, each) => (each.value < best.value ? each : best), first)
  if (highest.value === lowest.value) return firstRows(result)
  return [
    { row: highest.index, role: 'highest, ' },
    { row: lowest.index, role: 'lowest, ' },
  ]
}

function valueUnit(reading: SimpleReading): string {
  switch (reading.aggregate.kind) {
    case 'count':
      return 'rows'
    case 'distinct':
      return ''
    case 'share':
    case 'rate':
      return 'share'
    case 'of_totals':
      return reading.measure === null ? 'rows' : reading.measure.unit
    case 'sum':
    case 'mean':
    case 'min':
    case 'max':
    case 'median':
    case 'quantile':
      return reading.measure?.unit ?? ''
    default:
      throw new Error(`unknown aggregate ${JSON.stringify(reading.aggregate satisfies never)}`)
  }
}

function caveatsOf(
  reading: SimpleReading,
  result: SqlResult,
  names: ReadingColumns,
  profile: FileProfile,
): readonly string[] {
  const leftOut = names.leftOut === null ? 0 : sumOf(result, names.leftOut)
  const measure = reading.measure
  const { aggregate } = reading
  const groups = [...reading.groups, ...(aggregate.kind === 'of_totals' ? [aggregate.over] : [])]
  const timely = reading.window !== null || groups.some((group) => group.kind !== 'term')
  return [
    ...reading.assumed.map((assumed) => `${assumed[0]?.toUpperCase() ?? ''}${assumed.slice(1)}.`),
    ...(leftOut > 0 && measure !== null
      ? [
          `${leftOut.toLocaleString('en-US')} row${leftOut === 1 ? '' : 's'} of the groups shown ${leftOut === 1 ? 'is' : 'are'} left out: ${measure.label} is missing or does not read as ${measure.kind === 'number' ? 'a number' : 'a value'} there.`,
        ]
      : []),
    ...(leftOut > 0 && measure === null && aggregate.kind === 'of_totals'
      ? [
          `${leftOut.toLocaleString('en-US')} row${leftOut === 1 ? ' has' : 's have'} no ${groupLabel(aggregate.over)} and ${leftOut === 1 ? 'is' : 'are'} left out.`,
        ]
      : []),
    ...(measure !== null && measure.unit === '' && measure.kind === 'number'
      ? [`The unit of ${measure.label} is not known; the figure is as the file has it.`]
      : []),
    ...unreadFilters(reading, profile),
    ...(timely ? ['Times are taken as UTC.'] : []),
    ...(result.truncated
      ? ['There are more groups than were kept; narrow the question to see the rest.']
      : []),
    ...profile.problems,
  ]
}

/** A row whose value does not read as a number fits no comparison: that is said, not hidden. */
function unreadFilters(reading: SimpleReading, profile: FileProfile): readonly string[] {
  return reading.filters.flatMap((filter) => {
    if (filter.kind !== 'compare') return []
    const column = profile.columns.find((each) => each.name === filter.term.columns[0])
    const parsed = column?.parses[0]?.count ?? column?.filled ?? 0
    const empty = column === undefined ? 0 : profile.rows - Math.min(column.filled, parsed)
    return empty > 0
      ? [
          `${empty.toLocaleString('en-US')} rows have no readable ${filter.term.label} and fit no comparison with it.`,
        ]
      : []
  })
}

function sumOf(result: SqlResult, column: string): number {
  const at = result.columns.indexOf(column)
  return result.rows.reduce((sum, row) => sum + (typeof row[at] === 'number' ? row[at] : 0), 0)
}

/** A chart where there is something to compare; null for a single figure or a single group. */
export function simpleChart(reading: SimpleReading, result: SqlResult): ChartPlan | null {
  const [first, second, third] = reading.groups
  // Single rows are shown by what tells them apart, which is no axis.
  if (first === undefined || third !== undefined || result.rows.length < 2) return null
  const names = readingColumns(reading)
  const value: ChartAxis = {
    column: names.value,
    type: 'quantitative',
    title: valueTitle(reading, names.value),
  }
  const axis = (group: Group, index: number): ChartAxis => ({
    column: names.groups[index] ?? '',
    type: group.kind === 'time' ? 'temporal' : 'nominal',
    title: `${groupLabel(group)}${group.kind === 'term' ? '' : ' (UTC)'}`,
  })
  if (second === undefined) {
    const x = axis(first, 0)
    return { mark: first.kind === 'time' ? 'line' : 'bar', x, y: value }
  }
  const [one, other] = [axis(first, 0), axis(second, 1)]
  if (first.kind === 'time' && second.kind !== 'time') return { mark: 'line', x: one, y: value, color: other }
  if (second.kind === 'time' && first.kind !== 'time') return { mark: 'line', x: other, y: value, color: one }
  if (first.kind === 'time') return null
  // Only what adds up may be stacked.
  const adds = ['count', 'sum'].includes(reading.aggregate.kind)
  return adds
    ? { mark: 'bar', x: one, y: value, color: other }
    : { mark: 'rect', x: one, y: other, color: value }
}

function valueTitle(reading: SimpleReading, column: string): string {
  const unit = valueUnit(reading)
  return unit === '' || unit === 'rows' || unit === 'share' ? column : `${column} (${unit})`
}
