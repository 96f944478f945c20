import type { Question } from '@holdfast/protocol'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { Choices, FileMapping } from '../field-mapping.ts'
import { type SaidAggregate, takeAggregate } from './aggregate.ts'
import { asksForMore } from './asks-for-more.ts'
import { type Decided, decide } from './decide.ts'
import { takeFilters } from './filters.ts'
import { takeGroups, timeTerm } from './groups.ts'
import { takeList } from './lists.ts'
import { looksAhead } from './looks-ahead.ts'
import { nearestQuestions } from './nearest.ts'
import { outcomeFilter, withoutImplied } from './outcome-filter.ts'
import type { Filter, SimpleReading, Term, TimeWindow } from './reading.ts'
import {
  free,
  isOneOf,
  isStop,
  mentionAt,
  plainTerm,
  refuse,
  type Sentence,
  type Stop,
  settle,
  take,
} from './sentence.ts'
import { takeSuperlative } from './superlatives.ts'
import { type KnownTerm, knownTerms, matchFields } from './terms.ts'
import { fillers, notUnderstood, outcomes, rowNouns } from './vocabulary.ts'
import { resolveWindow, windowAt } from './windows.ts'
import { maxQuestionTokens, nearlySame, stem, tokenise } from './words.ts'

export interface TableInfo {
  /** The name the SQL will use for the raw table. */
  readonly tableName: string
  readonly profile: FileProfile
  readonly mapping?: FileMapping | undefined
  /** What the user has chosen before in this thread, by question id. */
  readonly choices?: Choices | undefined
  /** What can be named, where that is more than the file's own columns. */
  readonly terms?: readonly KnownTerm[] | undefined
}

/** Of a thread in which nothing was asked yet. */
export const noChoices: Choices = new Map()

export type ParsedQuestion =
  | { readonly ok: true; readonly reading: SimpleReading }
  | {
      readonly ok: false
      readonly why: string
      /** Questions that can be answered, made from the file's own columns. */
      readonly nearest: readonly string[]
      /** Two readings are level: the user chooses, and the same question is parsed again with the choice. */
      readonly question: Question | null
    }

/**
 * Reads a question that names a figure. Every word has to be understood or to be one that changes nothing:
 * a word left over stops the reading, because an answer that ignores it would be wrong and look right.
 */
export function parseSimpleQuestion(text: string, table: TableInfo): ParsedQuestion {
  const read = readQuestion(text, table)
  if (!isStop(read)) return { ok: true, reading: read }
  const nearest = nearestQuestions(table)
  return read.stop === 'ambiguous'
    ? { ok: false, why: read.question.text, nearest, question: read.question }
    : { ok: false, why: read.why, nearest, question: null }
}

function readQuestion(text: string, table: TableInfo): SimpleReading | Stop {
  const { profile, mapping } = table
  const tokens = tokenise(text)
  if (tokens.length === 0) return refuse('the question is empty')
  if (tokens.length > maxQuestionTokens)
    return refuse(
      `the question has ${tokens.length} words; I read simple questions of up to ${maxQuestionTokens}`,
    )
  const sentence: Sentence = {
    tokens,
    terms: table.terms ?? knownTerms(profile, mapping, table.choices ?? noChoices),
    profile,
    mapping,
    choices: table.choices ?? noChoices,
    taken: new Set(),
    open: [],
  }
  const ahead = looksAhead(tokens)
  if (ahead !== null) return refuse(ahead)
  const window = takeWindow(sentence)
  if (window !== null && isStop(window)) return window
  const rate = takeRate(sentence)
  if (rate !== null && isStop(rate)) return rate
  const placed = takeFilters(sentence)
  if (isStop(placed)) return placed
  const more = asksForMore(sentence, placed)
  if (more !== null) return more
  const filters = withoutImplied(placed.map(({ filter }) => filter))
  const superlative = rate === null ? (takeSuperlative(sentence) ?? takeList(sentence, filters)) : null
  if (superlative !== null) {
    if (isStop(superlative)) return superlative
    return leftOver(sentence) ?? finish(sentence, table, { ...superlative, filters, window })
  }
  const grouping = takeGroups(sentence)
  if (isStop(grouping)) return grouping
  const said = takeAggregate(sentence)
  if (isStop(said)) return said
  const named = takeMeasure(sentence, said)
  const noun = takeRowNoun(sentence)
  const left = leftOver(sentence)
  if (left !== null) return left
  return finish(
    sentence,
    table,
    decide(sentence, { said, rate, measure: named, noun, grouping, filters, placed, window }),
  )
}

/** A settled figure as a reading, unless something about it has to be asked first. */
function finish(
  sentence: Sentence,
  { profile, mapping, tableName }: TableInfo,
  settled: Decided | Stop,
): SimpleReading | Stop {
  if (isStop(settled)) return settled
  const question = sentence.open[0] ?? doubtfulTerm(sentence, settled)
  if (question !== null) return { stop: 'ambiguous', question }
  return {
    fileId: profile.fileId,
    fileName: profile.fileName,
    table: tableName,
    rows: profile.rows,
    join: null,
    keep: mapping?.keep ?? null,
    ...settled,
  }
}

function takeWindow(sentence: Sentence): TimeWindow | Stop | null {
  let window: TimeWindow | null = null
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const found = free(sentence, at) === undefined ? null : windowAt(sentence.tokens, at)
    if (found === null) continue
    if (found.said.kind === 'refused') return refuse(found.said.why)
    if (window !== null) return refuse('it names two windows of time; name one')
    const term = timeTerm(sentence)
    if (isStop(term)) return term
    // Until it is known how the dates read, nobody can say where the data begin and end.
    if (term.doubt !== null && found.said.kind !== 'range') return { stop: 'ambiguous', question: term.doubt }
    const bounds = resolveWindow(found.said, term.span)
    if ('why' in bounds) return refuse(bounds.why)
    window = { term: plainTerm(term), ...bounds }
    take(sentence, at, found.length)
  }
  return window
}

/** "error rate", "failure rate", "success rate". */
function takeRate(sentence: Sentence): Filter | Stop | null {
  for (const outcome of ['failed', 'succeeded'] as const) {
    const at = sentence.tokens.findIndex(
      (_, index) =>
        isOneOf(free(sentence, index), outcomes[outcome]) && free(sentence, index + 1)?.word === 'rate',
    )
    if (at === -1) continue
    const filter = outcomeFilter(sentence, outcome)
    if (isStop(filter)) return filter
    take(sentence, at, 2)
    return filter
  }
  return null
}

function takeMeasure(sentence: Sentence, said: SaidAggregate): KnownTerm | null {
  const kind = said.kind === 'said' ? said.aggregate.kind : null
  const any = kind === 'distinct' || kind === 'count'
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const token = free(sentence, at)
    if (token === undefined) continue
    const mention = mentionAt(sentence, at, (term) => any || term.kind === 'number')
    if (mention === null) continue
    const plain = fillers.has(token.word) || rowNouns.has(stem(token.word))
    // "requests" is a row unless a column of numbers bears the name.
    if (plain && mention.length === 1 && !namesNumbers(mention.matches[0]?.term, mention.matches[0]?.score))
      continue
    if (plain && mention.length > 1 && (mention.matches[0]?.score ?? 0) < 0.95) continue
    const term = settle(sentence, mention)
    take(sentence, at, mention.length)
    return term
  }
  return null
}

function namesNumbers(term: KnownTerm | undefined, score: number | undefined): boolean {
  return term?.kind === 'number' && (score ?? 0) >= 0.95
}

function takeRowNoun(sentence: Sentence): string | null {
  let noun: string | null = null
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const word = stem(free(sentence, at)?.word ?? '')
    if (!rowNouns.has(word)) continue
    take(sentence, at)
    noun ??= word
  }
  return noun
}

function leftOver(sentence: Sentence): Stop | null {
  for (const [at, token] of sentence.tokens.entries()) {
    if (sentence.taken.has(at) || token.kind === 'comma' || fillers.has(token.word)) continue
    const why = notUnderstood.get(token.word)
    if (why !== undefined) return refuse(`“${token.text}”: ${why}`)
    const another = mentionAt(sentence, at, () => true)?.matches[0]?.term
    if (another !== undefined) return refuse(`I do not see what ${another.label} is to do in this question`)
    const estimated = matchFields([token.text]).find(
      (field) => sentence.mapping?.fields[field]?.estimated === true,
    )
    if (estimated !== undefined)
      return refuse(
        `${sentence.profile.fileName} has no column for “${token.text}”; it can only be estimated, which the cost breakdown does`,
      )
    if (matchFields([token.text]).length > 0)
      return refuse(`${sentence.profile.fileName} has no column for “${token.text}”`)
    const near = sentence.terms
      .flatMap((term) => term.values)
      .find((value) => nearlySame(value.toLowerCase(), token.word))
    return refuse(`I do not understand “${token.text}”${near === undefined ? '' : `; did you mean ${near}?`}`)
  }
  return null
}

/** Two ways to read a column's text that give different values are asked about, once the column is used. */
function doubtfulTerm(sentence: Sentence, decided: Decided): Question | null {
  const used: readonly Term[] = [
    ...(decided.measure === null ? [] : [decided.measure]),
    ...(decided.window === null ? [] : [decided.window.term]),
    ...decided.groups.map((group) => group.term),
    ...decided.filters.map((filter) => filter.term),
  ]
  for (const term of used) {
    const known = sentence.terms.find((each) => each.label === term.label)
    const question = known?.doubt ?? null
    if (question !== null && term.kind !== 'text') return question
  }
  return null
}
