import { quantile } from '../statistics/quantile.ts'
import type { Proof } from '../verdict/proof-document.ts'
import { html } from './escape.ts'

/** SVG as text: it shows without JavaScript, prints, and needs nothing from elsewhere. Colours are classes (CSP). */
const width = 640

const svg = (height: number, title: string, body: string): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${html(title)}"><title>${html(title)}</title>${body}</svg>`

const text = (x: number, y: number, words: string, kind = '', anchor = 'start'): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${kind}" text-anchor="${anchor}">${html(words)}</text>`

const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" class="${kind}"/>`

const ms = (value: number): string =>
  value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`

/** Which share of the values lies below each: two curves are compared at a glance, tails included. */
export function ecdf(
  title: string,
  series: readonly { readonly name: string; readonly values: readonly number[] }[],
): string {
  const shown = series.filter(({ values }) => values.length > 0)
  if (shown.length === 0) return ''
  const [left, right, top, bottom] = [44, 16, 12, 150]
  const most = Math.max(...shown.flatMap(({ values }) => values), 1e-3)
  const x = (value: number): number => left + (value / most) * (width - left - right)
  const y = (share: number): number => bottom - share * (bottom - top)
  const grid = [0, 0.5, 0.95, 1].map(
    (share) =>
      line(left, y(share), width - right, y(share), 'grid') +
      text(left - 6, y(share) + 4, `${share * 100} %`, 'small', 'end'),
  )
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    text(x(most * share), bottom + 16, ms(most * share), 'small', share === 1 ? 'end' : 'middle'),
  )
  const curves = shown.map(({ name, values }, index) => {
    const sorted = [...values].sort((a, b) => a - b)
    let path = `M${x(0).toFixed(1)} ${y(0).toFixed(1)}`
    for (const [at, value] of sorted.entries())
      path += `H${x(value).toFixed(1)}V${y((at + 1) / sorted.length).toFixed(1)}`
    const label = `${name}: median ${ms(quantile(values, 0.5))}, 95 % within ${ms(quantile(values, 0.95))}, ${values.length} values`
    return `<path d="${path}" class="curve c${index}"/>${line(left, bottom + 34 + index * 18, left + 20, bottom + 34 + index * 18, `curve c${index}`)}${text(left + 28, bottom + 38 + index * 18, label, 'small')}`
  })
  return svg(bottom + 44 + shown.length * 18, title, [...grid, ...ticks, ...curves].join(''))
}

/** Each metric's ratio with its interval, the pairs as dots, and the margin beyond which it counts. */
export function forest(comparison: Proof['comparison']): string {
  if (comparison.length === 0) return ''
  const [left, right] = [150, 20]
  const values = comparison.flatMap(({ ratios, ratio }) => [...ratios, ratio.lower ?? 1, ratio.upper ?? 1])
  const least = Math.min(0.7, ...values)
  const most = Math.max(1.5, ...values)
  const x = (ratio: number): number =>
    left + ((Math.log(ratio) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (width - left - right)
  const height = 40 + comparison.length * 46
  const rows = comparison.map(({ metric, ratio, ratios, verdict }, index) => {
    const y = 30 + index * 46
    const dots = ratios.map((one) => `<circle cx="${x(one).toFixed(1)}" cy="${y + 12}" r="2.5" class="dot"/>`)
    const lower = ratio.lower ?? least
    const upper = ratio.upper ?? most
    return (
      text(left - 10, y + 4, metric, '', 'end') +
      line(
        x(Math.max(lower, least)),
        y,
        x(Math.min(upper, most)),
        y,
        `bar ${verdict === 'worse' ? 'bad' : verdict === 'unsure' ? 'doubt' : 'good'}`,
      ) +
      `<circle cx="${x(ratio.estimate ?? 1).toFixed(1)}" cy="${y}" r="4.5" class="mark"/>` +
      dots.join('') +
      text(left - 10, y + 18, verdict, 'small', 'end')
    )
  })
  const marks = [1, 1.15].map(
    (ratio) =>
      line(x(ratio), 12, x(ratio), height - 22, ratio === 1 ? 'axis' : 'limit') +
      text(x(ratio), height - 8, `× ${ratio}`, 'small', 'middle'),
  )
  return svg(height, 'Candidate against stable: ratio of medians', marks.join('') + rows.join(''))
}

/** Every close of the proof by its code, and who closed. */
export function closeBars(closes: Proof['closes']): string {
  if (closes.length === 0) return ''
  const most = Math.max(...closes.map(({ count }) => count))
  const rows = closes.map(({ code, count, by }, index) => {
    const y = 8 + index * 24
    const bad = by === 'server' && [1005, 1006, 1011, 1014].includes(code)
    return (
      text(150, y + 13, `${code} by ${by === 'we' ? 'this prover' : 'the server'}`, 'small', 'end') +
      `<rect x="160" y="${y}" width="${Math.max(2, (count / most) * (width - 220)).toFixed(1)}" height="16" class="${bad ? 'bad' : by === 'we' ? 'calm' : 'good'}"/>` +
      text(168 + (count / most) * (width - 220), y + 13, String(count), 'small')
    )
  })
  return svg(16 + closes.length * 24, 'Closes by code', rows.join(''))
}

/** When each reading of a thread took place; a cut is a red end, a reading with a fault is red all over. */
export function timeline(proof: Proof): string {
  const bars = proof.timeline
  if (bars.length === 0) return ''
  const left = 170
  const end = Math.max(...bars.map(({ to }) => to), 1)
  const x = (t: number): number => left + (t / end) * (width - left - 16)
  const rows = bars.map(({ label, from, to, ok, cut }, index) => {
    const y = 6 + index * 15
    return (
      text(left - 8, y + 9, label, 'tiny', 'end') +
      `<rect x="${x(from).toFixed(1)}" y="${y}" width="${Math.max(2, x(to) - x(from)).toFixed(1)}" height="10" class="${ok ? 'good' : 'bad'}"/>` +
      (cut === null ? '' : line(x(to) + 2, y - 2, x(to) + 2, y + 12, 'cut'))
    )
  })
  const height = 24 + bars.length * 15
  return svg(
    height,
    'Readings of threads over time',
    rows.join('') +
      text(left, height - 4, '0 s', 'tiny') +
      text(width - 16, height - 4, `${(end / 1e9).toFixed(0)} s`, 'tiny', 'end'),
  )
}
