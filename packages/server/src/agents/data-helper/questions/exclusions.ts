import { free, type Sentence, saysAt } from './sentence.ts'

/** Longer ones first, where one begins as another does. */
const exclusions = [
  'excluding',
  'exclude',
  'excludes',
  'except for',
  'except',
  'other than',
  'without counting',
  'without',
  'ignoring',
  'ignore',
  'disregarding',
  'disregard',
  'discarding',
  'discard',
  'removing',
  'skipping',
  'skip',
  'filtering out',
  'filter out',
  'omitting',
  'omit',
  'leaving out',
  'leave out',
  'leaving aside',
  'not counting',
  'not including',
  'but not',
  'apart from',
  'aside from',
  'besides',
  'minus',
  'w/o',
  'excl',
  'sans',
  'everyone but',
  'everybody but',
  'everything but',
  'all but',
  'anyone but',
] as const

/** Words between "excluding" and what is left out. */
const passed = new Set([
  'the',
  'all',
  'any',
  'for',
  'from',
  'of',
  'our',
  'requests',
  'request',
  'rows',
  'traffic',
  'cost',
  'costs',
])

export interface Exclusion {
  readonly phrase: string
  /** Of the phrase, in words. */
  readonly length: number
  /** Where what is left out stands. */
  readonly from: number
}

/** "excluding the acme traffic": that something is left out, whatever it is. */
export function exclusionAt(sentence: Sentence, at: number): Exclusion | null {
  const phrase = exclusions.find((each) => saysAt(sentence, at, each))
  if (phrase === undefined) return null
  const length = phrase.split(' ').length
  let from = at + length
  while (passed.has(free(sentence, from)?.word ?? '')) from += 1
  return { phrase, length, from }
}

const joints: ReadonlySet<string> = new Set([',', 'and', 'or', '&', 'plus'])

/**
 * "without 429s and acme": is that left out as well, or all that is meant? Answered as the one it would be wrong as the
 * other. Null: the list that began there does not go on.
 *
 * @param isSaid whether what stands at a place is a condition by itself
 */
export function unclearList(
  sentence: Sentence,
  from: number,
  isSaid: (at: number) => boolean,
): string | null {
  let end = from
  while (sentence.taken.has(end)) end += 1
  let at = end
  while (joints.has(free(sentence, at)?.word ?? '')) at += 1
  const token = free(sentence, at)
  return at > end && token !== undefined && isSaid(at)
    ? `I cannot tell whether “${token.text}” is left out as well; write “excluding” before each`
    : null
}
