import type { FieldName } from '../fields.ts'
import { isOrdinary } from '../questions/ordinary-words.ts'
import { partAt } from '../questions/parts-of-names.ts'
import { free, mentionAt, type Sentence } from '../questions/sentence.ts'
import { matchFields } from '../questions/terms.ts'
import { rowNouns } from '../questions/vocabulary.ts'
import { nearlySame, stem, type Token } from '../questions/words.ts'
import { isSubject } from './positions.ts'
import { properNames } from './take-values.ts'

/**
 * A word that stands where a name would and is none that the file is known to hold: "for umbrella", "tenant zeta", "how
 * expensive is zeta", gpt-6. An answer over all rows would ignore it. Null where there is none.
 *
 * @param question as written, for what tokens no longer show
 * @param subjects fields whose values the playbook speaks of as its subject
 * @param named places of the words that were read as values
 */
export function unknownName(
  question: string,
  sentence: Sentence,
  subjects: readonly FieldName[],
  named: ReadonlySet<number>,
): string | null {
  const possessives = wordsBy(question, /([\p{L}\d][\p{L}\d_-]*)['’]s\b/gu)
  // A word has its capital there whatever it is.
  const openings = wordsBy(question, /(?:^|[.!?:;\n]\s*)(\p{L}[\p{L}\d_-]*)/gu)
  for (const [at, token] of sentence.tokens.entries()) {
    if (free(sentence, at) === undefined) continue
    if (token.kind === 'operator') return `I cannot tell what “${token.text}” is to compare`
    if (token.kind !== 'word' && token.kind !== 'quoted') continue
    const part = partOfName(sentence, at, subjects)
    if (part !== null) return part
    if (isKnown(sentence, at) || isOrdinary(token.word) || isOnlyVendor(sentence, token.word)) continue
    if (subjects.includes('model') && /^(?:gpt|claude|gemini|o\d|llama|mistral)/u.test(token.word)) continue
    if (
      token.kind === 'quoted' ||
      token.word.startsWith('non-') ||
      isCoded(token.word) ||
      (isCapitalised(sentence, at) && !openings.has(token.word)) ||
      possessives.has(token.word) ||
      standsAsName(sentence, at, named)
    )
      return whyUnknown(sentence, token)
  }
  return onlySome(sentence)
}

function wordsBy(text: string, pattern: RegExp): ReadonlySet<string> {
  return new Set([...text.matchAll(pattern)].map(([, word]) => (word ?? '').toLowerCase()))
}

/** Whose models a file holds, by their names. */
const vendorModels: Readonly<Record<string, RegExp>> = {
  openai: /gpt|^o\d|text-embedding|whisper|dall-e/u,
  chatgpt: /gpt/u,
  anthropic: /claude/u,
  google: /gemini/u,
  mistral: /mistral|mixtral/u,
}

/** "our OpenAI bill", of a file that holds nothing else, is all of it. */
function isOnlyVendor({ mapping }: Sentence, word: string): boolean {
  const pattern = vendorModels[word]
  const models = mapping?.models ?? null
  return (
    mapping?.vendor === word ||
    (pattern !== undefined &&
      models !== null &&
      models.length > 0 &&
      models.every((model) => pattern.test(model.toLowerCase())))
  )
}

function whyUnknown({ profile, terms }: Sentence, { text, word }: Token): string {
  const near = terms.flatMap(({ values }) => values).find((value) => nearlySame(value.toLowerCase(), word))
  if (near !== undefined) return `I do not know “${text}”; did you mean ${near}?`
  const partly = terms.find(
    ({ field, complete, kind }) => kind === 'text' && properNames.has(field) && !complete,
  )
  const write =
    partly === undefined ? '' : `; if it is a ${partly.label}, write “where ${partly.label} is ${text}”`
  return `I cannot tell what “${text}” is: no column of ${profile.fileName} is known to hold it${write}`
}

/** A column, a field by its usual words, or a value that by itself limits nothing here. */
function isKnown(sentence: Sentence, at: number): boolean {
  const token = sentence.tokens[at]
  if (token === undefined) return false
  const score = mentionAt(sentence, at, () => true)?.matches[0]?.score ?? 0
  const word = token.text.toLowerCase()
  return (
    score >= 0.7 ||
    matchFields([token.text]).length > 0 ||
    sentence.terms.some(({ values }) => values.some((value) => value.toLowerCase() === word))
  )
}

/**
 * A part of names that does not tell which is meant: one that does, takeValues has read. A family of which the file has
 * no model is none of its names.
 */
function partOfName(sentence: Sentence, at: number, subjects: readonly FieldName[]): string | null {
  const token = sentence.tokens[at]
  if (token === undefined) return null
  const part = partAt(sentence, at, subjects)
  if (part !== null)
    return `“${token.text}” is a part of ${part.values.slice(0, 2).join(' or ')}; write the whole name`
  const known = sentence.terms.some(({ values }) =>
    values.some((value) => value.toLowerCase() === token.word),
  )
  return families.has(token.word) && !known && !subjects.includes('model')
    ? whyUnknown(sentence, token)
    : null
}

/** Models by the names of their families, which are no names of anything else. */
const families = new Set(
  'haiku sonnet opus claude gemini llama mistral deepseek grok qwen gpt chatgpt'.split(' '),
)

/** gpt-6, team_7, eu-west-1: and neither p95 nor 5xx nor 10x nor 2nd. */
function isCoded(word: string): boolean {
  if (/^(?:p\d+(?:\.\d+)?|[45]xx|[45]\d\ds?|\d.*)$/u.test(word)) return false
  return /_/u.test(word) || (/\d/u.test(word) && /\p{L}/u.test(word))
}

/** Umbrella, in a sentence that is not written in capitals throughout. */
function isCapitalised({ tokens }: Sentence, at: number): boolean {
  const small = tokens.filter(
    ({ kind, text }, index) => kind === 'word' && index > 0 && /^\p{Ll}/u.test(text),
  )
  const before = tokens[at - 1]?.word ?? ''
  // The bill from OpenAI is the file at hand.
  const origin = before === 'from' && origins.has(tokens[at - 2]?.word ?? '')
  const person = salutes.has(before === ',' ? (tokens[at - 2]?.word ?? '') : before)
  return at > 0 && !origin && !person && small.length > 0 && /^\p{Lu}.*\p{Ll}/u.test(tokens[at]?.text ?? '')
}

/** "Thanks, Anna". */
const salutes = new Set(['hi', 'hello', 'hey', 'dear', 'thanks', 'regards', 'cheers', 'best'])
const origins = new Set('bill invoice export file data log logs usage'.split(' '))
const namePrepositions = new Set([
  'for',
  'of',
  'from',
  'in',
  'on',
  'at',
  'only',
  'just',
  'about',
  'than',
  'like',
])
const articles = new Set(['the', 'our', 'my', 'your', 'a', 'an', 'all', 'this', 'that'])
/** What holds a part of the traffic in somebody's words, whether or not a field is for it. */
const holders = new Set(
  'project environment env region country department division brand group campaign'.split(' '),
)
const perhapsNames = new Set<FieldName>(['tenant', 'user', 'model', 'feature', 'provider'])
/** What is somebody's: a word before it that is no name describes it. */
const measured = new Set('cost spend bill latency chargeback traffic usage error request'.split(' '))
const beforeOwner = new Set(['the', 'our', 'my', 'me', 'show', 'explain', 'down', 'analyse', 'analyze'])
const listing = new Set(['and', 'or', ',', '&', 'plus', 'versus', 'vs'])
/** Follow a field's name without naming one of its values: "customer support", "user experience". */
const compounds = new Set(
  'support service care experience interface base facing success churn segment segments name names id ids size side version versions choice selection mix routing tier tiers'.split(
    ' ',
  ),
)

function standsAsName(sentence: Sentence, at: number, named: ReadonlySet<number>): boolean {
  const { tokens } = sentence
  const word = tokens[at]?.word ?? ''
  let before = at - 1
  while (articles.has(tokens[before]?.word ?? '')) before -= 1
  const previous = tokens[before]?.word ?? ''
  if (previous === 'from' && origins.has(tokens[before - 1]?.word ?? '')) return false
  if (namePrepositions.has(previous)) return true
  // "for acme and umbrella": one of a list was read, the other was not.
  if (listing.has(previous) && (named.has(before - 1) || named.has(before - 2))) return true
  // "tenant zeta", and not "the model hallucinates" or "which customer complains".
  const introduced = ['which', 'what', 'each', 'every', 'any', 'per', 'by', 'the', 'our', 'my', 'a']
  if (
    before === at - 1 &&
    !compounds.has(word) &&
    (matchFields([previous]).some((field) => perhapsNames.has(field)) || holders.has(previous)) &&
    stem(previous) === previous &&
    !introduced.includes(tokens[before - 1]?.word ?? '')
  )
    return true
  const adjective = /(?:ing|ed|ly|er|est|ive|al|ous|ic|able|ful)$/u.test(word)
  if (adjective) return false
  // "zeta cost breakdown", "our zeta traffic": whose it is.
  const owns = measured.has(stem(tokens[at + 1]?.word ?? ''))
  return isSubject(sentence, at) || (owns && (at === 0 || beforeOwner.has(tokens[at - 1]?.word ?? '')))
}

/** "only cached requests", "cheap requests only", "the 10 slowest requests": whatever they are, they are not all. */
function onlySome(sentence: Sentence): string | null {
  const { tokens } = sentence
  const isRows = (at: number) => rowNouns.has(stem(tokens[at]?.word ?? ''))
  const says = (from: number, to: number) =>
    `I cannot tell which rows “${tokens
      .slice(from, to)
      .map(({ text }) => text)
      .join(' ')}” means`
  for (const [at, token] of tokens.entries()) {
    if (free(sentence, at) === undefined) continue
    if (token.word === 'only' || token.word === 'just') {
      const next = at + (['the', 'for', 'our'].includes(tokens[at + 1]?.word ?? '') ? 2 : 1)
      if (free(sentence, next) !== undefined && isRows(next + 1) && !isRows(next)) return says(at, next + 2)
      const kind = free(sentence, at - 2)
      if (isRows(at - 1) && kind?.kind === 'word' && !articles.has(kind.word) && !plainKinds.has(kind.word))
        return says(at - 2, at + 1)
    }
    if (token.kind !== 'number') continue
    const counted = [at + 1, at + 2, at + 3].find(isRows)
    const ranked = tokens.slice(Math.max(0, at - 1), counted ?? at).some(({ word }) => ranks.test(word))
    if (counted !== undefined && ranked) return says(at, counted + 1)
    if (isRange(sentence, at)) return says(at, at + 4)
  }
  return null
}

const plainKinds = new Set(['of', 'for', 'in', 'by', 'all', 'per', 'and', 'with', 'on', 'from', 'about'])
const ranks = /^(?:top|bottom|first|last|latest|most|least|\p{L}+est)$/u

/** "100 to 200 prompt tokens", and not "save 10 to 20 percent". */
function isRange({ tokens }: Sentence, at: number): boolean {
  const [joint, second, after] = tokens.slice(at + 1, at + 4)
  const percent = second?.unit === '%' || (after?.word ?? '').startsWith('percent')
  return ['to', '-', '–'].includes(joint?.word ?? '') && second?.kind === 'number' && !percent
}
