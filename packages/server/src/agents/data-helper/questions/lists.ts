import { groupAt } from './groups.ts'
import type { Filter } from './reading.ts'
import { free, isStop, refuse, type Sentence, type Stop, take } from './sentence.ts'
import type { Superlative } from './superlatives.ts'
import { fillers, rowNouns } from './vocabulary.ts'
import { stem } from './words.ts'

const openings = new Set(['which', 'what', 'list', 'show', 'name', 'give'])
const passed = new Set(['me', 'us', 'all', 'the', 'our', 'of', 'different', 'distinct', 'unique'])
/** "only gpt-5", "could use": not each of which there is some row. */
const narrowing = new Set('only just both exclusively solely could can should need never always'.split(' '))
/** "are there", "exist": what says no more than that they are. */
const being = new Set(['exist', 'exists', 'there', 'uses', 'present', 'available'])

/**
 * "which models do we use", "list all tenants", "what features are there": each with its rows. Conditions and windows
 * are taken by now; any other word that means something makes it another question. Null where it is no list.
 */
export function takeList(sentence: Sentence, filters: readonly Filter[]): Superlative | Stop | null {
  const { tokens } = sentence
  if (tokens.some(({ word }) => narrowing.has(word))) return null
  if (!openings.has(free(sentence, 0)?.word ?? '')) return null
  let at = 1
  while (passed.has(free(sentence, at)?.word ?? '')) at += 1
  const noun = free(sentence, at)
  if (noun === undefined || noun.kind !== 'word') return null
  if (tokens[0]?.word === 'list' && rowNouns.has(stem(noun.word)))
    return refuse('I list no single rows; ask for some, e.g. “the 10 most expensive requests”')
  const asked = sentence.open.length
  const found = groupAt(sentence, at)
  const places = isStop(found) ? [] : Array.from({ length: found.length }, (_, index) => at + index)
  const last = tokens[places.at(-1) ?? at]?.word ?? ''
  const rest = tokens.filter(
    ({ kind, word }, place) =>
      place >= at + places.length && !sentence.taken.has(place) && kind !== 'comma' && !isPlain(word),
  )
  if (isStop(found) || found.group.kind !== 'term' || stem(last) === last || rest.length > 0) {
    sentence.open.length = asked
    return null
  }
  const { label } = found.group.term
  // Of what has some such rows nothing is said of the others: "tenants without gpt-5" have none at all.
  if (filters.some((filter) => saysOfAll(filter, label)))
    return refuse(`I list what has such rows, and not each ${label} of which that is true as a whole`)
  for (const [place, { word }] of tokens.entries())
    if (place < at || places.includes(place) || being.has(word)) take(sentence, place)
  return {
    aggregate: { kind: 'count' },
    measure: null,
    groups: [found.group],
    order: 'largest',
    limit: null,
    assumed: ['each is shown with the number of its rows'],
  }
}

function saysOfAll(filter: Filter, listed: string): boolean {
  if (filter.kind === 'compare') return true
  return filter.kind === 'in' && filter.term.label !== listed && (filter.negated || filter.values.length > 1)
}

const isPlain = (word: string): boolean => fillers.has(word) || being.has(word)
