import type { Filter } from './reading.ts'
import { free, type Sentence } from './sentence.ts'

const phrases = ['excluding', 'except for', 'except', 'without', 'other than', 'apart from', 'but not'].map(
  (phrase) => phrase.split(' '),
)

/** "excluding acme": how many words here say that what follows is left out; 0: none. */
export function exclusionLength(sentence: Sentence, at: number): number {
  const said = phrases.find((words) =>
    words.every((word, index) => free(sentence, at + index)?.word === word),
  )
  return said?.length ?? 0
}

/** What remains when rows of these values are left out; null: a condition that is no list of values says it itself. */
export function leavingOut(filters: readonly Filter[]): readonly Filter[] | null {
  const [filter, another] = filters
  if (filter === undefined || another !== undefined || filter.kind !== 'in' || filter.negated) return null
  return [{ ...filter, negated: true }]
}
