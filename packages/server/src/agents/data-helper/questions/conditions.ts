import type { FieldName } from '../fields.ts'
import { comparedAt, needsUnit, type Operand, quantityAt, unitAt } from './compared.ts'
import { unitOfName } from './concepts.ts'
import { type Filter, timeGrains } from './reading.ts'
import {
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
  const end = from + found.length
  const owned = found.filter.kind === 'compare' ? ofOwner(sentence, at) : null
  if (owned !== null) return owned
  if (found.filter.kind === 'compare' && mentionAt(sentence, end, isMeasure) !== null)
    return refuse(
      `I cannot tell whether “${sentence.tokens[from]?.text}” is ${likely.label} or what stands behind it`,
    )
  return alone(sentence, at, end) ?? [found.filter]
}

const isMeasure = ({ kind }: KnownTerm): boolean => kind === 'number'

/** Two comparisons joined by "or" are not both meant, and "more than 5 of this and that" is no figure of that. */
function alone(sentence: Sentence, at: number, end: number): Stop | null {
  const joint = free(sentence, end)?.word ?? ''
  if (joint === 'or' || free(sentence, at - 1)?.word === 'or')
    return refuse('I combine conditions with “and”, and not with “or”')
  const listed = ['and', '&', ','].includes(joint) ? mentionAt(sentence, end + 1, isMeasure) : null
  // "and status is 200" is a condition of its own.
  return listed === null || operatorAt(sentence, end + 1 + listed.length) !== null
    ? null
    : refuse(`I cannot tell whether “${listed.said}” is limited as well; write the number before each`)
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
  const owned = ofOwner(sentence, at)
  if (owned !== null) return owned
  const found = operandAt(sentence, term, { ...rest, named: '' }, at + rest.length)
  if (found === null || isStop(found)) return found
  take(sentence, at, rest.length + found.length)
  return alone(sentence, at, at + rest.length + found.length) ?? [found.filter]
}

/** "more than 1000 prompt tokens": the column stands behind the number. */
export function columnBehind(sentence: Sentence, at: number): readonly Filter[] | Stop | null {
  const rest = comparisonAt(sentence, at)
  if (rest === null) return null
  const from = at + rest.length
  const mention = mentionAt(sentence, from + 1, isMeasure)
  if (mention === null) return null
  const owned = ofOwner(sentence, at)
  if (owned !== null) return owned
  const said = { ...rest, named: unitOfName(mention.said) }
  const found = operandAt(sentence, settle(sentence, mention), said, from)
  if (found === null || isStop(found)) return found
  const length = Math.max(rest.length + found.length, rest.length + 1 + mention.length)
  take(sentence, at, length)
  return alone(sentence, at, at + length) ?? [found.filter]
}

/** "tenants that spend over $100": of each request, or of all of theirs? */
function ofOwner(sentence: Sentence, at: number): Stop | null {
  const owner = ownerBefore(sentence, at)
  return owner === null
    ? null
    : refuse(
        `I cannot tell whether each ${owner} or each row of it is meant; write “requests with …”, or ask for the total of each ${owner}`,
      )
}

const having = new Set(
  'with having have has had that of at spend spends spent cost costs use uses take took'.split(' '),
)

/** "tenants with more than 1000 tokens", "months that have …": what is compared may be all that they have. */
function ownerBefore(sentence: Sentence, at: number): string | null {
  let before = at - 1
  while (having.has(sentence.tokens[before]?.word ?? '')) before -= 1
  const noun = sentence.tokens[before]
  if (noun === undefined || noun.kind !== 'word' || rowNouns.has(stem(noun.word))) return null
  const whole = { ...sentence, taken: new Set<number>() }
  const grouped =
    timeGrains.some((grain) => grain === stem(noun.word)) ||
    (mentionAt(whole, before, ({ kind }) => kind === 'text')?.matches[0]?.score ?? 0) >= 0.7
  return grouped ? stem(noun.word) : null
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
export function isCode(term: KnownTerm): boolean {
  return term.distinct <= maxCodes && !needsUnit(term)
}

/** Words with a meaning of their own are no values unless their column stands before them. */
export function keyword(token: Token | undefined): boolean {
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
