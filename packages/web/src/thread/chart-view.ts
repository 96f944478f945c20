/** Loaded when the first chart comes near the screen: Vega is larger than the rest of the page. */
import type { Chart, QueryResult } from '@holdfast/protocol'
import { parse, View } from 'vega'
import { expressionInterpreter } from 'vega-interpreter'
import { compile, type TopLevelSpec } from 'vega-lite'

export interface ChartColours {
  readonly text: string
  readonly soft: string
  readonly line: string
  readonly surface: string
}

type Spec = Record<string, unknown>

/** No chart fetches anything. */
const refuse = async (address: string): Promise<never> => {
  throw new Error(`A chart asked for ${address}; charts load nothing`)
}
const refusingLoader = { load: refuse, sanitize: refuse, http: refuse, file: refuse }

/** As the server draws: the reader's theme has others in their place. */
const drawn = ['#08306b', '#e6842a', '#9ecae1', '#6a3d9a', '#b2df8a', '#1f9e89', '#fdbf6f', '#636363']

/** Neighbours differ in lightness, so that they stay apart when printed in grey. */
const palettes = {
  light: ['#0b5c6b', '#e6842a', '#8cc5d6', '#6a3d9a', '#a7d37f', '#1f9e89', '#f2b25c', '#636363'],
  dark: ['#6fc6d6', '#f0a35e', '#3f8fa3', '#b79be0', '#b2df8a', '#3dbfa8', '#fdd08a', '#a8adb3'],
} as const

function recoloured(value: unknown, palette: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((inner) => recoloured(inner, palette))
  if (typeof value === 'string') return palette[drawn.indexOf(value)] ?? value
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recoloured(inner, palette)]))
}

/**
 * Names of columns go into expressions of Vega; they are renamed c0, c1, … so that no text of a user's file gets there.
 */
function alias(spec: Spec, columns: readonly string[]): Spec {
  const names = new Map(columns.map((column, at) => [escapedField(column), `c${at}`]))
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === 'field' && typeof inner === 'string'
          ? (names.get(inner) ?? names.get(escapedField(inner)) ?? inner)
          : walk(inner),
      ]),
    )
  }
  return walk(spec) as Spec
}

/** As Vega-Lite writes a field whose name holds dots or brackets. */
const escapedField = (column: string): string => column.replaceAll(/[.[\]\\"']/g, '\\$&')

/** Names under the axis that would run into each other lean. */
function leaning(
  encoding: unknown,
  rows: readonly Readonly<Record<string, unknown>>[],
  widthPx: number,
): unknown {
  const { x } = (encoding ?? {}) as { readonly x?: Spec }
  if (x === undefined || x['type'] !== 'nominal') return encoding
  const names = [...new Set(rows.map((row) => String(row[String(x['field'])])))]
  const longest = Math.max(0, ...names.map(({ length }) => length))
  if (names.length * (longest * letterPx + 8) < widthPx - axisPx) return encoding
  const axis = { ...((x['axis'] ?? {}) as Spec), labelAngle: -35, labelAlign: 'right', labelLimit: 130 }
  return { ...(encoding as Spec), x: { ...x, axis } }
}

/** Of a label's letter, and of the other axis beside it: rough, to the wide side. */
const letterPx = 6.6
const axisPx = 50

function themed(spec: Spec, colours: ChartColours, dark: boolean, widthPx: number): Spec {
  const {
    config,
    width,
    title: _,
    mark,
    ...rest
  } = recoloured(spec, palettes[dark ? 'dark' : 'light']) as Spec
  const axis = {
    labelColor: colours.soft,
    titleColor: colours.soft,
    gridColor: colours.line,
    domainColor: colours.line,
    tickColor: colours.line,
    titleFontWeight: 'normal',
  }
  const own = (config ?? {}) as Spec
  return {
    ...rest,
    mark: typeof width === 'number' ? narrowed(mark, widthPx / width) : mark,
    width: widthPx,
    autosize: { type: 'fit-x', contains: 'padding' },
    config: {
      ...own,
      background: 'transparent',
      font: 'system-ui, sans-serif',
      padding: 4,
      axis: { ...((own['axis'] ?? {}) as Spec), ...axis },
      legend: { ...((own['legend'] ?? {}) as Spec), labelColor: colours.soft, titleColor: colours.soft },
      view: { stroke: null },
    },
  }
}

/** Bars over time have a width in pixels, made for the width of the server's drawing. */
function narrowed(mark: unknown, share: number): unknown {
  if (typeof mark !== 'object' || mark === null || !('width' in mark) || typeof mark.width !== 'number')
    return mark
  return { ...mark, width: Math.max(1, Math.floor(mark.width * share * 0.9)) }
}

export interface DrawnChart {
  toSvg(): Promise<string>
  /** On the ground of the page: a picture without one is unreadable where it is pasted. */
  toPng(): Promise<Blob>
  finish(): void
}

/** Draws into `box`. With the interpreter nothing is compiled from text, which the page's policy forbids. */
export async function drawChart(
  box: HTMLElement,
  chart: Pick<Chart, 'spec'>,
  { columns, rows }: Pick<QueryResult, 'columns' | 'rows'>,
  {
    colours,
    dark,
    widthPx,
  }: { readonly colours: ChartColours; readonly dark: boolean; readonly widthPx: number },
): Promise<DrawnChart> {
  const values = rows.map((row) => Object.fromEntries(row.map((cell, at) => [`c${at}`, cell])))
  const themedSpec = themed(alias(chart.spec, columns), colours, dark, widthPx)
  const encoding = leaning(themedSpec['encoding'], values, widthPx)
  const spec = { ...themedSpec, encoding, data: { values } }
  const compiled = compile(spec as unknown as TopLevelSpec).spec
  const view = new View(parse(compiled, undefined, { ast: true }), {
    expr: expressionInterpreter,
    renderer: 'svg',
    loader: refusingLoader,
    container: box,
    hover: true,
  })
  await view.runAsync()
  return {
    toSvg: () => view.toSVG(),
    async toPng() {
      const canvas = (await view.background(colours.surface).toCanvas(2)) as unknown as HTMLCanvasElement
      view.background('transparent')
      const { promise, resolve, reject } = Promise.withResolvers<Blob>()
      canvas.toBlob((blob) =>
        blob === null ? reject(new Error('The browser made no picture')) : resolve(blob),
      )
      return promise
    },
    finish: () => void view.finalize(),
  }
}
