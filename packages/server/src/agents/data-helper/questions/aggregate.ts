import { takePhrase } from './filters.ts'
import type { Aggregate } from './reading.ts'
import { free, mentionAt, refuse, type Sentence, type Stop, take } from './sentence.ts'
import { aggregateWords, type NamedAggregate } from './vocabulary.ts'
import { nearlySame } from './words.ts'

/** The aggregate in words: "how much" leaves it open, null says nothing at all. */
export type SaidAggregate =
  | { readonly kind: 'said'; readonly aggregate: Aggregate }
  | { readonly kind: 'how_much' | 'none' }

/** Takes the words that name the aggregate; two that do not belong together stop the reading. */
export function takeAggregate(sentence: Sentence): SaidAggregate | Stop {
  const found: Aggregate[] = []
  const howMuch = takePhrase(sentence, 'how much')
  for (const phrase of ['how many', 'number of', 'count of']) {
    if (takePhrase(sentence, phrase)) found.push({ kind: 'count' })
  }
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const token = free(sentence, at)
    if (token === undefined) continue
    // A column called "total cost" or "count" is a column where its whole name is said.
    const name = mentionAt(sentence, at, (term) => term.kind === 'number')
    if (name !== null && name.length > 1 && name.matches[0]?.score === 1) continue
    const quantile = quantileAt(sentence, at)
    if (quantile !== null) {
      if (goesOn(sentence, at + quantile.length)) return twoFigures()
      take(sentence, at, quantile.length)
      found.push({ kind: 'quantile', at: quantile.at })
      continue
    }
    const kind = aggregateWords.get(token.word) ?? misspeltAggregate(token.word)
    if (kind === undefined) continue
    if (goesOn(sentence, at + 1)) return twoFigures()
    take(sentence, at)
    found.push({ kind })
  }
  return combine(found, howMuch)
}

/** "p95 and cost": what follows is no column of the p95, but another figure. */
const goesOn = (sentence: Sentence, at: number): boolean =>
  ['and', '&', 'plus'].includes(free(sentence, at)?.word ?? '')

const twoFigures = (): Stop => refuse('it names two figures; ask for one at a time')

function misspeltAggregate(word: string): NamedAggregate | undefined {
  return word.length < 6
    ? undefined
    : [...aggregateWords].find(([known]) => known.length >= 6 && nearlySame(word, known))?.[1]
}

function combine(found: readonly Aggregate[], howMuch: boolean): SaidAggregate | Stop {
  const kinds = [...new Set(found.map((aggregate) => aggregate.kind))]
  const quantiles = found.filter((aggregate) => aggregate.kind === 'quantile')
  if (quantiles.length > 1) return twoFigures()
  const first = found[0]
  if (first === undefined) return { kind: howMuch ? 'how_much' : 'none' }
  if (kinds.length === 1) return { kind: 'said', aggregate: first }
  // "number of different tenants", "total number of requests", "share of total cost"
  const together = kinds.sort().join('+')
  if (together === 'count+distinct') return { kind: 'said', aggregate: { kind: 'distinct' } }
  if (together === 'count+sum') return { kind: 'said', aggregate: { kind: 'count' } }
  if (together === 'share+sum' || together === 'count+share')
    return { kind: 'said', aggregate: { kind: 'share' } }
  // "average number of requests per day" takes one figure of the counts, "average number of tokens" one of the column.
  if (kinds.length === 2 && kinds.includes('count')) {
    const other = found.find(({ kind }) => kind !== 'count' && onCounts.has(kind))
    if (other !== undefined) return { kind: 'said', aggregate: other }
  }
  return twoFigures()
}

const onCounts: ReadonlySet<Aggregate['kind']> = new Set(['mean', 'median', 'min', 'max'])

function quantileAt(sentence: Sentence, at: number): { at: number; length: number } | null {
  const word = free(sentence, at)?.word ?? ''
  const short = /^p(\d{1,2}(?:\.\d+)?)$/u.exec(word)?.[1]
  if (short !== undefined) return { at: quantile(short), length: 1 }
  const ordinal = /^(\d{1,2}(?:\.\d+)?)(?:st|nd|rd|th)?$/u.exec(word)?.[1]
  const next = free(sentence, at + 1)?.word
  if (ordinal !== undefined && (next === 'percentile' || next === 'quantile'))
    return { at: quantile(ordinal), length: 2 }
  const after = free(sentence, at + 1)
  if (word === 'percentile' && after?.kind === 'number') return { at: quantile(after.word), length: 2 }
  return null
}

// 99.9 / 100 is 0.9990000000000001 in binary.
function quantile(percent: string): number {
  return Number((Number(percent) / 100).toFixed(6))
}
