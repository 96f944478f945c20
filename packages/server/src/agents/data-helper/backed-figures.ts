import type { Cell, Json } from '@holdfast/protocol'
import type { ProseFilter } from '../model-step.ts'

/** What stands behind figures in prose: every number and text that a tool gave, and what the user said. */
export interface Backing {
  readonly numbers: readonly number[]
  readonly texts: readonly string[]
}

/** Set behind a figure that nothing backs. */
export const unbackedMark = ' [unverified]'

/** Every scalar within, keys aside. */
export function backingOf(values: readonly (Json | Cell)[], said: string): Backing {
  const numbers: number[] = []
  const texts: string[] = [said]
  const visit = (value: Json): void => {
    if (typeof value === 'number') numbers.push(value)
    else if (typeof value === 'string') texts.push(value)
    else if (Array.isArray(value)) for (const item of value) visit(item)
    else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) visit(item)
  }
  for (const value of values) visit(value)
  for (const text of texts)
    for (const [figure] of text.matchAll(figureShape))
      if (!/[:-]/.test(figure)) numbers.push(saidNumber(figure))
  return { numbers: numbers.filter(Number.isFinite), texts }
}

/** "2 million" is the number it stands for; of other units the number as it is written. */
function saidNumber(figure: string): number {
  const [, written = '', unit = ''] = /^([\d.,]+)\s?(\D*)$/.exec(figure) ?? []
  const factors = scales[unit] ?? [1]
  return numberOf(written) / (factors.includes(1) ? 1 : (factors[0] ?? 1))
}

const numberOf = (text: string): number => Number(text.replaceAll(',', ''))

/** What a backing number is multiplied by to stand in a figure with this unit, in each way it may be stored. */
const scales: Readonly<Record<string, readonly number[]>> = {
  '%': [1, 100],
  percent: [1, 100],
  thousand: [1e-3],
  k: [1e-3],
  K: [1e-3],
  million: [1e-6],
  M: [1e-6],
  billion: [1e-9],
  s: [1, 1e-3],
  second: [1, 1e-3],
  seconds: [1, 1e-3],
  ms: [1, 1e3],
  bn: [1e-9],
  B: [1e-9],
  mn: [1e-6],
  m: [1e-6, 1 / 60, 1 / 60_000],
  min: [1, 1 / 60, 1 / 60_000],
  h: [1, 1 / 3_600, 1 / 3_600_000],
  pp: [1, 100],
}

/** Units that may stand a space behind the number: others are words of the sentence there. */
const spaced = [
  '%',
  'percent',
  'thousand',
  'million',
  'billion',
  'k',
  'K',
  'M',
  'ms',
  'seconds',
  'second',
  's',
]

/** Units written on the number: without them "450USD" would be no figure but a name. */
const attached = ['bn', 'B', 'mn', 'm', 'min', 'h', 'd', 'x', '×', 'pp', 'rpm', 'tpm', 'tokens']
const currencies = ['USD', 'usd', 'EUR', 'eur', 'GBP', 'gbp', '€', '£', '$', '¢']

const oneOf = (units: readonly string[]): string =>
  units.map((unit) => (/\w$/.test(unit) ? String.raw`${unit}\b` : `[${unit}]`)).join('|')

/**
 * A figure is a number that stands by itself, with its unit; a minus before it is no part of it. Names that hold digits
 * (gpt-5, p95, Q3), citations and the numbering of lists are none. A date or a time of day is one figure, backed by a
 * text that holds it.
 */
const figureShape = new RegExp(
  String.raw`(?<![\w.,:[/#]|\w-)` +
    String.raw`(?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?|\d{1,2}:\d{2}(?::\d{2})?|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)` +
    String.raw`(?:\s?(?:${oneOf(spaced)})|(?:${oneOf([...attached, ...currencies])}))?(?![\w]|-\w|\.\d)`,
  'g',
)

/** Whether some number or text of the backing says the same, as exactly as the figure is written. */
export function isBacked(figure: string, { numbers, texts }: Backing): boolean {
  const [, written = '', unit = ''] = /^([\d.,:T -]*\d)\s?(\D*)$/.exec(figure) ?? []
  if (/[:-]/.test(written))
    return texts.some((text) => text.replace('T', ' ').includes(written.replace('T', ' ')))
  const value = numberOf(written)
  const decimals = /\.(\d+)$/.exec(written)?.[1]?.length ?? 0
  const zeros = /0*$/.exec(written)?.[0].length ?? 0
  // A long number that ends in zeros is a rounded one: 1,258,000 may be said of 1,257,868.
  const step = decimals > 0 ? 10 ** -decimals : value >= 10_000 ? 10 ** Math.min(zeros, 3) : 1
  const factors = scales[unit] ?? [1]
  return numbers.some((number) =>
    factors.some((factor) => Math.abs(Math.abs(number) * factor - value) <= step / 2 + value * 1e-9),
  )
}

/** Marks the figures of a text that nothing backs. */
export function markUnbacked(text: string, backing: Backing): string {
  return text.replaceAll(figureShape, (figure: string, offset: number, whole: string) => {
    const before = whole.slice(whole.lastIndexOf('\n', offset - 1) + 1, offset)
    const isNumbering = /^\s*$/.test(before) && /^\.\s/.test(whole.slice(offset + figure.length))
    return isNumbering || isBacked(figure, backing) ? figure : `${figure}${unbackedMark}`
  })
}

/** The same for text that comes in pieces: a piece is held back to the last place where no figure can be cut in two. */
export function unbackedFilter(backing: Backing): ProseFilter {
  let held = ''
  let lineBegin = ''
  const say = (text: string): string => {
    const marked = markUnbacked(lineBegin + text, backing)
    const already = markUnbacked(lineBegin, backing)
    // What a line began with tells numbering from a figure; of itself it holds none.
    lineBegin = (lineBegin + text).slice((lineBegin + text).lastIndexOf('\n') + 1)
    if (/\S/.test(lineBegin)) lineBegin = 'x'
    return marked.slice(already.length)
  }
  return {
    push(piece) {
      held += piece
      // A space within a figure (5 s, 12 %) is followed by its unit: only words that are neither end one.
      const cut = /^([\s\S]*[^\d\s.,:%-])(?=\s)/.exec(held)?.[1]?.length ?? 0
      const ready = held.slice(0, cut)
      held = held.slice(cut)
      return ready === '' ? '' : say(ready)
    },
    end() {
      const rest = held
      held = ''
      return rest === '' ? '' : say(rest)
    },
  }
}
