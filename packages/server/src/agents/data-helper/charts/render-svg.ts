import type { Cell } from '@holdfast/protocol'
import type { TopLevelSpec } from 'vega-lite'
import { type Channel, type ChartSpec, chartLimits, columnOfPath } from './vega-lite-spec.ts'

/**
 * 0.4 s to load: only a run that draws pays for it, and one that knows it will begins while it waits for its figures.
 */
export const loadRenderer = () => Promise.all([import('vega'), import('vega-lite')])

/**
 * Draws a chart as SVG, without a browser, a canvas or a network.
 *
 * Vega turns expressions into JavaScript, and Vega-Lite puts field names and filter values into expressions. So none
 * of the user's text gets there: filters run here, and columns are renamed c0, c1, … before Vega sees them.
 */
export async function renderSvg(
  spec: ChartSpec,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): Promise<string> {
  const [vega, vegaLite] = await loadRenderer()
  const aliases = new Map(columns.map((column, index) => [column, `c${index}`]))
  const alias = (path: string): string => {
    const name = aliases.get(columnOfPath(path))
    if (name === undefined)
      throw new Error(`The chart draws ${path}, and the query gives ${columns.join(', ')}`)
    return name
  }
  const values = keptRows(spec, columns, rows).map((row) =>
    Object.fromEntries(row.map((cell, index) => [`c${index}`, cell])),
  )
  const encoding = Object.fromEntries(
    Object.entries(spec.encoding).map(([name, channel]): [string, Channel] => [
      name,
      { ...channel, field: alias(channel.field) },
    ]),
  )
  const drawn = { ...spec, transform: [], encoding, data: { values } }
  const quiet = { level: () => quiet, error: fail, warn: () => quiet, info: () => quiet, debug: () => quiet }
  const compiled = vegaLite.compile(drawn as unknown as TopLevelSpec, { logger: quiet as never }).spec
  const view = new vega.View(vega.parse(compiled), {
    renderer: 'none',
    loader: refusingLoader,
    logger: quiet as never,
  })
  try {
    return withTitle(await view.toSVG(), spec)
  } finally {
    view.finalize()
  }
}

function fail(...messages: readonly unknown[]): never {
  throw new Error(`The chart cannot be drawn: ${messages.map(String).join(' ')}`)
}

/** No chart fetches anything: neither data nor images nor links. */
const refusingLoader = {
  load: refuse,
  sanitize: refuse,
  http: refuse,
  file: refuse,
}

async function refuse(address: string): Promise<never> {
  await Promise.resolve()
  throw new Error(`A chart asked for ${address}; charts load nothing`)
}

function keptRows(
  spec: ChartSpec,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): readonly (readonly Cell[])[] {
  const tests = spec.transform.map(({ filter }) => {
    const at = columns.indexOf(columnOfPath(filter.field))
    if (!('oneOf' in filter)) return (row: readonly Cell[]) => Number(row[at] ?? 0) > 0
    const wanted = new Set(filter.oneOf)
    return (row: readonly Cell[]) => wanted.has(row[at] ?? null)
  })
  return rows.filter((row) => tests.every((test) => test(row))).slice(0, chartLimits.rows)
}

/** A name and a description for readers who hear the chart. */
function withTitle(svg: string, spec: ChartSpec): string {
  const subtitle = spec.title.subtitle === undefined ? '' : ` Drawn: ${spec.title.subtitle}.`
  const inner = `<title>${escapeXml(spec.title.text)}</title><desc>${escapeXml(spec.description + subtitle)}</desc>`
  return withoutControls(svg).replace(
    /<svg([^>]*)>/u,
    (_, attributes: string) => `<svg role="img"${attributes}>${inner}`,
  )
}

/** Characters that XML 1.0 cannot hold, not even escaped: one in a cell would leave no chart at all. */
const withoutControls = (text: string): string =>
  text.replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/gu, '')

function escapeXml(text: string): string {
  return withoutControls(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
