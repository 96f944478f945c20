import type { Cell } from '@holdfast/protocol'
import type { ChartAxis, ChartPlan } from './chart-plan.ts'

/** Bounds of one chart; the table beside it has everything. */
export const chartLimits = {
  /** Names on an axis. 24, so that the hours of a day fit. */
  categories: 24,
  /** Colours and dashes a reader can still tell apart, in grey too. */
  colors: 8,
  /** Marks of one chart. */
  rows: 5_000,
} as const

export interface ChartTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** Rows to draw: one of these values in this field, or above zero on a log scale. */
export type ChartFilter =
  | { readonly filter: { readonly field: string; readonly oneOf: readonly Cell[] } }
  | { readonly filter: { readonly field: string; readonly gt: 0 } }

/** The part of Vega-Lite that charts here are made of. A type, so that it is a plain JSON record too. */
export type ChartSpec = {
  readonly $schema: string
  readonly title: { readonly text: string; readonly subtitle?: string; readonly anchor: 'start' }
  readonly description: string
  readonly data: { readonly name: 'rows' }
  readonly width: number | { readonly step: number }
  readonly height: number | { readonly step: number }
  readonly transform: readonly ChartFilter[]
  readonly mark: Readonly<Record<string, unknown>> & { readonly type: ChartPlan['mark'] }
  readonly encoding: Readonly<Record<string, Channel>>
  readonly config: Readonly<Record<string, unknown>>
}

export type Channel = Readonly<Record<string, unknown>> & {
  readonly field: string
  /** A second end (y2) has that of the first. */
  readonly type?: ChartAxis['type']
}

const wide = 640
const high = 280

// Neighbours differ in lightness, so that they stay apart when printed in grey.
const palette = ['#08306b', '#e6842a', '#9ecae1', '#6a3d9a', '#b2df8a', '#1f9e89', '#fdbf6f', '#636363']

/**
 * A plan as Vega-Lite, without data: the rows of its query go under the name `rows`. With the table at hand the number
 * of names, colours and marks is bounded, and the subtitle says what is not drawn.
 *
 * @throws {Error} the plan names a column the table does not have, or a `rect` has no shade: a bug of whoever planned
 */
export function vegaLiteSpec(plan: ChartPlan, title: string, table?: ChartTable): ChartSpec {
  requireFit(plan, table)
  const laid = table !== undefined && lyingBars(plan, table) ? { ...plan, x: plan.y, y: plan.x } : plan
  const cuts = table === undefined ? [] : cutsOf(laid, table)
  const notes = [...cuts.map((cut) => cut.note), ...rowNote(table)]
  const mark = markOf(laid, table)
  const description = describeChart(laid, title)
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, anchor: 'start', ...(notes.length === 0 ? {} : { subtitle: notes.join('; ') }) },
    description,
    data: { name: 'rows' },
    ...sizeOf(laid, table),
    transform: [...cuts.map(({ filter }) => ({ filter })), ...logFilters(laid)],
    mark,
    encoding: encodingOf(laid, mark.type, table),
    config: {
      background: '#ffffff',
      padding: 8,
      font: 'sans-serif',
      title: { fontSize: 14, subtitleFontSize: 11, subtitleColor: '#595959', offset: 12 },
      axis: { labelFontSize: 11, titleFontSize: 11, labelLimit: 220, gridColor: '#e6e6e6', titlePadding: 8 },
      legend: { labelFontSize: 11, titleFontSize: 11, labelLimit: 180 },
      view: { stroke: null },
    },
  }
}

function requireFit(plan: ChartPlan, table: ChartTable | undefined): void {
  if (plan.mark === 'rect' && plan.color === undefined)
    throw new Error('A rect chart needs a colour column for its shade')
  const columns = [...axesOf(plan).map(({ column }) => column), ...(plan.y2 === undefined ? [] : [plan.y2])]
  for (const column of columns) {
    if (table !== undefined && !table.columns.includes(column))
      throw new Error(`The chart names column ${column}, and the query gives ${table.columns.join(', ')}`)
  }
}

function axesOf(plan: ChartPlan): readonly ChartAxis[] {
  return [plan.x, plan.y, ...(plan.color === undefined ? [] : [plan.color])]
}

/** Long or many names under laid bars would stand on their heads: such bars lie down. */
function lyingBars(plan: ChartPlan, table: ChartTable): boolean {
  if (plan.mark !== 'bar' || plan.x.type !== 'nominal' || plan.y.type !== 'quantitative') return false
  return distinct(table, plan.x.column).length * nameStep(plan.x, table) > wide
}

/** Pixels a name under the axis needs. */
function nameStep(axis: ChartAxis, table: ChartTable | undefined): number {
  const longest =
    table === undefined ? 0 : Math.max(0, ...distinct(table, axis.column).map((name) => String(name).length))
  return Math.min(160, Math.max(44, Math.ceil(longest * 6.6) + 10))
}

interface Cut {
  readonly filter: { readonly field: string; readonly oneOf: readonly Cell[] }
  readonly note: string
}

function cutsOf(plan: ChartPlan, table: ChartTable): readonly Cut[] {
  const measure = axesOf(plan).find((axis) => axis.type === 'quantitative')?.column
  return axesOf(plan).flatMap((axis) => {
    if (axis.type !== 'nominal') return []
    const limit = axis === plan.color ? chartLimits.colors : chartLimits.categories
    const names = distinct(table, axis.column)
    if (names.length <= limit) return []
    const kept = largest(table, axis.column, measure, limit)
    // Never added up to an "other": means and percentiles do not add.
    const note = `the ${limit} largest of ${names.length} by ${axis.title}; other (${names.length - limit}): see the table`
    return [{ filter: { field: fieldPath(axis.column), oneOf: kept }, note }]
  })
}

function largest(
  table: ChartTable,
  column: string,
  measure: string | undefined,
  limit: number,
): readonly Cell[] {
  const at = table.columns.indexOf(column)
  const by = measure === undefined ? -1 : table.columns.indexOf(measure)
  const sums = new Map<Cell, number>()
  for (const row of table.rows) {
    const cell = row[at] ?? null
    const value = by === -1 ? 1 : Number(row[by] ?? 0)
    sums.set(cell, (sums.get(cell) ?? 0) + (Number.isFinite(value) ? Math.abs(value) : 0))
  }
  const kept = [...sums].sort((one, other) => other[1] - one[1]).slice(0, limit)
  return kept.map(([cell]) => cell)
}

function distinct(table: ChartTable, column: string): readonly Cell[] {
  const at = table.columns.indexOf(column)
  return [...new Set(table.rows.map((row) => row[at] ?? null))]
}

function rowNote(table: ChartTable | undefined): readonly string[] {
  if (table === undefined || table.rows.length <= chartLimits.rows) return []
  const [drawn, all] = [chartLimits.rows, table.rows.length].map((count) => count.toLocaleString('en-US'))
  return [`the first ${drawn} of ${all} rows`]
}

function markOf(plan: ChartPlan, table: ChartTable | undefined): ChartSpec['mark'] {
  const count = table === undefined ? 0 : distinct(table, plan.x.column).length
  const log = [plan.x, plan.y].some((axis) => axis.scale === 'log')
  switch (plan.mark) {
    case 'bar':
      // A bar's length says "this much more than nothing", which a log scale does not have.
      if (log) return { type: 'point', filled: true, size: 60, color: palette[0] }
      return {
        type: 'bar',
        color: palette[0],
        ...(plan.x.type === 'nominal' || plan.y.type === 'nominal' || count === 0
          ? {}
          : { width: Math.max(1, Math.floor((wide / count) * 0.8)) }),
      }
    case 'line':
      return { type: 'line', color: palette[0], strokeWidth: 1.8, point: count > 0 && count <= 31 }
    case 'area':
      return {
        type: 'area',
        color: palette[0],
        line: plan.color === undefined ? { color: palette[0], strokeWidth: 1.2 } : false,
        fillOpacity: plan.color === undefined ? 0.35 : 0.9,
      }
    case 'point':
      return { type: 'point', color: palette[0], filled: true, size: 36, opacity: 0.7 }
    case 'rect':
      return { type: 'rect' }
    default:
      throw new Error(`unknown mark ${plan.mark satisfies never}`)
  }
}

function sizeOf(plan: ChartPlan, table: ChartTable | undefined): Pick<ChartSpec, 'width' | 'height'> {
  return {
    width: plan.x.type === 'nominal' ? { step: nameStep(plan.x, table) } : wide,
    height: plan.y.type === 'nominal' ? { step: 24 } : high,
  }
}

function encodingOf(
  plan: ChartPlan,
  mark: ChartPlan['mark'],
  table: ChartTable | undefined,
): ChartSpec['encoding'] {
  const { color } = plan
  return {
    x: positionChannel(plan.x, plan.mark, table, plan.y2 !== undefined),
    y: positionChannel(plan.y, plan.mark, table, plan.y2 !== undefined),
    // Laid bars have their measure across.
    ...(plan.y2 === undefined
      ? {}
      : { [plan.y.type === 'quantitative' ? 'y2' : 'x2']: { field: fieldPath(plan.y2) } }),
    ...(color === undefined ? {} : { color: colorChannel(color, table) }),
    // Dashes tell lines apart where colours do not.
    ...(color?.type === 'nominal' && mark === 'line' ? { strokeDash: colorless(color) } : {}),
    ...(color?.type === 'nominal' && mark === 'point' ? { shape: colorless(color) } : {}),
  }
}

const named = "datum.value === null ? '(empty)' : datum.label"

// A 24-hour clock and the day before the month; Vega takes the coarsest unit that tells a tick.
const timeFormats = {
  seconds: '%H:%M:%S',
  minutes: '%H:%M',
  hours: '%H:%M',
  date: '%-d %b',
  week: '%-d %b',
  month: '%b %Y',
  quarter: '%b %Y',
  year: '%Y',
} as const

/** @param stepped bars are steps of a waterfall: they stand on each other and not on nothing */
function positionChannel(
  axis: ChartAxis,
  mark: ChartPlan['mark'],
  table: ChartTable | undefined,
  stepped: boolean,
): Channel {
  const shared = { field: fieldPath(axis.column), type: axis.type, title: axis.title }
  switch (axis.type) {
    case 'nominal':
      // The query's own order, by value mostly; the two axes of a heat map cannot both have it.
      return {
        ...shared,
        sort: mark === 'rect' ? 'ascending' : null,
        axis: { labelExpr: named, labelAngle: 0, labelOverlap: false, labelLimit: 180 },
      }
    case 'temporal':
      return {
        ...shared,
        scale: { type: 'utc' },
        axis: { labelOverlap: true, tickCount: 8, format: timeFormats },
      }
    case 'quantitative':
      return {
        ...shared,
        scale: axis.scale === 'log' ? { type: 'log' } : { zero: !stepped },
        axis: { format: numberFormat(axis, table), tickCount: 6, labelOverlap: true },
      }
    default:
      throw new Error(`unknown axis ${axis.type satisfies never}`)
  }
}

function colorChannel(axis: ChartAxis, table: ChartTable | undefined): Channel {
  const shared = { field: fieldPath(axis.column), type: axis.type, title: axis.title }
  if (axis.type === 'nominal')
    return {
      ...shared,
      sort: null,
      scale: { range: palette },
      legend: { labelExpr: named, orient: 'bottom', columns: 4 },
    }
  return { ...shared, scale: { scheme: 'blues' }, legend: { format: numberFormat(axis, table) } }
}

function colorless(axis: ChartAxis): Channel {
  return { field: fieldPath(axis.column), type: axis.type, title: axis.title, sort: null }
}

/** 12,500 in full; from a million on 12.5M. */
function numberFormat(axis: ChartAxis, table: ChartTable | undefined): string {
  const at = table?.columns.indexOf(axis.column) ?? -1
  const most = table?.rows.reduce((max, row) => Math.max(max, Math.abs(Number(row[at] ?? 0)) || 0), 0) ?? 0
  return most >= 1_000_000 ? '~s' : ',~r'
}

function logFilters(plan: ChartPlan): readonly ChartFilter[] {
  return [plan.x, plan.y]
    .filter((axis) => axis.scale === 'log')
    .map((axis) => ({ filter: { field: fieldPath(axis.column), gt: 0 as const } }))
}

/** Vega reads `a.b` and `a[0]` as paths into objects; here every name is the name of a column. */
export function fieldPath(column: string): string {
  return column.replaceAll(/[\\.[\]'"]/gu, String.raw`\$&`)
}

/** The column a field path names. */
export function columnOfPath(path: string): string {
  return path.replaceAll(/\\(.)/gu, '$1')
}

const markNames = {
  bar: 'Bar chart',
  line: 'Line chart',
  area: 'Area chart',
  point: 'Scatter plot',
  rect: 'Heat map',
} as const

function describeChart(plan: ChartPlan, title: string): string {
  const color =
    plan.color === undefined ? '' : `, ${plan.mark === 'rect' ? 'shade' : 'colour'}: ${plan.color.title}`
  const zone = [plan.x, plan.y].some((axis) => axis.type === 'temporal') ? ' Times are in UTC.' : ''
  return `${markNames[plan.mark]}: ${title}. Across: ${plan.x.title}, up: ${plan.y.title}${color}.${zone}`
}
