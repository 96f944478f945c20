import type { FieldName } from '../fields.ts'
import { comparedAt, needsUnit, type Operand, quantityAt, unitAt } from './compared.ts'
import { unitOfName } from './concepts.ts'
import { exclusionAt, unclearList } from './exclusions.ts'
import { outcomeAt, takeOutcome } from './outcome-filter.ts'
import { partAt } from './parts-of-names.ts'
import { type Filter, timeGrains } from './reading.ts'
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
  saysAt,
  settle,
  take,
} from './sentence.ts'
import { isSuperlative } from './superlatives.ts'
import type { KnownTerm } from './terms.ts'
import { isValue, valueAt, valuesAt } from './values.ts'
import {
  aggregateWords,
  comparisons,
  equalities,
  fillers,
  introducers,
  missingWords,
  notUnderstood,
  outcomes,
  rowNouns,
} from './vocabulary.ts'
import { stem, type Token } from './words.ts'

type ValueFilter = Filter & { kind: 'in' }

/** Numbers match as bare values only in columns that are codes rather than quantities. */
const maxCodes = 50

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

/** `latency_ms > 5000`, `status is 429`, `tenant acme`, `model contains mini`, `tenant is missing`. */
export function conditionAt(sentence: Sentence, at: number): readonly Filter[] | Stop | null {
  if (keyword(sentence.tokens[at])) return null
  const mention = mentionAt(sentence, at, () => true)
  if (mention === null) return null
  const next = at + mention.length
  const rest = operatorAt(sentence, next)
  if (rest === null) return pairAt(sentence, at, mention.length)
  const from = next + rest.length
  const said = { ...rest, named: unitOfName(mention.said) }
  // Which column is settled only once an operand follows: a mention alone may be no condition at all.
  const likely = mention.matches[0]?.term
  if (likely === undefined || operandAt(sentence, likely, said, from) === null) return null
  const found = operandAt(sentence, settle(sentence, mention), said, from)
  if (found === null || isStop(found)) return found
  take(sentence, at, from + found.length - at)
  return [found.filter]
}

type Operator = (typeof comparisons)[number][1] | 'is' | 'is not' | 'contains'

function operatorAt(
  sentence: Sentence,
  at: number,
): { operator: Operator; sure: boolean; length: number } | null {
  for (const verb of ['', 'is ', 'are ', 'was ', 'were ']) {
    for (const [phrase, operator] of comparisons) {
      const length = phraseLength(sentence, at, verb + phrase)
      if (length > 0) return { operator, sure: true, length }
    }
  }
  for (const phrase of ['contains', 'containing', 'contain', 'like']) {
    if (phraseLength(sentence, at, phrase) > 0) return { operator: 'contains', sure: true, length: 1 }
  }
  for (const [phrase, operator] of equalities) {
    const length = phraseLength(sentence, at, phrase)
    // "in" and "are" stand in many sentences that are no condition: only a known value makes them one.
    if (length > 0) return { operator, sure: !['in', 'are', 'was'].includes(phrase), length }
  }
  return null
}

function phraseLength(sentence: Sentence, at: number, phrase: string): number {
  return saysAt(sentence, at, phrase) ? phrase.split(' ').length : 0
}

function operandAt(
  sentence: Sentence,
  term: KnownTerm,
  { operator, sure, named }: { operator: Operator; sure: boolean; named: string },
  at: number,
): Operand | Stop | null {
  const token = free(sentence, at)
  if (token === undefined) return null
  switch (operator) {
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparedAt(sentence, term, { operator, named }, at)
    case 'contains':
      if (token.kind !== 'quoted' && keyword(token)) return null
      return { filter: { kind: 'contains', term: plainTerm(term), text: token.text }, length: 1 }
    case 'is':
    case 'is not': {
      const negated = operator === 'is not'
      if (missingWords.has(token.word) && !isValue(term, token.text))
        return { filter: { kind: 'missing', term: plainTerm(term), negated }, length: 1 }
      const measured = term.kind === 'number' && unitAt(sentence, at).unit !== ''
      // "429s" are a code, and no seconds.
      if (needsUnit(term) || (measured && valueAt(sentence, term, at) === null)) {
        const quantity = sure ? quantityAt(sentence, term, named, at) : null
        if (quantity === null || isStop(quantity)) return quantity
        const values = [String(quantity.value)]
        return { filter: { kind: 'in', term: plainTerm(term), values, negated }, length: quantity.length }
      }
      const odd = keyword(token) || (term.kind === 'number' && token.kind !== 'number')
      const values = valuesAt(sentence, term, at, sure && !odd)
      if (values === null) return null
      if (isStop(values)) return values
      const filter: ValueFilter = { kind: 'in', term: plainTerm(term), values: values.values, negated }
      return { filter, length: values.length }
    }
    default:
      throw new Error(`unknown operator ${operator satisfies never}`)
  }
}

/** What a unit alone says of which column: seconds are a latency, dollars a cost. Tokens may be either. */
const unitFields: Readonly<Record<string, FieldName>> = {
  ms: 'latency_ms',
  s: 'latency_ms',
  min: 'latency_ms',
  USD: 'cost_usd',
  cents: 'cost_usd',
}

/** "requests over 5 seconds", "more than 1 cent": the column is told by the unit. */
export function unitCondition(sentence: Sentence, at: number): readonly Filter[] | Stop | null {
  const rest = comparisonAt(sentence, at)
  if (rest === null) return null
  const field = unitFields[unitAt(sentence, at + rest.length).unit]
  const term = sentence.terms.find((each) => each.field === field && each.kind === 'number')
  if (field === undefined || term === undefined) return null
  const found = operandAt(sentence, term, { ...rest, named: '' }, at + rest.length)
  if (found === null || isStop(found)) return found
  take(sentence, at, rest.length + found.length)
  return [found.filter]
}

/** "more than 1000 prompt tokens": the column stands behind the number. */
export function columnBehind(sentence: Sentence, at: number): readonly Filter[] | Stop | null {
  const rest = comparisonAt(sentence, at)
  if (rest === null) return null
  const from = at + rest.length
  const mention = mentionAt(sentence, from + 1, (term) => term.kind === 'number')
  if (mention === null) return null
  const said = { ...rest, named: unitOfName(mention.said) }
  const found = operandAt(sentence, settle(sentence, mention), said, from)
  if (found === null || isStop(found)) return found
  take(sentence, at, Math.max(rest.length + found.length, rest.length + 1 + mention.length))
  return [found.filter]
}

/** "over 5", "at least 3": a comparison, and a number behind it. */
function comparisonAt(sentence: Sentence, at: number): ReturnType<typeof operatorAt> {
  const rest = operatorAt(sentence, at)
  if (rest === null || !['<', '<=', '>', '>='].includes(rest.operator)) return null
  return free(sentence, at + rest.length)?.kind === 'number' ? rest : null
}

/** `tenant acme`: a column and one of its values, side by side. */
function pairAt(sentence: Sentence, at: number, length: number): readonly Filter[] | Stop | null {
  const mention = mentionAt(sentence, at, (term) => term.kind === 'text' || isCode(term))
  if (mention === null || mention.length !== length) return null
  const next = free(sentence, at + length)
  if (next === undefined || next.kind === 'comma' || next.kind === 'operator') return null
  const terms = mention.matches.map(({ term }) => term)
  const known = terms.filter((term) => valuesAt(sentence, term, at + length, false) !== null)
  const introduced = ['for', 'with', 'where', 'of', 'from'].includes(sentence.tokens[at - 1]?.word ?? '')
  // A value the column is not known to have: only where the words around leave no other reading.
  if (
    known.length === 0 &&
    (!introduced || keyword(next) || mentionAt(sentence, at + length, () => true) !== null)
  )
    return null
  const term = known.length === 1 ? known[0] : settle(sentence, mention)
  if (term === undefined) throw new Error('one term was found')
  const values = valuesAt(sentence, term, at + length, true)
  if (values === null) return null
  if (isStop(values)) return values
  take(sentence, at, length + values.length)
  return [{ kind: 'in', term: plainTerm(term), values: values.values, negated: false }]
}

/** Few enough different values to be codes or grades, written as they are read. */
function isCode(term: KnownTerm): boolean {
  return term.distinct <= maxCodes && !needsUnit(term)
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

/** Words with a meaning of their own are no values unless their column stands before them. */
function keyword(token: Token | undefined): boolean {
  if (token === undefined || token.kind === 'quoted') return false
  const { word } = token
  const root = stem(word)
  return (
    fillers.has(word) ||
    introducers.has(word) ||
    aggregateWords.has(word) ||
    rowNouns.has(root) ||
    outcomes.failed.has(word) ||
    outcomes.succeeded.has(word) ||
    timeGrains.some((grain) => grain === root) ||
    notUnderstood.has(word) ||
    ['per', 'top', 'bottom', 'most', 'least', 'fewest', 'true', 'false', 'trend', 'rate'].includes(word)
  )
}

/** Whether the sentence says this phrase; takes it where it does. */
export function takePhrase(sentence: Sentence, phrase: string): boolean {
  const at = findPhrase(sentence, phrase)
  if (at === null) return false
  take(sentence, at, phrase.split(' ').length)
  return true
}
