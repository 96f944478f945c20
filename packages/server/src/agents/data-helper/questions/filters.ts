import { columnBehind, conditionAt, isCode, keyword, unitCondition } from './conditions.ts'
import { exclusionAt, unclearList } from './exclusions.ts'
import { outcomeAt, takeOutcome } from './outcome-filter.ts'
import { partAt } from './parts-of-names.ts'
import type { Filter } from './reading.ts'
import {
  choose,
  findPhrase,
  free,
  isStop,
  mentionAt,
  plainTerm,
  refuse,
  type Sentence,
  type Stop,
  take,
} from './sentence.ts'
import { isSuperlative } from './superlatives.ts'
import { valuesAt } from './values.ts'
import { introducers, rowNouns } from './vocabulary.ts'
import { stem } from './words.ts'

/** A condition and the words that say it: from `at` to before `end`. */
export interface PlacedFilter {
  readonly filter: Filter
  readonly at: number
  readonly end: number
}

/** Takes every condition on columns: comparisons, column-value pairs, values alone, and failed or succeeded. */
export function takeFilters(sentence: Sentence): readonly PlacedFilter[] | Stop {
  const placed: PlacedFilter[] = []
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    if (free(sentence, at) === undefined) continue
    const taken = sentence.taken.size
    const name = nameLengthAt(sentence, at)
    const found =
      excludedAt(sentence, at) ??
      conditionAt(sentence, at) ??
      unitCondition(sentence, at) ??
      columnBehind(sentence, at) ??
      bareValueAt(sentence, at, name) ??
      partOfNameAt(sentence, at, name)
    if (found !== null && isStop(found)) return found
    const end = at + sentence.taken.size - taken
    if (found !== null) placed.push(...found.map((filter) => ({ filter, at, end })))
    else if (name > 1) at += name - 1
  }
  const outcome = takeOutcome(sentence)
  if (outcome !== null && isStop(outcome)) return outcome
  const filters = placed.map(({ filter }) => filter)
  const repeated = filters.find(
    (filter, index) =>
      filter.kind === 'in' &&
      filters.some(
        (other, at) => at > index && other.kind === 'in' && other.term.label === filter.term.label,
      ),
  )
  if (repeated !== undefined)
    return refuse(
      `two conditions on ${repeated.term.label}; write them as one, e.g. “${repeated.term.label} in a, b”`,
    )
  return outcome === null ? placed : [...placed, { ...outcome, end: outcome.at + 1 }]
}

/** "excluding acme", "except tenant acme and globex", "without errors": what could stand there, the other way round. */
function excludedAt(sentence: Sentence, at: number): readonly Filter[] | Stop | null {
  const exclusion = exclusionAt(sentence, at)
  if (exclusion === null) return null
  const { from } = exclusion
  const before = placesOf(sentence)
  const found = saidAt(sentence, from)
  if (found === null || isStop(found)) return found
  const left = found.map(opposite).filter((filter) => filter !== null)
  if (left.length < found.length) {
    // As it was: the word is refused where nothing else takes it.
    restore(sentence, before)
    return null
  }
  take(sentence, at, from - at)
  const unclear = unclearList(sentence, from, (place) => isSaid(sentence, place))
  return unclear === null ? left : refuse(unclear)
}

const saidAt = (sentence: Sentence, at: number): readonly Filter[] | Stop | null =>
  outcomeAt(sentence, at) ??
  conditionAt(sentence, at) ??
  bareValueAt(sentence, at, nameLengthAt(sentence, at)) ??
  partOfNameAt(sentence, at, nameLengthAt(sentence, at))

function isSaid(sentence: Sentence, at: number): boolean {
  const before = placesOf(sentence)
  const found = saidAt(sentence, at)
  restore(sentence, before)
  return found !== null
}

interface Places {
  readonly taken: ReadonlySet<number>
  readonly asked: number
}

const placesOf = ({ taken, open }: Sentence): Places => ({ taken: new Set(taken), asked: open.length })

function restore(sentence: Sentence, { taken, asked }: Places): void {
  for (const place of sentence.taken) if (!taken.has(place)) sentence.taken.delete(place)
  sentence.open.length = asked
}

/** null: a comparison and its like say by themselves what is left out. */
function opposite(filter: Filter): Filter | null {
  if (filter.kind === 'outcome')
    return { ...filter, outcome: filter.outcome === 'failed' ? 'succeeded' : 'failed' }
  return filter.kind === 'in' && !filter.negated ? { ...filter, negated: true } : null
}

/** Words that name a column in full: in "output length" no value is said, whatever column has a value "length". */
function nameLengthAt(sentence: Sentence, at: number): number {
  const mention = mentionAt(sentence, at, () => true)
  return mention !== null && (mention.matches[0]?.score ?? 0) >= 0.95 ? mention.length : 0
}

/** "top 5 …", "the 5 slowest …", "5 requests with the highest …": such a number counts lines. */
function countsLines(sentence: Sentence, at: number): boolean {
  const word = (index: number): string => sentence.tokens[index]?.word ?? ''
  if (['top', 'bottom', 'first', 'last'].includes(word(at - 1)) || isSuperlative(word(at + 1))) return true
  return (
    rowNouns.has(stem(word(at + 1))) &&
    sentence.tokens.slice(at + 2).some((token) => isSuperlative(token.word))
  )
}

/** A number that says by itself what it is: 429 is a status, 500s are some, 5 may be anything. */
const spokenCode = /^[1-5]\d\ds?$/u

/**
 * `acme`, `429`, `gpt-5`: a value that says by itself which column is meant.
 *
 * @param name the length of the column's name that stands here: a value has to say more
 */
function bareValueAt(sentence: Sentence, at: number, name: number): readonly Filter[] | Stop | null {
  const token = sentence.tokens[at]
  if (token === undefined || (token.kind !== 'quoted' && keyword(token))) return null
  if (token.kind === 'number' && countsLines(sentence, at)) return null
  const codes = sentence.terms.filter(
    (term) => term.kind === 'text' || (term.kind === 'number' && isCode(term)),
  )
  const holders = codes.flatMap((term) => {
    const values = valuesAt(sentence, term, at, false)
    return values === null || isStop(values) ? [] : [{ term, values }]
  })
  if (holders.length === 0) return null
  const longest = Math.max(...holders.map(({ values }) => values.length))
  if (name > 1 && longest <= name) return null
  const plainNumber = token.kind === 'number' && longest === 1 && !spokenCode.test(token.word)
  const level = holders.filter(
    ({ term, values }) =>
      values.length === longest &&
      (!plainNumber || mentionAt(sentence, at + 1, (each) => each === term) !== null),
  )
  if (level.length === 0) return null
  const mapped = level.filter(({ term }) => term.field !== null)
  const candidates = mapped.length === 1 ? mapped : level
  const [only, second] = candidates
  const chosen =
    second === undefined
      ? only?.term
      : choose(sentence, {
          id: `value:${token.word}`,
          text: `“${token.text}” is a value of several columns. Which is meant?`,
          terms: candidates.map(({ term }) => term),
          label: (term) => `${term.label} is ${token.text}`,
        })
  const holder = candidates.find(({ term }) => term === chosen)
  if (holder === undefined) throw new Error('one of the candidates was chosen')
  if (at === 0 && imperatives.has(token.word))
    return refuse(
      `“${token.text}” can be a request or ${holder.term.label} ${token.text}; write “for ${holder.term.label} ${token.text}”`,
    )
  take(sentence, at, longest)
  const after = mentionAt(sentence, at + longest, (term) => term === holder.term)
  // "the acme tenant": the column named after its value says nothing more.
  if (after !== null && !introducers.has(sentence.tokens[at + longest]?.word ?? ''))
    take(sentence, at + longest, after.length)
  return [{ kind: 'in', term: plainTerm(holder.term), values: holder.values.values, negated: false }]
}

/** "sonnet", "claude": a part of names that tells which are meant. */
function partOfNameAt(sentence: Sentence, at: number, name: number): readonly Filter[] | null {
  const part = name > 0 || keyword(sentence.tokens[at]) ? null : partAt(sentence, at, [])
  if (part?.sure !== true) return null
  take(sentence, at, part.length)
  return [{ kind: 'in', term: plainTerm(part.term), values: part.values, negated: false }]
}

const imperatives = new Set([
  'report',
  'list',
  'chart',
  'summary',
  'classify',
  'summarise',
  'summarize',
  'chat',
  'compare',
])

/** Whether the sentence says this phrase; takes it where it does. */
export function takePhrase(sentence: Sentence, phrase: string): boolean {
  const at = findPhrase(sentence, phrase)
  if (at === null) return false
  take(sentence, at, phrase.split(' ').length)
  return true
}
