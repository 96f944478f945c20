import type { FieldName } from '../fields.ts'
import { isGrammar, isOrdinary } from './ordinary-words.ts'
import { free, type Sentence } from './sentence.ts'
import type { KnownTerm } from './terms.ts'
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
  for (const term of sentence.terms) {
    const { field, values, complete } = term
    if (field === null || !parted.has(field) || (subjects.includes(field) && !beforeRows)) continue
    if (values.some((value) => value.toLowerCase() === word)) return null
    const found = holding(sentence, at, values)
    if (found === null || (complete && found.values.length === values.length)) continue
    if (field === 'feature' && !closesPhrase(sentence, at)) continue
    const plain = plainParts.has(word) || (field !== 'model' && field !== 'feature' && isGrammar(word))
    if (plain && !beforeModel(sentence, at)) continue
    const one = found.values.length === 1 && (field === 'feature' || !isOrdinary(word))
    return { term, ...found, sure: field === 'model' || one }
  }
  return null
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
    const found = values.filter((value) => ` ${partsOf(value)} `.includes(said))
    if (found.length > 0) return { values: found, length }
  }
  return null
}

const partsOf = (text: string): string =>
  text
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .join(' ')
    .trim()

const articles = new Set(['the', 'our', 'my', 'your', 'a', 'an', 'all', 'this', 'that'])
const beforePart = new Set('for of only just about did does do is are was were'.split(' '))
const afterPart = new Set('and or in on by only cost take use last since'.split(' '))
/** What a part of a feature's name describes: "nightly jobs". */
const work = new Set('job batch run task pipeline workload'.split(' '))

/** "of the summaries", "cost of nightly jobs": where no other noun follows that the word describes. */
function closesPhrase({ tokens }: Sentence, at: number): boolean {
  const before = tokens[at - 1]?.word ?? ''
  const introducer = articles.has(before) ? (tokens[at - 2]?.word ?? '') : before
  const next = tokens[at + 1]
  const root = stem(next?.word ?? '')
  const ends =
    next === undefined ||
    next.kind === 'comma' ||
    afterPart.has(next.word) ||
    work.has(root) ||
    rowNouns.has(root)
  return ends && beforePart.has(introducer)
}

function beforeModel({ tokens }: Sentence, at: number): boolean {
  return ['model', 'models'].includes(tokens[at + 1]?.word ?? '')
}
