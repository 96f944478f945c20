import type { FieldName } from '../fields.ts'
import { groupAt, notACount } from './groups.ts'
import type { Group, SimpleReading } from './reading.ts'
import {
  free,
  isStop,
  mentionAt,
  plainTerm,
  refuse,
  type Sentence,
  type Stop,
  settle,
  take,
} from './sentence.ts'
import type { KnownTerm } from './terms.ts'
import { directions, rowNouns } from './vocabulary.ts'
import { stem } from './words.ts'

type Order = SimpleReading['order']

interface Said {
  readonly field: FieldName
  readonly order: Order
}

/** Adjectives that name a measure and a direction in one word. */
const adjectives: Readonly<Record<string, Said>> = {
  cheapest: { field: 'cost_usd', order: 'smallest' },
  costliest: { field: 'cost_usd', order: 'largest' },
  priciest: { field: 'cost_usd', order: 'largest' },
  dearest: { field: 'cost_usd', order: 'largest' },
  slowest: { field: 'latency_ms', order: 'largest' },
  fastest: { field: 'latency_ms', order: 'smallest' },
  quickest: { field: 'latency_ms', order: 'smallest' },
}

/** The same after "most" and "least". */
const graded: Readonly<Record<string, Said>> = {
  expensive: { field: 'cost_usd', order: 'largest' },
  costly: { field: 'cost_usd', order: 'largest' },
  pricey: { field: 'cost_usd', order: 'largest' },
  cheap: { field: 'cost_usd', order: 'smallest' },
  slow: { field: 'latency_ms', order: 'largest' },
  fast: { field: 'latency_ms', order: 'smallest' },
}

/** Whether a word ranks: a number before it counts lines. */
export function isSuperlative(word: string): boolean {
  return Object.hasOwn(directions, word) || Object.hasOwn(adjectives, word)
}

/** Rows of a list where the question gives no number. */
const defaultRows = 10

/** Columns shown of a single row, beside the one it is ranked by. */
const shownColumns = 5

export type Superlative = Pick<
  SimpleReading,
  'aggregate' | 'measure' | 'groups' | 'order' | 'limit' | 'assumed'
>

/**
 * "the most expensive request", "10 slowest calls", "top 5 requests by cost", "the request with the most output tokens",
 * "cheapest model", "which tenant is the most expensive". Takes the words it reads; null where it is none of these.
 */
export function takeSuperlative(sentence: Sentence): Superlative | Stop | null {
  return topRows(sentence) ?? rowsWith(sentence) ?? adjectiveAt(sentence)
}

function adjectiveAt(sentence: Sentence): Superlative | Stop | null {
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const word = free(sentence, at)?.word ?? ''
    const grade = directions[word]
    const next = free(sentence, at + 1)?.word ?? ''
    const double = (word === 'most' || word === 'least') && graded[next] !== undefined
    const said = double ? graded[next] : adjectives[word]
    if (said === undefined) continue
    const order = double && grade === 'smallest' ? opposite(said.order) : said.order
    const length = double ? 2 : 1
    const noun = nounAt(sentence, at + length) ?? nounBefore(sentence, at)
    if (noun === null) continue
    if (isStop(noun)) return noun
    const measure = sentence.terms.find((term) => term.field === said.field && term.kind === 'number')
    if (measure === undefined)
      return refuse(
        `${sentence.profile.fileName} has no column for ${said.field === 'cost_usd' ? 'cost' : 'latency'}`,
      )
    const count = countBefore(sentence, at)
    if (isStop(count)) return count
    const adjective = sentence.tokens
      .slice(at, at + length)
      .map(({ text }) => text)
      .join(' ')
    take(sentence, at, length)
    for (const place of [...count.places, ...noun.places, ...questionWord(sentence)]) take(sentence, place)
    return noun.group === 'rows'
      ? rowList(sentence, measure, order, count.count ?? (noun.plural ? defaultRows : 1))
      : groupRanking(sentence, measure, order, noun.group, count.count, adjective)
  }
  return null
}

const opposite = (order: Order): Order => (order === 'largest' ? 'smallest' : 'largest')

interface Noun {
  readonly group: Group | 'rows'
  readonly plural: boolean
  readonly places: readonly number[]
}

const places = (at: number, length: number): readonly number[] =>
  Array.from({ length }, (_, index) => at + index)

function nounAt(sentence: Sentence, at: number): Noun | Stop | null {
  const token = free(sentence, at)
  if (token === undefined || token.kind !== 'word') return null
  const plural = stem(token.word) !== token.word
  if (rowNouns.has(stem(token.word))) return { group: 'rows', plural, places: [at] }
  const group = groupAt(sentence, at)
  return isStop(group) ? null : { group: group.group, plural, places: places(at, group.length) }
}

/** "which model is the cheapest", "what tenant was most expensive". */
function nounBefore(sentence: Sentence, at: number): Noun | Stop | null {
  const asked = sentence.tokens.findIndex(
    ({ word }, index) => index < at && (word === 'which' || word === 'what'),
  )
  if (asked === -1) return null
  const noun = nounAt(sentence, asked + 1)
  if (noun === null || isStop(noun)) return noun
  const end = asked + 1 + noun.places.length
  const between = sentence.tokens.slice(end, at).map(({ word }) => word)
  const linked = between.every((word) =>
    ['is', 'are', 'was', 'were', 'the', 'our', 'of', 'all'].includes(word),
  )
  return linked && between.length > 0 ? { ...noun, places: [asked, ...noun.places] } : null
}

/** "which request …" says no more than "the request …" once the rest is read. */
function questionWord({ tokens }: Sentence): readonly number[] {
  return ['which', 'what'].includes(tokens[0]?.word ?? '') ? [0] : []
}

/** "5 slowest", "the top 5 most expensive", "top most expensive". */
function countBefore(
  sentence: Sentence,
  at: number,
): { readonly count: number | null; readonly places: readonly number[] } | Stop {
  const before = free(sentence, at - 1)
  const number = before?.kind === 'number' ? before : undefined
  const top = number === undefined ? at - 1 : at - 2
  const topPlace = free(sentence, top)?.word === 'top' ? [top] : []
  if (number === undefined) return { count: null, places: topPlace }
  return notACount(number) ?? { count: number.value ?? null, places: [at - 1, ...topPlace] }
}

/** "top 5 requests by cost" */
function topRows(sentence: Sentence): Superlative | Stop | null {
  const at = sentence.tokens.findIndex(
    (token, index) => ['top', 'bottom'].includes(token.word) && free(sentence, index) !== undefined,
  )
  if (at === -1) return null
  const number = free(sentence, at + 1)
  const counted = number?.kind === 'number' && number.value !== undefined
  const noun = at + (counted ? 2 : 1)
  if (!rowNouns.has(stem(free(sentence, noun)?.word ?? '')) || free(sentence, noun + 1)?.word !== 'by')
    return null
  const measure = measureAt(sentence, noun + 2)
  if (measure === null) return null
  const wrong = counted ? notACount(number) : null
  if (wrong !== null) return wrong
  for (const place of places(at, noun + 2 - at + measure.length)) take(sentence, place)
  const order = sentence.tokens[at]?.word === 'top' ? 'largest' : 'smallest'
  return rowList(sentence, measure.term, order, (counted ? number.value : undefined) ?? defaultRows)
}

/** "the request with the highest cost", "which call had the most output tokens", "which request cost the most". */
function rowsWith(sentence: Sentence): Superlative | Stop | null {
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const noun = free(sentence, at)
    if (noun === undefined || noun.kind !== 'word' || !rowNouns.has(stem(noun.word))) continue
    let next = at + 1
    while (['with', 'that', 'had', 'has', 'have', 'the', 'a'].includes(free(sentence, next)?.word ?? ''))
      next += 1
    const order = directions[free(sentence, next)?.word ?? '']
    const after = order === undefined ? null : measureAt(sentence, next + 1)
    if (order !== undefined && after !== null && next > at + 1)
      return rowsAt(sentence, at, { measure: after.term, order, length: next + 1 - at + after.length })
    const verb = order === undefined ? measureAt(sentence, next) : null
    if (verb === null) continue
    let end = next + verb.length
    while (free(sentence, end)?.word === 'the') end += 1
    const direction = directions[free(sentence, end)?.word ?? '']
    if (direction === undefined) continue
    return rowsAt(sentence, at, { measure: verb.term, order: direction, length: end + 1 - at })
  }
  return null
}

/** Takes the words from the noun on, and the number of lines before it: "5 requests with the highest cost". */
function rowsAt(
  sentence: Sentence,
  at: number,
  said: { readonly measure: KnownTerm; readonly order: Order; readonly length: number },
): Superlative | Stop {
  const count = countBefore(sentence, at)
  if (isStop(count)) return count
  const noun = sentence.tokens[at]?.word ?? ''
  const taken = [...questionWord(sentence), ...count.places, ...places(at, said.length)]
  for (const place of taken) take(sentence, place)
  const plural = stem(noun) !== noun
  return rowList(sentence, said.measure, said.order, count.count ?? (plural ? defaultRows : 1))
}

function measureAt(
  sentence: Sentence,
  at: number,
): { readonly term: KnownTerm; readonly length: number } | null {
  const mention = mentionAt(sentence, at, (term) => term.kind === 'number')
  return mention === null ? null : { term: settle(sentence, mention), length: mention.length }
}

const shownFields = ['request_id', 'time', 'model', 'tenant', 'feature', 'user', 'status'] as const

/** Single rows are groups of one: by what tells them apart. */
function rowList(sentence: Sentence, measure: KnownTerm, order: Order, count: number): Superlative | Stop {
  const { grain } = sentence.mapping ?? { grain: 'request' }
  if (grain !== 'request' && grain !== 'unknown')
    return refuse(`the rows of ${sentence.profile.fileName} are sums of a ${grain} and no single requests`)
  const fields = shownFields.flatMap((field) =>
    sentence.terms.filter((term) => term.field === field).slice(0, 1),
  )
  const others = sentence.terms.filter(
    (term) => term.field === null && term.kind !== 'number' && term.label !== measure.label,
  )
  const shown = (fields.length > 0 ? fields : others).slice(0, shownColumns)
  if (shown.length === 0) return refuse('nothing tells its rows apart')
  return {
    aggregate: { kind: order === 'largest' ? 'max' : 'min' },
    measure: plainTerm(measure),
    groups: shown.map((term) => ({ kind: 'term', term: plainTerm(term) })),
    order,
    limit: count,
    assumed: [],
  }
}

/**
 * Which group is dear is a matter of its total; which is cheap or slow, of a single request: the cheapest in total is
 * merely the one least used. Either way it is said, and the other can be asked for.
 */
function groupRanking(
  sentence: Sentence,
  measure: KnownTerm,
  order: Order,
  group: Group,
  count: number | null,
  adjective: string,
): Superlative {
  const requests = sentence.mapping === undefined || ['request', 'unknown'].includes(sentence.mapping.grain)
  const perRequest = measure.field !== 'cost_usd' || (order === 'smallest' && requests)
  const name = group.kind === 'term' ? group.term.label : group.kind === 'time' ? group.grain : group.cycle
  const other = perRequest ? `total ${measure.label} by ${name}` : `average ${measure.label} by ${name}`
  return {
    aggregate: { kind: perRequest ? 'mean' : 'sum' },
    measure: plainTerm(measure),
    groups: [group],
    order,
    limit: count,
    assumed: [
      `“${adjective}” is read as the ${order === 'largest' ? 'highest' : 'lowest'} ${perRequest ? 'average of a request' : 'total'}; ask “${other}” for the other reading`,
    ],
  }
}
