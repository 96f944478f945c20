import type { Question } from '@holdfast/protocol'
import type { Choices } from '../field-mapping.ts'
import type { PlaybookId } from '../playbook.ts'
import type { Filter } from '../questions/reading.ts'
import type { Sentence } from '../questions/sentence.ts'
import { knownTerms } from '../questions/terms.ts'
import { maxQuestionTokens, tokenise } from '../questions/words.ts'
import { halfReadWindow } from './half-read-windows.ts'
import { notComputed } from './not-computed.ts'
import { comparing, type Selection, type SelectionFile, subjects } from './selection.ts'
import { takeConditions, takeExclusions, takeOutcomes } from './take-limits.ts'
import { takeValues } from './take-values.ts'
import { type DataSpan, takeWindows } from './take-windows.ts'
import { unknownName } from './unknown-names.ts'
import type { Unread } from './whole-question.ts'

export type ReadSelection =
  | { readonly kind: 'read'; readonly selection: Selection }
  /** It limits itself in a way that cannot be applied, or asks for what is not computed. */
  | ({ readonly kind: 'unread' } & Unread)
  | { readonly kind: 'ask'; readonly question: Question }

/**
 * By which words a question limits itself ("in October", "excluding acme", "only gpt-5-mini", "requests over 5 s"), read
 * against one file. What is recognised as a limit and cannot be read is said, never passed over.
 *
 * @param span of all files of the thread together; null: of this file alone
 */
export function readSelection(
  question: string,
  playbook: PlaybookId,
  file: SelectionFile,
  choices: Choices,
  span: DataSpan | null = null,
): ReadSelection {
  const tokens = tokenise(question)
  if (tokens.length > maxQuestionTokens)
    return unread(`it has ${tokens.length} words, and I read questions of up to ${maxQuestionTokens}`)
  const sentence: Sentence = {
    tokens,
    terms: knownTerms(file.profile, file.mapping, choices),
    profile: file.profile,
    mapping: file.mapping,
    choices,
    taken: new Set(),
    open: [],
  }
  const ownSubjects = subjects[playbook] ?? []
  const windows = takeWindows(sentence, playbook, span)
  if (typeof windows === 'string') return unread(windows)
  const windowed = new Set(sentence.taken)
  const excluded = takeExclusions(sentence)
  if (typeof excluded === 'string') return unread(excluded)
  const compared = takeConditions(sentence, ownSubjects)
  if (typeof compared === 'string') return unread(compared)
  const outcome = playbook === 'errors_retries' ? [] : takeOutcomes(sentence)
  if (typeof outcome === 'string') return unread(outcome)
  const named = takeValues(sentence, ownSubjects)
  if (typeof named === 'string') return unread(named)
  const [open] = sentence.open
  if (open !== undefined) return { kind: 'ask', question: open }
  const beyond = notComputed(sentence, playbook)
  if (beyond !== null) return { kind: 'unread', about: 'figure', why: beyond }
  const left =
    halfReadWindow(sentence, playbook, windowed) ??
    unknownName(question, sentence, ownSubjects, new Set(sentence.taken))
  if (left !== null) return unread(left)
  const filters = [...excluded, ...compared, ...outcome, ...named]
  const twice = namedTwice(filters)
  if (twice !== null) return unread(`two conditions on ${twice}; write them as one, e.g. “${twice} in a, b”`)
  if (comparing.has(playbook) && windows.length === 0 && comparesValues(sentence, named))
    return unread('I compare periods, and not one value with another; ask for a figure by each of them')
  if (comparing.has(playbook)) return { kind: 'read', selection: { filters, window: null, compare: windows } }
  const [window = null, second] = windows
  if (second !== undefined) return unread('it names two windows of time; name one')
  return { kind: 'read', selection: { filters, window, compare: [] } }
}

/** "tenant = acme or tenant = globex", "sonnet, excluding mini": at once they would be other rows, or none. */
function namedTwice(filters: readonly Filter[]): string | null {
  const labels = filters.flatMap((filter) => (filter.kind === 'in' ? [filter.term.label] : []))
  return labels.find((label, at) => labels.indexOf(label) < at) ?? null
}

/** "compare acme with globex", "is acme dearer than globex". */
function comparesValues({ tokens }: Sentence, named: readonly Filter[]): boolean {
  const words = tokens.map(({ word }) => word)
  return (
    named.some((filter) => filter.kind === 'in' && filter.values.length > 1) &&
    words.some((word) =>
      /^(?:compare[ds]?|comparison|comparing|difference|differs?|than|vs|versus)$/u.test(word),
    ) &&
    !words.some((word) => word.startsWith('month'))
  )
}

const unread = (why: string): ReadSelection => ({ kind: 'unread', about: 'rows', why })
