import type { FieldName } from '../fields.ts'
import { columnBehind, conditionAt, unitCondition } from '../questions/conditions.ts'
import { exclusionAt, unclearList } from '../questions/exclusions.ts'
import { isOrdinary } from '../questions/ordinary-words.ts'
import { outcomeFilter } from '../questions/outcome-filter.ts'
import { partAt } from '../questions/parts-of-names.ts'
import type { Filter, Outcome } from '../questions/reading.ts'
import {
  free,
  isOneOf,
  isStop,
  mentionAt,
  plainTerm,
  type Sentence,
  type Stop,
  saysAt,
  take,
} from '../questions/sentence.ts'
import { comparisons, equalities, outcomes, rowNouns } from '../questions/vocabulary.ts'
import { stem } from '../questions/words.ts'
import { negationAround, unclearNegation } from './negation.ts'
import { aboutAllValues, codeAt, type FoundValues, valuesFrom } from './take-values.ts'

export function takeExclusions(sentence: Sentence): readonly Filter[] | string {
  const filters: Filter[] = []
  const isSaid = (at: number): boolean =>
    (valuesFrom(sentence, at, []) ?? codeAt(sentence, at) ?? partAt(sentence, at, [])) !== null ||
    outcomeSaid(sentence, at) !== null
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const exclusion = exclusionAt(sentence, at)
    if (exclusion === null) continue
    const { phrase, length, from: next } = exclusion
    if (phrase === 'without' && isManner(free(sentence, at + length)?.word ?? '')) continue
    const negated = ['not', 'never'].includes(free(sentence, at - 1)?.word ?? '')
    if (negated) return unclearNegation(`${sentence.tokens[at - 1]?.text} ${phrase}`)
    const found =
      valuesFrom(sentence, next, []) ??
      codeAt(sentence, next) ??
      surePart(sentence, next) ??
      valuesFrom(sentence, next + 1, [])
    if (found !== null) {
      filters.push({ kind: 'in', term: plainTerm(found.term), values: found.values, negated: true })
      take(sentence, at, found.at + found.length - at)
      const unclear = unclearList(sentence, next, isSaid)
      if (unclear !== null) return unclear
      continue
    }
    const said = outcomeSaid(sentence, next)
    if (said !== null) {
      const filter = outcomeFilter(sentence, said === 'failed' ? 'succeeded' : 'failed')
      if (isStop(filter)) return whyOf(filter)
      filters.push(filter)
      take(sentence, at, next + 1 - at)
      const unclear = unclearList(sentence, next, isSaid)
      if (unclear !== null) return unclear
      continue
    }
    const what = sentence.tokens
      .slice(at, next + 1)
      .map(({ text }) => text)
      .join(' ')
    return `I cannot tell what “${what}” leaves out: no column of ${sentence.profile.fileName} is known to hold it`
  }
  return filters
}

function surePart(sentence: Sentence, at: number): FoundValues | null {
  const part = partAt(sentence, at, [])
  return part?.sure === true ? { ...part, at } : null
}

function outcomeSaid(sentence: Sentence, at: number): Outcome | null {
  return (
    (['failed', 'succeeded'] as const).find((each) => isOneOf(free(sentence, at), outcomes[each])) ?? null
  )
}

/** "without losing quality": how something is done, and no rows. */
function isManner(word: string): boolean {
  return (
    (word.endsWith('ing') && word !== 'counting') ||
    ['quality', 'loss', 'risk', 'much', 'a', 'changing'].includes(word)
  )
}

function whyOf(stop: Stop): string {
  return stop.stop === 'refused' ? stop.why : stop.question.text
}

/**
 * "cost > 0.01", "tenant is not acme", "model contains mini", "requests over 5 s". A comparison that cannot be read is
 * not passed over.
 *
 * @param subjects fields whose values the playbook speaks of as its subject
 */
export function takeConditions(
  sentence: Sentence,
  subjects: readonly FieldName[],
): readonly Filter[] | string {
  const filters: Filter[] = []
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    if (free(sentence, at) === undefined) continue
    const before = { taken: new Set(sentence.taken), open: sentence.open.length }
    const found = conditionAt(sentence, at) ?? unitCondition(sentence, at) ?? columnBehind(sentence, at)
    if (found === null) continue
    const read = isStop(found) ? refused(sentence, at, found) : kept(sentence, at, found, subjects)
    if (typeof read === 'string') return read
    if (read !== null) filters.push(...read)
    else {
      sentence.taken.clear()
      for (const taken of before.taken) sentence.taken.add(taken)
      sentence.open.length = before.open
    }
  }
  for (let at = 0; at < sentence.tokens.length; at += 1)
    for (const [phrase] of comparisons) {
      const next = at + phrase.split(' ').length
      if (saysAt(sentence, at, phrase) && free(sentence, next)?.kind === 'number')
        return `I cannot tell what “${phrase} ${sentence.tokens[next]?.text}” is compared with`
    }
  return filters
}

/** The condition, null where it is none in this sentence, or why it cannot be read. */
function kept(
  sentence: Sentence,
  at: number,
  found: readonly Filter[],
  subjects: readonly FieldName[],
): readonly Filter[] | null | string {
  const [filter] = found
  if (filter === undefined) return found
  if (filter.kind === 'compare') {
    const negated = negationAround(sentence, at, lengthFrom(sentence, at))
    return negated === null ? found : unclearNegation(negated)
  }
  const { field, label } = filter.term
  const term = sentence.terms.find((each) => each.label === label)
  // "which requests are not urgent" says nothing of the ids of requests.
  if (field === 'request_id' || rowNouns.has(stem(sentence.tokens[at]?.word ?? ''))) return null
  const length = lengthFrom(sentence, at)
  const [known, firm] = [isKnown(sentence, filter), isFirm(sentence, at)]
  if (filter.kind === 'in' && !filter.negated) {
    if (field !== null && subjects.includes(field)) {
      if (!firm && !introducedBy(sentence, at, onlyWords)) return null
      if (field === 'status' || field === 'finish_reason') return aboutAllValues(filter.term)
    }
    const negated = negationAround(sentence, at, length)
    if (negated !== null) return unclearNegation(negated)
  }
  if (known || firm) return found
  if (term?.kind === 'number' && filter.kind === 'in') return term.distinct <= maxCodes ? found : null
  return describesIt(sentence, at) ? null : found
}

/** Numbers of a column with more different ones are quantities, of which nobody asks for one exactly. */
const maxCodes = 50

/** A condition that was refused limits the question nevertheless, unless it only describes something. */
function refused(sentence: Sentence, at: number, stop: Stop): string | null {
  return isFirm(sentence, at) || !describesIt(sentence, at) ? whyOf(stop) : null
}

function lengthFrom(sentence: Sentence, at: number): number {
  let end = at
  while (sentence.taken.has(end)) end += 1
  return end - at
}

function isKnown({ terms }: Sentence, filter: Filter): boolean {
  if (filter.kind === 'contains') return !isOrdinary(filter.text.toLowerCase())
  if (filter.kind !== 'in') return false
  const values = terms.find(({ label }) => label === filter.term.label)?.values ?? []
  return filter.values.every((value) => values.includes(value))
}

const whereWords = new Set(['where', 'whose', 'having', 'with', 'if'])
const onlyWords = new Set(['only', 'just', 'exclusively', 'solely', 'where', 'whose'])
const describing = new Set(['which', 'what', 'each', 'every', 'any', 'per', 'by', 'whether'])
const articles = new Set(['the', 'our', 'my', 'your', 'a', 'an', 'this', 'that'])
const is = new Set(['is', 'are', 'was', 'were'])
/** What stands between a column and what it is compared with. */
const operators = new Set([
  ...comparisons.flatMap(([phrase]) => phrase.split(' ')),
  ...equalities.flatMap(([phrase]) => phrase.split(' ')),
])

function introducedBy(sentence: Sentence, at: number, words: ReadonlySet<string>): boolean {
  const before = sentence.tokens[at - 1]?.word ?? ''
  return words.has(articles.has(before) ? (sentence.tokens[at - 2]?.word ?? '') : before)
}

/** "where tenant is umbrella", "tenant = umbrella": limits, whatever the word is. */
function isFirm(sentence: Sentence, at: number): boolean {
  const next = at + nameLength(sentence, at)
  const [verb, after] = [sentence.tokens[next], sentence.tokens[next + 1]?.word ?? '']
  const says = is.has(verb?.word ?? '')
  const explicit =
    verb?.kind === 'operator' ||
    ['equals', 'equal', 'contains', 'containing'].includes(verb?.word ?? '') ||
    (says && ['equal', 'not'].includes(after))
  if (explicit && !introducedBy(sentence, at, describing)) return true
  return says && introducedBy(sentence, at, whereWords)
}

/** How many words name the column at this place; they may be taken by now. */
function nameLength(sentence: Sentence, at: number): number {
  return mentionAt({ ...sentence, taken: new Set() }, at, () => true)?.length ?? 1
}

/** "which model is slowest", "the model is bad", "of customer requests": said of a column, and no value of it. */
function describesIt(sentence: Sentence, at: number): boolean {
  const { tokens } = sentence
  if (introducedBy(sentence, at, describing)) return true
  const next = at + nameLength(sentence, at)
  if (is.has(tokens[next]?.word ?? '') && articles.has(tokens[at - 1]?.word ?? '')) return true
  const operand = tokens.slice(next).find(({ word }) => !operators.has(word))
  return operand === undefined || (operand.kind === 'word' && isOrdinary(operand.word))
}

/** "failed requests", "requests that succeeded": a condition, where failures are not what is asked about. */
export function takeOutcomes(sentence: Sentence): readonly Filter[] | string {
  for (const outcome of ['failed', 'succeeded'] as const) {
    const at = sentence.tokens.findIndex(
      (_, index) => isOneOf(free(sentence, index), outcomes[outcome]) && besideRows(sentence, index),
    )
    if (at === -1) continue
    const negated = negationAround(sentence, at, 1)
    if (negated !== null) return unclearNegation(negated)
    const filter = outcomeFilter(sentence, outcome)
    if (isStop(filter)) return whyOf(filter)
    take(sentence, at)
    return [filter]
  }
  return []
}

function besideRows({ tokens }: Sentence, at: number): boolean {
  const isRow = (index: number) => rowNouns.has(stem(tokens[index]?.word ?? ''))
  // "requests failed" names those that did, "requests fail" says something of all.
  if (isRow(at + 1) || (isRow(at - 1) && /(?:ed|ing)$/u.test(tokens[at]?.word ?? ''))) return true
  for (let back = at - 1; back >= Math.max(0, at - 4); back -= 1) {
    const word = tokens[back]?.word ?? ''
    if (word === 'that' || word === 'which' || word === 'who') return isRow(back - 1)
    if (!['did', 'do', 'not', 'have', 'had', 'has', 'were', 'never'].includes(word)) return false
  }
  return false
}
