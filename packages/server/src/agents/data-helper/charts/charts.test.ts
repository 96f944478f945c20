import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ChartPlan, parseChartPlan } from './chart-plan.ts'
import { renderSvg } from './render-svg.ts'
import { chartLimits, vegaLiteSpec } from './vega-lite-spec.ts'

const bars: ChartPlan = {
  mark: 'bar',
  x: { column: 'tenant', type: 'nominal', title: 'tenant' },
  y: { column: 'cost', type: 'quantitative', title: 'cost (USD)' },
}

type Rows = (string | number | null)[][]

async function draw(plan: ChartPlan, title: string, columns: string[], rows: Rows): Promise<string> {
  return renderSvg(vegaLiteSpec(plan, title, { columns, rows }), columns, rows)
}

const count = (svg: string, pattern: RegExp): number => [...svg.matchAll(pattern)].length
const barMarks = /aria-roledescription="bar"/gu
const texts = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/gu)].map((match) => match[1] ?? '')

describe('charts as SVG', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('draws one bar a row, in the order of the rows', async () => {
    const svg = await draw(
      bars,
      'Cost by tenant',
      ['tenant', 'cost'],
      [
        ['b', 3],
        ['a', 2],
        ['c', 1],
      ],
    )
    expect(count(svg, barMarks)).toBe(3)
    const names = texts(svg).filter((text) => ['a', 'b', 'c'].includes(text))
    expect(names).toEqual(['b', 'a', 'c'])
  })

  it('has a title and a description for readers who hear it, and no script', async () => {
    const svg = await draw(bars, 'Cost by tenant', ['tenant', 'cost'], [['a', 1]])
    expect(svg).toMatch(
      /^<svg role="img"[^>]*><title>Cost by tenant<\/title><desc>Bar chart: Cost by tenant/u,
    )
    expect(svg).toContain('cost (USD)')
    expect(svg).not.toMatch(/<script|<image|<foreignObject|javascript:|\son\w+=/iu)
  })

  it('escapes whatever stands in titles, names of columns and cells', async () => {
    const evil = `<script>alert(1)</script>`
    const plan: ChartPlan = {
      ...bars,
      x: { ...bars.x, column: `a"]; alert(1)//`, title: `<img src=x onerror=alert(1)> & "x"` },
      y: { ...bars.y, column: `p99.9['x\\` },
    }
    const columns = [plan.x.column, plan.y.column]
    const svg = await draw(plan, `</title>${evil}`, columns, [
      [evil, 5],
      [`"quoted" & 'single'`, 7],
    ])
    expect(count(svg, barMarks)).toBe(2)
    expect(svg).not.toMatch(/<script|<img/iu)
    expect(svg).toContain('&lt;script&gt;')
    expect(svg).toContain('<title>&lt;/title&gt;&lt;script&gt;')
  })

  it('leaves out what XML cannot hold, so that one strange cell does not leave an image that no one can open', async () => {
    const svg = await draw(bars, 'A\u0007', ['tenant', 'cost'], [['\u001b[31mred\u0000\ufffe', 5]])
    expect(texts(svg)).toContain('[31mred')
    expect(svg).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u)
  })

  it('takes a dot or a bracket in a column for what it is', async () => {
    const columns = ['day.x', 'p99.9[ms]']
    const plan: ChartPlan = {
      mark: 'line',
      x: { column: 'day.x', type: 'temporal', title: 'day' },
      y: { column: 'p99.9[ms]', type: 'quantitative', title: 'ms' },
    }
    const svg = await draw(plan, 'p99.9', columns, [
      ['2026-10-01', 1],
      ['2026-10-02', 5],
      ['2026-10-03', 3],
    ])
    const line = /aria-roledescription="line mark"[^>]*d="([^"]*)"/u.exec(svg)?.[1] ?? ''
    expect(count(line, /[ML]/gu)).toBe(3)
  })

  it('draws one line a colour, with dashes that tell them apart in grey', async () => {
    const plan: ChartPlan = {
      mark: 'line',
      x: { column: 'day', type: 'temporal', title: 'day' },
      y: { column: 'cost', type: 'quantitative', title: 'cost' },
      color: { column: 'model', type: 'nominal', title: 'model' },
    }
    const rows = ['2026-10-01', '2026-10-02'].flatMap((day) => [
      [day, 'x', 1],
      [day, 'y', 2],
    ])
    const svg = await draw(plan, 'Cost', ['day', 'model', 'cost'], rows)
    const dashes = [
      ...svg.matchAll(/aria-roledescription="line mark"[^>]*?stroke-dasharray="([^"]*)"/gu),
    ].map((match) => match[1])
    expect(count(svg, /aria-roledescription="line mark"/gu)).toBe(2)
    expect(dashes.some((dash) => dash !== '')).toBe(true)
  })

  it('shows times in UTC whatever the zone of the server', async () => {
    vi.stubEnv('TZ', 'Asia/Tokyo')
    const plan: ChartPlan = {
      mark: 'area',
      x: { column: 'minute', type: 'temporal', title: 'minute (UTC)' },
      y: { column: 'n', type: 'quantitative', title: 'requests' },
    }
    const rows = [0, 3, 6, 9].map((hour) => [`2026-10-08T0${hour}:00:00Z`, hour])
    const svg = await draw(plan, 'Load', ['minute', 'n'], rows)
    expect(texts(svg)).toContain('03:00')
    expect(texts(svg)).not.toContain('12:00')
  })

  it('draws a bounded number of names and says how many are left out', async () => {
    const rows = Array.from({ length: 60 }, (_, index) => [`tenant ${index}`, 60 - index])
    const svg = await draw(bars, 'Cost by tenant', ['tenant', 'cost'], rows)
    expect(count(svg, barMarks)).toBe(chartLimits.categories)
    expect(svg).toContain('the 24 largest of 60 by tenant; other (36): see the table')
  })

  it('draws a bounded number of colours and of rows', async () => {
    const rows = Array.from({ length: chartLimits.rows + 500 }, (_, index) => [
      index,
      index % 7,
      `m${index % 12}`,
    ])
    const plan: ChartPlan = {
      mark: 'point',
      x: { column: 'x', type: 'quantitative', title: 'x' },
      y: { column: 'y', type: 'quantitative', title: 'y' },
      color: { column: 'm', type: 'nominal', title: 'm' },
    }
    const svg = await draw(plan, 'Points', ['x', 'y', 'm'], rows)
    expect(count(svg, /aria-roledescription="point"/gu)).toBeLessThanOrEqual(chartLimits.rows)
    expect(svg).toContain('other (4)')
    expect(svg).toContain('the first 5,000 of 5,500 rows')
  })

  it('names an empty cell', async () => {
    const svg = await draw(
      bars,
      'Cost',
      ['tenant', 'cost'],
      [
        [null, 1],
        ['a', 2],
      ],
    )
    expect(texts(svg)).toContain('(empty)')
  })

  it('lays bars with long names down', async () => {
    const rows = Array.from({ length: 8 }, (_, index) => [`a feature with a long name ${index}`, index])
    const spec = vegaLiteSpec(bars, 'Cost', { columns: ['tenant', 'cost'], rows })
    expect(spec.encoding['y']?.field).toBe('tenant')
  })

  it('draws dots where bars are asked for on a log scale, without the rows that have no logarithm', async () => {
    const plan: ChartPlan = { ...bars, y: { ...bars.y, scale: 'log' } }
    const svg = await draw(
      plan,
      'Cost',
      ['tenant', 'cost'],
      [
        ['a', 0],
        ['b', 10],
        ['c', 1000],
      ],
    )
    expect(count(svg, /aria-roledescription="point"/gu)).toBe(2)
  })

  it('draws a heat map, and an empty chart of no rows', async () => {
    const plan: ChartPlan = {
      mark: 'rect',
      x: { column: 'hour', type: 'nominal', title: 'hour' },
      y: { column: 'day', type: 'nominal', title: 'day' },
      color: { column: 'n', type: 'quantitative', title: 'requests' },
    }
    const columns = ['hour', 'day', 'n']
    const svg = await draw(plan, 'When', columns, [
      ['00:00', 'Mon', 1],
      ['01:00', 'Mon', 2],
      ['00:00', 'Tue', 3],
    ])
    expect(count(svg, /aria-roledescription="rect mark"/gu)).toBe(3)
    expect(await draw(bars, 'Nothing', ['tenant', 'cost'], [])).toContain('<title>Nothing</title>')
  })

  it('refuses a column the query does not give', () => {
    expect(() => vegaLiteSpec(bars, 'x', { columns: ['tenant'], rows: [] })).toThrow('cost')
  })

  it('takes no key beyond the subset from a stored or suggested plan', () => {
    expect(parseChartPlan(bars)).toEqual(bars)
    expect(() => parseChartPlan({ ...bars, data: { url: 'http://example.org' } })).toThrow()
    expect(() => parseChartPlan({ ...bars, x: { ...bars.x, href: 'x' } })).toThrow()
    expect(() => parseChartPlan({ ...bars, mark: 'image' })).toThrow()
  })
})
