import type { Comparison, Filter } from './reading.ts'
import { free, plainTerm, refuse, type Sentence, type Stop } from './sentence.ts'
import type { KnownTerm } from './terms.ts'
import { stem } from './words.ts'

/** What stands behind an operator, and how many words say it. */
export interface Operand {
  readonly filter: Filter
  readonly length: number
}

/** Words for units behind a number, also of units that nothing here can be compared with: they change the figure. */
const unitTokens: Readonly<Record<string, string>> = {
  ms: 'ms',
  millisecond: 'ms',
  // Greek, as NFKC writes the sign for micro.
  \u03bcs: 'µs',
  microsecond: 'µs',
  nanosecond: 'ns',
  s: 's',
  sec: 's',
  second: 's',
  m: 'm',
  min: 'min',
  minute: 'min',
  h: 'h',
  hr: 'h',
  hrs: 'h',
  hour: 'h',
  day: 'days',
  week: 'weeks',
  month: 'months',
  year: 'years',
  usd: 'USD',
  dollar: 'USD',
  cent: 'cents',
  eur: 'EUR',
  euro: 'EUR',
  pound: 'GBP',
  token: 'tokens',
  percent: '%',
  '%': '%',
}

/** Units that turn into each other, by what one is in the first. */
const scales: readonly Readonly<Record<string, number>>[] = [
  { ms: 1, ns: 1e-6, µs: 1e-3, s: 1_000, min: 60_000, h: 3_600_000 },
  { cents: 1, USD: 100 },
]

interface SaidUnit {
  /** Empty where none is said. */
  readonly unit: string
  /** Words behind the number that say it. */
  readonly length: number
}

/** The unit of the number that stands here: written on it, or in the words behind it. */
export function unitAt(sentence: Sentence, at: number): SaidUnit {
  const written = free(sentence, at)?.unit ?? ''
  if (written !== '' && written !== 'm') return { unit: written, length: 0 }
  const word = (index: number): string => stem(free(sentence, index)?.word ?? '')
  const american = word(at + 1) === 'us'
  // "5 US cents" is money, "5 us" a time.
  const money = american && ['dollar', 'cent'].includes(word(at + 2))
  if (american) return { unit: money ? (unitTokens[word(at + 2)] ?? '') : 'µs', length: money ? 2 : 1 }
  const behind = unitTokens[word(at + 1)]
  return behind === undefined ? { unit: written, length: 0 } : { unit: behind, length: 1 }
}

/** Whether a bare number beside this term says nothing, as its values are not written in the unit they are read in. */
export function needsUnit({ kind, unit, writtenUnit }: KnownTerm): boolean {
  return kind === 'number' && unit !== writtenUnit
}

export interface Quantity {
  /** In the unit of the term. */
  readonly value: number
  readonly length: number
}

/**
 * The number that stands here as a value of the term.
 *
 * @param named the unit that the words for the column state ("duration_s"); empty where they state none
 */
export function quantityAt(
  sentence: Sentence,
  term: KnownTerm,
  named: string,
  at: number,
): Quantity | Stop | null {
  const token = free(sentence, at)
  if (token?.kind !== 'number' || token.value === undefined) return null
  const said = unitAt(sentence, at)
  const text = sentence.tokens
    .slice(at, at + 1 + said.length)
    .map((each) => each.text)
    .join(' ')
  const length = 1 + said.length
  if (said.unit === 'm' && isDuration(term.unit))
    return refuse(`“${text}” can be minutes or millions; write “${text.replace(/\s?m$/iu, '')} min” or “ms”`)
  const millions = said.unit === 'm'
  if (said.unit === '' || millions) {
    const value = millions && said.length > 0 ? token.value * 1e6 : token.value
    if (!needsUnit(term)) return { value, length }
    const own = named !== '' && named === term.writtenUnit ? inUnit(value, named, term.unit) : null
    return own === null ? refuse(unitMissing(sentence, term, text)) : { value: own, length }
  }
  const value = inUnit(token.value, said.unit, term.unit)
  if (value !== null) return { value, length }
  return refuse(
    `${term.label} is ${term.unit === '' ? 'in a unit I do not know' : `in ${term.unit}`}, so “${text}” cannot be compared with it`,
  )
}

/** `latency over 5 s`: the number behind an operator of comparison. */
export function comparedAt(
  sentence: Sentence,
  term: KnownTerm,
  { operator, named }: { readonly operator: Comparison; readonly named: string },
  at: number,
): Operand | Stop | null {
  const token = free(sentence, at)
  if (token?.kind !== 'number') return null
  if (term.kind !== 'number')
    return refuse(`${term.label} does not hold numbers, so it has no ${operator} ${token.text}`)
  const quantity = quantityAt(sentence, term, named, at)
  if (quantity === null || 'stop' in quantity) return quantity
  const { value, length } = quantity
  return { filter: { kind: 'compare', term: plainTerm(term), operator, value }, length }
}

function unitMissing({ profile }: Sentence, { columns, unit, writtenUnit }: KnownTerm, text: string): string {
  const names = columns.join(' and ')
  const written = writtenUnit === null ? '' : ` is in ${writtenUnit} and`
  return `${names} of ${profile.fileName}${written} is read in ${unit}: write the unit of “${text}”, e.g. “${text} ${writtenUnit ?? unit}”`
}

function isDuration(unit: string): boolean {
  return scales[0]?.[unit] !== undefined
}

function inUnit(value: number, said: string, unit: string): number | null {
  if (said === unit) return value
  for (const scale of scales) {
    const [from, to] = [scale[said], scale[unit]]
    if (from !== undefined && to !== undefined) return (value * from) / to
  }
  return null
}
