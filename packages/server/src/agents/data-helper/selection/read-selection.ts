import type { Question } from '@holdfast/protocol'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { Choices, FileMapping } from '../field-mapping.ts'
import type { FieldName } from '../fields.ts'
import type { PlaybookId } from '../playbook.ts'
import { conditionAt, unitCondition, valuesAt } from '../questions/filters.ts'
import { timeTerm } from '../questions/groups.ts'
import { outcomeFilter } from '../questions/outcome-filter.ts'
import { describeFilter, describeWindow, type Filter, type TimeWindow } from '../questions/reading.ts'
import { free, isOneOf, isStop, plainTerm, type Sentence, take } from '../questions/sentence.ts'
import { type KnownTerm, knownTerms } from '../questions/terms.ts'
import { comparisons, outcomes, rowNouns } from '../questions/vocabulary.ts'
import { resolveWindow, windowAt } from '../questions/windows.ts'
import { maxQuestionTokens, stem, type Token, tokenise } from '../questions/words.ts'

/** The rows a question is about, where it does not ask about all of them. */
export interface Selection {
  readonly filters: readonly Filter[]
  readonly window: TimeWindow | null
  /** Two periods to compare, or one to compare with the one before it; only of a playbook that compares. */
  readonly compare: readonly TimeWindow[]
}

export type ReadSelection =
  | { readonly kind: 'read'; readonly selection: Selection }
  /** It limits itself in a way that cannot be applied: an answer over all rows would ignore that. */
  | { readonly kind: 'unread'; readonly why: string }
  | { readonly kind: 'ask'; readonly question: Question }

export const wholeSelection: Selection = { filters: [], window: null, compare: [] }

/** "only rows where tenant is not acme, from 2026-10-01 and before 2026-11-01 UTC by timestamp" */
export function describeSelection({ filters, window }: Selection): string | null {
  const parts = [
    ...(filters.length === 0 ? [] : [`where ${filters.map(describeFilter).join(' and ')}`]),
    ...(window === null ? [] : [describeWindow(window)]),
  ]
  return parts.length === 0 ? null : `only rows ${parts.join(', ')}`
}

export interface SelectionFile {
  readonly profile: FileProfile
  readonly mapping: FileMapping
}

/** Whose windows are what it compares, not what it leaves out. */
const comparing: ReadonlySet<PlaybookId> = new Set(['month_over_month'])

/** Fields whose values a playbook speaks of as its subject: "do we need gpt-5" limits nothing. */
const subjects: Readonly<Partial<Record<PlaybookId, readonly FieldName[]>>> = {
  down_shift: ['model'],
  errors_retries: ['status', 'provider'],
  lengths_truncation: ['finish_reason'],
}

/** Of a value that stands in several columns, the one people mean first. */
const preferred: readonly (FieldName | null)[] = [
  'tenant',
  'feature',
  'model',
  'provider',
  'user',
  'api_key',
  'session',
  null,
]

/**
 * By which words a question limits itself ("in October", "excluding acme", "only gpt-5-mini", "requests over 5 s"), read
 * against one file. What is recognised as a limit and cannot be read is said, never passed over.
 */
export function readSelection(
  question: string,
  playbook: PlaybookId,
  file: SelectionFile,
  choices: Choices,
): ReadSelection {
  const tokens = tokenise(question).slice(0, maxQuestionTokens)
  const sentence: Sentence = {
    tokens,
    terms: knownTerms(file.profile, file.mapping, choices),
    profile: file.profile,
    mapping: file.mapping,
    choices,
    taken: new Set(),
    open: [],
  }
  const windows = takeWindows(sentence, comparing.has(playbook))
  if (typeof windows === 'string') return { kind: 'unread', why: windows }
  const excluded = takeExclusions(sentence)
  if (typeof excluded === 'string') return { kind: 'unread', why: excluded }
  const compared = takeComparisons(sentence)
  if (typeof compared === 'string') return { kind: 'unread', why: compared }
  const outcome = playbook === 'errors_retries' ? [] : takeOutcomes(sentence)
  if (typeof outcome === 'string') return { kind: 'unread', why: outcome }
  const named = takeValues(sentence, subjects[playbook] ?? [])
  const [open] = sentence.open
  if (open !== undefined) return { kind: 'ask', question: open }
  const weekday = playbook === 'anomaly_days' ? undefined : tokens.find(({ word }) => weekdays.test(word))
  if (weekday !== undefined && limitsTo(tokens, weekday))
    return { kind: 'unread', why: `I do not limit to days of the week (“${weekday.text}”)` }
  const filters = [...excluded, ...compared, ...outcome, ...named]
  if (comparing.has(playbook)) return { kind: 'read', selection: { filters, window: null, compare: windows } }
  const [window = null, second] = windows
  if (second !== undefined) return { kind: 'unread', why: 'it names two windows of time; name one' }
  return { kind: 'read', selection: { filters, window, compare: [] } }
}

const weekdays = /^(?:weekends?|weekdays?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)$/u

function limitsTo(tokens: readonly Token[], token: Token): boolean {
  const before = tokens[tokens.indexOf(token) - 1]?.word ?? ''
  return ['on', 'at', 'during', 'over', 'only', 'last', 'for'].includes(before)
}

/** "this month", "last month": of a comparison they are the last two months of the data. */
const relativeMonth = /^(?:this|last|previous) (?:month|quarter|year)$/u

function takeWindows(sentence: Sentence, compares: boolean): readonly TimeWindow[] | string {
  const windows: TimeWindow[] = []
  const { tokens } = sentence
  for (let at = 0; at < tokens.length; at += 1) {
    if (free(sentence, at) === undefined) continue
    // Of a comparison "between September and October" names two periods and no stretch from one to the other.
    const joint = compares && ['between', 'from'].includes(tokens[at]?.word ?? '')
    const found = (joint ? null : windowAt(tokens, at)) ?? (compares ? bareDateAt(tokens, at) : null)
    if (found === null) continue
    const words = tokens
      .slice(at, at + found.length)
      .map(({ word }) => word)
      .join(' ')
    take(sentence, at, found.length)
    if (found.said.kind === 'refused') {
      if (compares && relativeMonth.test(words)) continue
      return found.said.why
    }
    const term = timeTerm(sentence)
    if (isStop(term)) return term.stop === 'refused' ? term.why : term.question.text
    const bounds = resolveWindow(found.said, term.span)
    if ('why' in bounds) return bounds.why
    windows.push({ term: plainTerm(term), ...bounds })
  }
  if (compares && windows.some(({ from, to }) => from === null || to === null))
    return 'a period to compare needs a beginning and an end, e.g. “September with October”'
  return compares && windows.length > 2 ? 'it names more than two periods; name two' : windows
}

/** "compare September with October": of a comparison a month needs no word before it. */
function bareDateAt(tokens: readonly Token[], at: number): ReturnType<typeof windowAt> {
  const [token, next] = [tokens[at], tokens[at + 1]]
  if (token === undefined) return null
  const found = windowAt([inWord, token, ...(next === undefined ? [] : [next])], 0)
  return found === null || found.length < 2 ? null : { ...found, length: found.length - 1 }
}

const inWord: Token = { kind: 'word', text: 'in', word: 'in' }

const exclusions = [
  'excluding',
  'except for',
  'except',
  'other than',
  'without counting',
  'without',
  'ignoring',
  'leaving out',
  'leave out',
  'not counting',
  'but not',
  'apart from',
  'minus',
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

function takeExclusions(sentence: Sentence): readonly Filter[] | string {
  const filters: Filter[] = []
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const phrase = exclusions.find((each) => saysAt(sentence, at, each))
    if (phrase === undefined) continue
    let next = at + phrase.split(' ').length
    while (passed.has(free(sentence, next)?.word ?? '')) next += 1
    const found = valuesFrom(sentence, next, []) ?? valuesFrom(sentence, next + 1, [])
    if (found !== null) {
      filters.push({ kind: 'in', term: plainTerm(found.term), values: found.values, negated: true })
      take(sentence, at, found.at + found.length - at)
      continue
    }
    if (isOneOf(free(sentence, next), outcomes.failed)) {
      const filter = outcomeFilter(sentence, 'succeeded')
      if (isStop(filter)) return filter.stop === 'refused' ? filter.why : filter.question.text
      filters.push(filter)
      take(sentence, at, next + 1 - at)
      continue
    }
    const what = sentence.tokens[next]?.text ?? ''
    return `I cannot tell what “${phrase} ${what}” leaves out: no column of ${sentence.profile.fileName} is known to hold it`
  }
  return filters
}

function saysAt(sentence: Sentence, at: number, phrase: string): boolean {
  return phrase.split(' ').every((word, index) => free(sentence, at + index)?.word === word)
}

interface FoundValues {
  readonly term: KnownTerm
  readonly values: readonly string[]
  readonly at: number
  readonly length: number
}

/** Values of a text column that stand here, of the column people would mean first. */
function valuesFrom(sentence: Sentence, at: number, without: readonly FieldName[]): FoundValues | null {
  if (free(sentence, at) === undefined) return null
  const found = sentence.terms
    .filter(
      ({ kind, field }) =>
        kind === 'text' && field !== 'request_id' && (field === null || !without.includes(field)),
    )
    .flatMap((term) => {
      const values = valuesAt(sentence, term, at, false)
      return values === null || isStop(values) ? [] : [{ term, ...values, at }]
    })
    .toSorted((left, right) => right.length - left.length || place(left.term) - place(right.term))
  return found[0] ?? null
}

function place({ field }: KnownTerm): number {
  const at = preferred.indexOf(field)
  return at === -1 ? preferred.length : at
}

/** "cost > 0.01", "latency over 5 s"; a comparison with a number that names no column is not passed over. */
function takeComparisons(sentence: Sentence): readonly Filter[] | string {
  const filters: Filter[] = []
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    if (free(sentence, at) === undefined) continue
    const before = new Set(sentence.taken)
    const found = conditionAt(sentence, at) ?? unitCondition(sentence, at)
    if (found === null || isStop(found)) continue
    // Equalities are read below, by the values themselves: "cost is 5" is rare, "in chat" is not.
    if (found.every((filter) => filter.kind === 'compare')) filters.push(...found)
    else {
      sentence.taken.clear()
      for (const taken of before) sentence.taken.add(taken)
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

/** "failed requests", "successful calls": a condition, where failures are not what is asked about. */
function takeOutcomes(sentence: Sentence): readonly Filter[] | string {
  for (const outcome of ['failed', 'succeeded'] as const) {
    const at = sentence.tokens.findIndex(
      (_, index) =>
        isOneOf(free(sentence, index), outcomes[outcome]) &&
        rowNouns.has(stem(free(sentence, index + 1)?.word ?? '')),
    )
    if (at === -1) continue
    const filter = outcomeFilter(sentence, outcome)
    if (isStop(filter)) return filter.stop === 'refused' ? filter.why : filter.question.text
    take(sentence, at, 2)
    return [filter]
  }
  return []
}

/** Words before a value that make it a limit: "cost report" names no feature, "cost of report" does. */
const introducers = new Set([
  'for',
  'of',
  'from',
  'in',
  'at',
  'on',
  'only',
  'just',
  'by',
  'about',
  'tenant',
  'feature',
  'model',
  'team',
  'customer',
  'user',
  'provider',
  'key',
  'with',
  'to',
])

/** Fields whose values are names: "how expensive is acme" is about acme. A feature may be called like any word. */
const properNames: ReadonlySet<FieldName | null> = new Set(['tenant', 'user', 'api_key', 'model', 'provider'])

/** A value written as nobody writes a word limits by itself: gpt-5-mini, nightly_summaries. */
const coded = /[-_\d]/u

function takeValues(sentence: Sentence, without: readonly FieldName[]): readonly Filter[] {
  const byTerm = new Map<string, { term: KnownTerm; values: string[] }>()
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const token = free(sentence, at)
    if (token === undefined || token.kind === 'comma' || token.kind === 'operator' || token.text.length < 3)
      continue
    const found = valuesFrom(sentence, at, [...without, 'status', 'finish_reason', 'token_kind'])
    if (found === null || !/[a-z]/iu.test(found.values.join(''))) continue
    const before = sentence.tokens[at - 1]?.word === 'the' ? sentence.tokens[at - 2] : sentence.tokens[at - 1]
    const named = found.values.some((value) => coded.test(value)) || properNames.has(found.term.field)
    if (!named && !introducers.has(before?.word ?? '')) continue
    const known = byTerm.get(found.term.label) ?? { term: found.term, values: [] }
    known.values.push(...found.values)
    byTerm.set(found.term.label, known)
    take(sentence, at, found.length)
  }
  return [...byTerm.values()].map(({ term, values }) => ({
    kind: 'in',
    term: plainTerm(term),
    values: [...new Set(values)],
    negated: false,
  }))
}
