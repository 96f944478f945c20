import type { FieldName } from '../fields.ts'
import { isGrammar } from '../questions/ordinary-words.ts'
import { isNamed, joints, partAt } from '../questions/parts-of-names.ts'
import type { Filter } from '../questions/reading.ts'
import { free, isStop, mentionAt, plainTerm, type Sentence, take } from '../questions/sentence.ts'
import { isSuperlative } from '../questions/superlatives.ts'
import type { KnownTerm } from '../questions/terms.ts'
import { valuesAt } from '../questions/values.ts'
import { rowNouns } from '../questions/vocabulary.ts'
import { stem } from '../questions/words.ts'
import { directNegation, negationAround, unclearNegation } from './negation.ts'
import { isSubject } from './positions.ts'

/** Of a value that stands in several columns, the one people mean first. */
const preferred: readonly (FieldName | null)[] = [
  'tenant',
  'feature',
  'model',
  'provider',
  'user',
  'api_key',
  'session',
  null,
]

export interface FoundValues {
  readonly term: KnownTerm
  readonly values: readonly string[]
  readonly at: number
  readonly length: number
}

/** Values of a text column that stand here, of the column people would mean first. */
export function valuesFrom(
  sentence: Sentence,
  at: number,
  without: readonly FieldName[],
): FoundValues | null {
  if (free(sentence, at) === undefined) return null
  const found = sentence.terms
    .filter(
      ({ kind, field }) =>
        kind === 'text' && field !== 'request_id' && (field === null || !without.includes(field)),
    )
    .flatMap((term) => {
      const values = valuesAt(sentence, term, at, false)
      return values === null || isStop(values) ? [] : [{ term, ...values, at }]
    })
    .toSorted((left, right) => right.length - left.length || place(left.term) - place(right.term))
  return found[0] ?? null
}

function place({ field }: KnownTerm): number {
  const at = preferred.indexOf(field)
  return at === -1 ? preferred.length : at
}

/** Words before a value that make it a limit: "cost report" names no feature, "cost of report" does. */
const introducers = new Set([
  'for',
  'of',
  'from',
  'in',
  'at',
  'on',
  'only',
  'just',
  'by',
  'about',
  'tenant',
  'feature',
  'model',
  'team',
  'customer',
  'user',
  'provider',
  'key',
  'with',
  'to',
])

const articles = new Set(['the', 'a', 'an', 'one', 'our'])

/** Fields whose values are names: "how expensive is acme" is about acme. A feature may be called like any word. */
export const properNames: ReadonlySet<FieldName | null> = new Set([
  'tenant',
  'user',
  'api_key',
  'model',
  'provider',
])

/** A value written as nobody writes a word limits by itself: gpt-5-mini, nightly_summaries. */
const coded = /[-_\d]/u

const onlyWords = new Set(['only', 'just', 'exclusively', 'solely'])

/** Values said by themselves: "for acme", "why is gpt-5-mini slow", "cost of 429s". */
export function takeValues(sentence: Sentence, without: readonly FieldName[]): readonly Filter[] | string {
  const byTerm = new Map<string, { term: KnownTerm; values: string[] }>()
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const token = free(sentence, at)
    if (token === undefined || token.kind === 'comma' || token.kind === 'operator') continue
    const found = valuesFrom(sentence, at, ['status', 'finish_reason', 'token_kind']) ?? codeAt(sentence, at)
    if (found === null) {
      const part = partAt(sentence, at, without)
      if (part?.sure !== true) continue
      const negated = negationAround(sentence, at, part.length)
      if (negated !== null) return unclearNegation(negated)
      keep(byTerm, part)
      take(sentence, at, part.length)
      continue
    }
    const spokenOf = found.term.field !== null && without.includes(found.term.field)
    // "only gpt-5", "gpt-5 requests": limits even where models are what is spoken of.
    const only = onlyWords.has(sentence.tokens[at - 1]?.word ?? '')
    if (spokenOf && only && found.term.field === 'status') return aboutAllValues(found.term)
    const limited = spokenOf ? only || isBeforeRows(sentence, found) : limits(sentence, found)
    const negated = limited ? negationAround(sentence, at, found.length) : directNegation(sentence, at)
    if (negated !== null) return unclearNegation(negated)
    if (!limited) continue
    keep(byTerm, found)
    take(sentence, at, found.length)
  }
  const lost = restOfList(sentence)
  if (lost !== null) return lost
  return [...byTerm.values()].map(({ term, values }) => ({
    kind: 'in',
    term: plainTerm(term),
    values: [...new Set(values)],
    negated: false,
  }))
}

/** "cost of chat and nightly": one of the list was read, and the other is not passed over. */
function restOfList(sentence: Sentence): string | null {
  for (const at of sentence.taken) {
    const next = sentence.tokens[at + 2]
    if (!joints.has(sentence.tokens[at + 1]?.word ?? '') || next === undefined) continue
    if (free(sentence, at + 2) !== undefined && isNamed(sentence, at + 2))
      return `I cannot tell whether “${next.text}” is meant as well; write its whole name`
  }
  return null
}

function keep(
  byTerm: Map<string, { term: KnownTerm; values: string[] }>,
  { term, values }: Pick<FoundValues, 'term' | 'values'>,
): void {
  const known = byTerm.get(term.label) ?? { term, values: [] }
  known.values.push(...values)
  byTerm.set(term.label, known)
}

/** Where its values are the subject, some of them would be another one. */
export function aboutAllValues({ label }: Pick<KnownTerm, 'label'>): string {
  return `it is about all values of ${label}; I do not limit it to some of them`
}

function isBeforeRows({ tokens }: Sentence, { term, at, length }: FoundValues): boolean {
  return term.field === 'model' && rowNouns.has(stem(tokens[at + length]?.word ?? ''))
}

function limits(sentence: Sentence, { term, values, at, length }: FoundValues): boolean {
  const { tokens } = sentence
  const word = tokens[at]?.word ?? ''
  const before = articles.has(tokens[at - 1]?.word ?? '') ? tokens[at - 2] : tokens[at - 1]
  // "the slowest chat": what it is the slowest of.
  const introduced = introducers.has(before?.word ?? '') || isSuperlative(tokens[at - 1]?.word ?? '')
  if (term.field === 'status') return introduced || rowNouns.has(stem(tokens[at + length]?.word ?? ''))
  // "the chat feature": its column stands behind it.
  if (mentionAt(sentence, at + length, (each) => each === term) !== null && term.field !== null) return true
  if (!/[a-z]/iu.test(values.join(''))) return false
  if (values.some((value) => coded.test(value))) return true
  if (isGrammar(word)) return introduced && word.length > 3
  if (isSubject(sentence, at)) return true
  return introduced || properNames.has(term.field)
}

/** "429", "504s": a code of a status, which as a number could be a count of anything else. */
export function codeAt(sentence: Sentence, at: number): FoundValues | null {
  const code = /^([45]\d\d)s?$/u.exec(sentence.tokens[at]?.word ?? '')?.[1]
  const term = sentence.terms.find(({ field }) => field === 'status')
  if (code === undefined || term === undefined) return null
  const value = term.values.find((each) => each === code || each === `${code}.0`)
  return value === undefined ? null : { term, values: [value], at, length: 1 }
}
