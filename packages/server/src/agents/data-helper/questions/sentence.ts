import type { Question } from '@holdfast/protocol'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { Choices, FileMapping } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import type { Term } from './reading.ts'
import { type KnownTerm, matchFields, matchTerms, type TermMatch } from './terms.ts'
import { nearlySame, stem, type Token } from './words.ts'

/** Why reading stops: the question cannot be answered so, or the user has to choose. */
export type Stop =
  | { readonly stop: 'refused'; readonly why: string }
  | { readonly stop: 'ambiguous'; readonly question: Question }

export function refuse(why: string): Stop {
  return { stop: 'refused', why }
}

export function isStop(value: object | null): value is Stop {
  return value !== null && 'stop' in value
}

/** A question under reading. Each rule takes the words it understands; a word that none takes stops the reading. */
export interface Sentence {
  readonly tokens: readonly Token[]
  readonly terms: readonly KnownTerm[]
  readonly profile: FileProfile
  readonly mapping: FileMapping | undefined
  /** What the user has chosen before, by question id. */
  readonly choices: Choices
  /** Places of the words that are understood. */
  readonly taken: Set<number>
  /** Choices to put to the user, once the rest is understood: a question that cannot be answered anyway asks nothing. */
  readonly open: Question[]
}

export function take(sentence: Sentence, at: number, length = 1): void {
  for (let index = at; index < at + length; index += 1) sentence.taken.add(index)
}

export function free(sentence: Sentence, at: number): Token | undefined {
  return sentence.taken.has(at) ? undefined : sentence.tokens[at]
}

/** Whether these words stand here, and nothing has taken them. */
export function saysAt(sentence: Sentence, at: number, phrase: string): boolean {
  return phrase.split(' ').every((word, index) => free(sentence, at + index)?.word === word)
}

export interface Mention {
  readonly length: number
  readonly matches: readonly TermMatch[]
  /** The words, for messages. */
  readonly said: string
}

/** Longest name of a column in words of a question. */
const maxNameTokens = 5

/** The longest run of free words at this place that names a term. */
export function mentionAt(
  sentence: Sentence,
  at: number,
  accepts: (term: KnownTerm) => boolean,
): Mention | null {
  const fitting = sentence.terms.filter(accepts)
  let found: Mention | null = null
  for (let length = 1; length <= maxNameTokens; length += 1) {
    const token = free(sentence, at + length - 1)
    if (token === undefined || token.kind === 'comma' || token.kind === 'operator') break
    const words = sentence.tokens.slice(at, at + length).map((each) => each.text)
    const matches = matchTerms(words, fitting)
    const first = matches[0]
    if (first === undefined) continue
    // A longer phrase counts where it says at least as clearly what is meant: "prompt tokens", not "tokens by".
    if (found === null || first.score >= (found.matches[0]?.score ?? 0) - 0.02)
      found = { length, matches, said: words.join(' ') }
  }
  return found
}

/** The one term a mention means. Where several are level the question is put on record, and the first stands in. */
export function settle(sentence: Sentence, mention: Mention): KnownTerm {
  const [first, second] = mention.matches
  if (first === undefined) throw new Error('a mention without matches')
  const undecided = first.score === 1 ? null : undecidedField(sentence, mention.said)
  if (undecided !== null) sentence.open.push(undecided)
  if (second === undefined) return first.term
  return choose(sentence, {
    id: `column:${mention.said.toLowerCase()}`,
    text: `“${mention.said}” can be one of several columns of ${sentence.profile.fileName}. Which do you mean?`,
    terms: mention.matches.map(({ term }) => term),
    label: labelWithSample,
  })
}

export interface TermChoice {
  readonly id: string
  readonly text: string
  readonly terms: readonly KnownTerm[]
  readonly label: (term: KnownTerm) => string
}

/** What the user has chosen before; otherwise the question is put on record and the first stands in. */
export function choose(sentence: Sentence, { id, text, terms, label }: TermChoice): KnownTerm {
  const chosen = terms.find((term) => term.label === sentence.choices.get(id))
  if (chosen !== undefined) return chosen
  const [first] = terms
  if (first === undefined) throw new Error('nothing to choose from')
  sentence.open.push({ id, text, choices: terms.map((term) => ({ value: term.label, label: label(term) })) })
  return first
}

/** A field the mapping itself has an open question about (a unit that cannot be decided) is asked before it is used. */
function undecidedField(sentence: Sentence, said: string): Question | null {
  const fields: readonly FieldName[] = matchFields([said])
  const open = sentence.mapping?.questions.find((question) => fields.includes(question.field))
  return open === undefined ? null : { id: open.id, text: open.text, choices: open.choices }
}

function labelWithSample(term: KnownTerm): string {
  const sample = term.values[0]
  const unit = term.unit === '' ? '' : ` (${term.unit})`
  return sample === undefined ? `${term.label}${unit}` : `${term.label}${unit}, e.g. ${sample.slice(0, 40)}`
}

/** The part of a known term that a reading keeps. */
export function plainTerm(term: KnownTerm): Term {
  const { label, columns, kind, sql, rowSql, textSql, unit, field } = term
  return { label, columns, kind, sql, textSql, unit, field, ...(rowSql === undefined ? {} : { rowSql }) }
}

/** The place of the first free run of words that says this phrase; null where there is none. */
export function findPhrase(sentence: Sentence, phrase: string): number | null {
  const words = phrase.split(' ')
  for (let at = 0; at + words.length <= sentence.tokens.length; at += 1) {
    if (words.every((word, index) => free(sentence, at + index)?.word === word)) return at
  }
  return null
}

/** Whether a word is one of these, allowing one slip in longer words. */
export function isOneOf(token: Token | undefined, words: ReadonlySet<string>): boolean {
  if (token === undefined || token.kind !== 'word') return false
  if (words.has(token.word) || words.has(stem(token.word))) return true
  return token.word.length >= 6 && [...words].some((word) => word.length >= 6 && nearlySame(token.word, word))
}
