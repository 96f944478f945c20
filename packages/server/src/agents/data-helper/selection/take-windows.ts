import type { PlaybookId } from '../playbook.ts'
import { timeTerm } from '../questions/groups.ts'
import type { TimeWindow } from '../questions/reading.ts'
import { free, isStop, plainTerm, type Sentence, take } from '../questions/sentence.ts'
import type { KnownTerm } from '../questions/terms.ts'
import { type FoundWindow, resolveWindow, windowAt } from '../questions/windows.ts'
import type { Token } from '../questions/words.ts'
import { comparing } from './selection.ts'

/** From the first time of the data to the last. */
export interface DataSpan {
  readonly min: string
  readonly max: string
}

/**
 * "this month", "last month", "the last two months": of a comparison they are the last two months of the data. A quarter
 * or a year is none of that.
 */
const relativeMonths = /^(?:(?:in|over) )?(?:the )?(?:(?:this|last|previous) month|last (?:2|two) months)$/u

/** How things are, and no day of the data: "which requests run on gpt-5 today". */
const asThingsAre = new Set(['today', 'now', 'currently'])

/** @param span of all files together, where that is known: "last 7 days" counts back from the end of the last one */
export function takeWindows(
  sentence: Sentence,
  playbook: PlaybookId,
  span: DataSpan | null,
): readonly TimeWindow[] | string {
  const compares = comparing.has(playbook)
  const windows: TimeWindow[] = []
  const { tokens } = sentence
  for (let at = 0; at < tokens.length; at += 1) {
    if (free(sentence, at) === undefined) continue
    // Of a comparison "between September and October" names two periods and no stretch from one to the other.
    const joint = compares && ['between', 'from'].includes(tokens[at]?.word ?? '')
    const found = (joint ? null : windowAt(tokens, at)) ?? (compares ? bareDateAt(tokens, at) : null)
    if (found === null || saysMay(tokens, at, found)) continue
    const words = tokens
      .slice(at, at + found.length)
      .map(({ word }) => word)
      .join(' ')
    take(sentence, at, found.length)
    if (compares && relativeMonths.test(words)) continue
    if (playbook === 'down_shift' && asThingsAre.has(words)) continue
    if (found.said.kind === 'refused') return found.said.why
    const term = timeTerm(sentence)
    if (isStop(term)) return term.stop === 'refused' ? term.why : term.question.text
    const bounds = resolveWindow(found.said, spanOf(term, span))
    if ('why' in bounds) return bounds.why
    windows.push({ term: plainTerm(term), ...bounds })
  }
  if (compares && windows.some(({ from, to }) => from === null || to === null))
    return 'a period to compare needs a beginning and an end, e.g. “September with October”'
  const [one, other] = windows
  if (compares && one !== undefined && other !== undefined && one.from === other.from && one.to === other.to)
    return 'it names the same period twice'
  return compares && windows.length > 2 ? 'it names more than two periods; name two' : windows
}

/** The other files are known by their mapped time only. */
function spanOf(term: KnownTerm, span: DataSpan | null): DataSpan | null {
  return term.field === 'time' && span !== null ? span : term.span
}

const inWord: Token = { kind: 'word', text: 'in', word: 'in' }

/** "compare September with October": of a comparison a month needs no word before it. */
function bareDateAt(tokens: readonly Token[], at: number): FoundWindow | null {
  const [token, next] = [tokens[at], tokens[at + 1]]
  if (token === undefined) return null
  const found = windowAt([inWord, token, ...(next === undefined ? [] : [next])], 0)
  return found === null || found.length < 2 ? null : { ...found, length: found.length - 1 }
}

/** "what may have caused it": a month only with a word before it that says so, or with its capital letter. */
function saysMay(tokens: readonly Token[], at: number, { length }: FoundWindow): boolean {
  return length === 1 && tokens[at]?.text === 'may'
}

/** Whether a word by itself is a month, a date or a year. */
export function isDate(token: Token): boolean {
  if (token.word === 'may') return token.text !== 'may'
  return windowAt([inWord, token], 0)?.length === 2
}
