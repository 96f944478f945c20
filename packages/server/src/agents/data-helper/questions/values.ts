import { unitAt } from './compared.ts'
import { free, refuse, type Sentence, type Stop } from './sentence.ts'
import { type KnownTerm, matchFields } from './terms.ts'

export interface FoundValues {
  readonly values: readonly string[]
  readonly length: number
}

/**
 * One value or several joined by commas, "and" or "or".
 *
 * @param expected a value stands here for sure: one that is not known is taken as written, or refused where all are known
 */
export function valuesAt(
  sentence: Sentence,
  term: KnownTerm,
  at: number,
  expected: boolean,
): FoundValues | Stop | null {
  const first = valueAt(sentence, term, at)
  if (first === null) {
    const token = free(sentence, at)
    if (!expected || token === undefined || token.kind === 'comma' || token.kind === 'operator') return null
    if (term.complete && term.kind !== 'number')
      return refuse(
        `${term.label} has no value “${token.text}”; it has ${term.values.slice(0, 10).join(', ')}`,
      )
    if (term.kind === 'number' && unitAt(sentence, at).unit !== '') return null
    return { values: [token.kind === 'number' ? String(token.value) : token.text], length: 1 }
  }
  const values = [first.value]
  let length = first.length
  for (;;) {
    let joint = 0
    while (joint < 2 && [',', 'and', 'or'].includes(free(sentence, at + length + joint)?.word ?? ''))
      joint += 1
    const next = joint === 0 ? null : valueAt(sentence, term, at + length + joint)
    if (next === null) return { values, length }
    values.push(next.value)
    length += joint + next.length
  }
}

/** A known value of the term that the next words spell; the longest. */
export function valueAt(
  sentence: Sentence,
  term: KnownTerm,
  at: number,
): { value: string; length: number } | null {
  for (let length = 5; length >= 1; length -= 1) {
    const tokens = Array.from({ length }, (_, index) => free(sentence, at + index))
    if (tokens.some((token) => token === undefined || token.kind === 'comma' || token.kind === 'operator'))
      continue
    const said = spelling(tokens.map((token) => token?.text ?? '').join(' '))
    const code = /^(\d{3})s$/u.exec(said)?.[1]
    const value =
      term.values.find((known) => spelling(known) === said || known === code) ??
      (length === 1 ? ofPlural(sentence, term, at, said) : undefined)
    if (value !== undefined) return { value, length }
    // People say gpt-5 where a gateway writes openai/gpt-5.
    const behindSlash = term.values.filter((known) => spelling(known.split('/').at(-1) ?? '') === said)
    if (behindSlash[0] !== undefined && behindSlash.length === 1) return { value: behindSlash[0], length }
  }
  return null
}

/** "reports" of a feature that is called report. Names of customers and models have no plural. */
function ofPlural(
  sentence: Sentence,
  { field, values }: KnownTerm,
  at: number,
  said: string,
): string | undefined {
  if (field !== 'feature' || !said.endsWith('s') || matchFields([said]).length > 0) return undefined
  const word = (place: number): string => sentence.tokens[place]?.word ?? ''
  const before = word(at - 1) === 'the' || word(at - 1) === 'our' ? word(at - 2) : word(at - 1)
  // "cost of reports" is the feature's, "reports of cost" are none of it.
  if ((before !== 'of' && before !== 'for') || ['of', 'on', 'about', 'by'].includes(word(at + 1)))
    return undefined
  return values.find((known) => spelling(known) === said.slice(0, -1))
}

export function isValue(term: KnownTerm, text: string): boolean {
  return term.values.some((known) => spelling(known) === spelling(text))
}

function spelling(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[\s_.-]+/gu, ' ')
    .trim()
}
