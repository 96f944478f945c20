import type { FieldName } from '../fields.ts'
import { isGrammar, isOrdinary } from './ordinary-words.ts'
import { free, mentionAt, type Sentence } from './sentence.ts'
import { type KnownTerm, matchFields } from './terms.ts'
import { rowNouns } from './vocabulary.ts'
import { stem } from './words.ts'

/** Values that hold the words which stand here, none of them whole. */
export interface PartOfNames {
  readonly term: KnownTerm
  readonly values: readonly string[]
  /** In words. */
  readonly length: number
  /**
   * Whether these are the ones that are meant: of models, all that bear the words; of customers and of work, where there
   * is one, and the words are none that anybody uses.
   */
  readonly sure: boolean
}

/** Fields whose values people say in part. */
const parted: ReadonlySet<FieldName> = new Set(['tenant', 'user', 'model', 'provider', 'feature'])

/** Words in names of models that say of what kind one is; elsewhere they are words like any other. */
const plainParts = new Set(
  'text chat large small medium embedding embeddings preview latest instruct vision audio image turbo pro fast model base code online search reasoning realtime batch default test prod api the and'.split(
    ' ',
  ),
)

/** As many words as a part of a name has at most: "claude sonnet 4.5". */
const maxWords = 4

/**
 * "Why is sonnet slow?" says a part of claude-sonnet-4-5, and "claude haiku" a part of others. Null where the words are
 * a value by themselves, or say something else.
 *
 * @param subjects fields whose values the playbook speaks of as its subject
 */
export function partAt(sentence: Sentence, at: number, subjects: readonly FieldName[]): PartOfNames | null {
  const word = free(sentence, at)?.word ?? ''
  if (!/^[\p{L}]{3,}$/u.test(word)) return null
  const beforeRows = rowNouns.has(stem(sentence.tokens[at + 1]?.word ?? ''))
  const parts = sentence.terms.flatMap((term): readonly PartOfNames[] => {
    const { field, values, complete } = term
    if (field === null || !parted.has(field) || (subjects.includes(field) && !beforeRows)) return []
    const found = holding(sentence, at, values)
    if (found === null || (complete && found.values.length === values.length)) return []
    if (field === 'feature' && !closesPhrase(sentence, at)) return []
    const plain = plainParts.has(word) || (field !== 'model' && field !== 'feature' && isGrammar(word))
    if (plain && !beforeModel(sentence, at)) return []
    const telling = !isOrdinary(word) || (field === 'feature' && isWork(sentence, at + 1))
    const one = field === 'model' || (found.values.length === 1 && telling)
    return [{ term, ...found, sure: one && complete && !goesOn(sentence, term, at + found.length) }]
  })
  const [first, second] = parts
  if (first === undefined || sentence.terms.some((term) => isWhole(term, word))) return null
  return second === undefined ? first : { ...first, sure: false }
}

const isWhole = ({ field, values }: KnownTerm, word: string): boolean =>
  field !== null && parted.has(field) && values.some((value) => value.toLowerCase() === word)

/**
 * Whether the name is not at its end: "sonnet 3.5" and "sonnet thinking" are other models than those that bear its
 * beginning, and of "support and chat" the rest would be lost.
 */
function goesOn(sentence: Sentence, { field }: KnownTerm, end: number): boolean {
  const next = sentence.tokens[end]
  if (next === undefined) return false
  // Of models each name of a list is read, also where it is a part.
  if (joints.has(next.word)) return field !== 'model' && isNamed(sentence, end + 1)
  if (next.kind === 'number' || (field === 'model' && plainParts.has(next.word)))
    return !beforeModel(sentence, end - 1)
  return next.kind === 'word' && !isOrdinary(next.word) && mentionAt(sentence, end, () => true) === null
}

export const joints: ReadonlySet<string> = new Set(['and', 'or', ',', '&', 'plus'])

/** Whether the word is somebody's name, or a part of one. */
export function isNamed(sentence: Sentence, at: number): boolean {
  const word = sentence.tokens[at]?.word ?? ''
  return sentence.terms.some(
    ({ field, values }) =>
      field !== null &&
      parted.has(field) &&
      values.some((value) => value.toLowerCase() === word || partsOf(value).split(' ').includes(word)),
  )
}

/** The values in which the longest run of words from here stands, one behind the other. */
function holding(
  sentence: Sentence,
  at: number,
  values: readonly string[],
): Pick<PartOfNames, 'values' | 'length'> | null {
  for (let length = maxWords; length >= 1; length -= 1) {
    const tokens = Array.from({ length }, (_, index) => free(sentence, at + index))
    if (tokens.some((token) => token === undefined || token.kind === 'comma' || token.kind === 'operator'))
      continue
    const said = ` ${partsOf(tokens.map((token) => token?.text ?? '').join(' '))} `
    const found = values.filter((value) => bears(` ${partsOf(value)} `, said))
    if (found.length > 0) return { values: found, length }
  }
  return null
}

/** Not "sonnet 4" by claude-sonnet-4-5, which is another version; a date behind the version is none. */
function bears(value: string, said: string): boolean {
  const at = value.indexOf(said)
  return at !== -1 && !(/\d $/u.test(said) && /^\d{1,2} /u.test(value.slice(at + said.length)))
}

const partsOf = (text: string): string =>
  text
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .join(' ')
    .trim()

const articles = new Set(['the', 'our', 'my', 'your', 'a', 'an', 'all', 'this', 'that'])
const introducing = new Set('for of only just about'.split(' '))
const asking = new Set('did does do is are was were'.split(' '))
const ending = new Set('and or in on by only'.split(' '))
/** What a part of a feature's name describes: "nightly jobs". */
const work = new Set('job batch run task pipeline workload'.split(' '))
/** How often something is, and no name of it: "our daily cost". */
const often = new Set('hourly daily weekly monthly quarterly yearly annual'.split(' '))

/** "of the summaries", "cost of nightly jobs": where no other noun follows that the word describes. */
function closesPhrase(sentence: Sentence, at: number): boolean {
  const { tokens } = sentence
  const word = tokens[at]?.word ?? ''
  const before = tokens[at - 1]?.word ?? ''
  const introducer = articles.has(before) ? (tokens[at - 2]?.word ?? '') : before
  const next = tokens[at + 1]
  const ends = next === undefined || next.kind === 'comma' || ending.has(next.word)
  if (ends && introducing.has(introducer)) return true
  const named = mentionAt(sentence, at, () => true) !== null || matchFields([word]).length > 0
  if (often.has(word) || named || (isOrdinary(word) && !isWork(sentence, at + 1))) return false
  const described = isWork(sentence, at + 1) || rowNouns.has(stem(next?.word ?? ''))
  if (introducing.has(introducer)) return described
  return asking.has(introducer) && (ends || described || ['cost', 'take', 'use'].includes(next?.word ?? ''))
}

const isWork = ({ tokens }: Sentence, at: number): boolean => work.has(stem(tokens[at]?.word ?? ''))

function beforeModel({ tokens }: Sentence, at: number): boolean {
  return ['model', 'models'].includes(tokens[at + 1]?.word ?? '')
}
