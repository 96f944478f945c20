import type { Question } from '@holdfast/protocol'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { Choices, FileMapping } from '../field-mapping.ts'
import { additivity } from './concepts.ts'
import { outcomeFilter, takeFilters, takePhrase } from './filters.ts'
import { type Grouping, takeGroups, timeTerm } from './groups.ts'
import { nearestQuestions } from './nearest.ts'
import type { Aggregate, Filter, SimpleReading, Term, TimeWindow } from './reading.ts'
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
import { type KnownTerm, knownTerms, matchFields } from './terms.ts'
import { aggregateWords, callNouns, fillers, notUnderstood, outcomes, rowNouns } from './vocabulary.ts'
import { resolveWindow, windowAt } from './windows.ts'
import { maxQuestionTokens, nameWords, nearlySame, stem, tokenise } from './words.ts'

export interface TableInfo {
  /** The name the SQL will use for the raw table. */
  readonly tableName: string
  readonly profile: FileProfile
  readonly mapping?: FileMapping | undefined
  /** What the user has chosen before in this thread, by question id. */
  readonly choices?: Choices | undefined
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
  const { profile, mapping, tableName } = table
  const tokens = tokenise(text)
  if (tokens.length === 0) return refuse('the question is empty')
  if (tokens.length > maxQuestionTokens)
    return refuse(
      `the question has ${tokens.length} words; I read simple questions of up to ${maxQuestionTokens}`,
    )
  const sentence: Sentence = {
    tokens,
    terms: knownTerms(profile, mapping, table.choices ?? noChoices),
    profile,
    mapping,
    choices: table.choices ?? noChoices,
    taken: new Set(),
    open: [],
  }
  const opening = tokens[0]?.word ?? ''
  if (['where', 'when', 'who', 'why'].includes(opening))
    return refuse(
      `“${opening}” asks for more than a figure; a simple question names a count, a total, an average, …`,
    )
  const window = takeWindow(sentence)
  if (window !== null && isStop(window)) return window
  const rate = takeRate(sentence)
  if (rate !== null && isStop(rate)) return rate
  const filters = takeFilters(sentence)
  if (isStop(filters)) return filters
  const grouping = takeGroups(sentence)
  if (isStop(grouping)) return grouping
  const said = takeAggregate(sentence)
  if (isStop(said)) return said
  const named = takeMeasure(sentence, said)
  const noun = takeRowNoun(sentence)
  const left = leftOver(sentence)
  if (left !== null) return left
  const settled = decide(sentence, { said, rate, measure: named, noun, grouping, filters, window })
  if (isStop(settled)) return settled
  const question = sentence.open[0] ?? doubtfulTerm(sentence, settled)
  if (question !== null) return { stop: 'ambiguous', question }
  return {
    fileId: profile.fileId,
    fileName: profile.fileName,
    table: tableName,
    rows: profile.rows,
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

/** The aggregate in words: "how much" leaves it open, null says nothing at all. */
type SaidAggregate =
  | { readonly kind: 'said'; readonly aggregate: Aggregate }
  | { readonly kind: 'how_much' | 'none' }

function takeAggregate(sentence: Sentence): SaidAggregate | Stop {
  const found: Aggregate[] = []
  const howMuch = takePhrase(sentence, 'how much')
  for (const phrase of ['how many', 'number of', 'count of']) {
    if (takePhrase(sentence, phrase)) found.push({ kind: 'count' })
  }
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const token = free(sentence, at)
    if (token === undefined) continue
    // A column called "total cost" or "count" is a column where its whole name is said.
    const name = mentionAt(sentence, at, (term) => term.kind === 'number')
    if (name !== null && name.length > 1 && name.matches[0]?.score === 1) continue
    const quantile = quantileAt(sentence, at)
    if (quantile !== null) {
      take(sentence, at, quantile.length)
      found.push({ kind: 'quantile', at: quantile.at })
      continue
    }
    const kind = aggregateWords.get(token.word) ?? misspeltAggregate(token.word)
    if (kind === undefined || kind === 'quantile' || kind === 'rate') continue
    take(sentence, at)
    found.push({ kind })
  }
  return combine(found, howMuch)
}

function misspeltAggregate(word: string): Aggregate['kind'] | undefined {
  return word.length < 6
    ? undefined
    : [...aggregateWords].find(([known]) => known.length >= 6 && nearlySame(word, known))?.[1]
}

function combine(found: readonly Aggregate[], howMuch: boolean): SaidAggregate | Stop {
  const kinds = [...new Set(found.map((aggregate) => aggregate.kind))]
  const quantiles = found.filter((aggregate) => aggregate.kind === 'quantile')
  if (quantiles.length > 1) return refuse('it names two figures; ask for one at a time')
  const first = found[0]
  if (first === undefined) return { kind: howMuch ? 'how_much' : 'none' }
  if (kinds.length === 1) return { kind: 'said', aggregate: first }
  // "number of different tenants", "total number of requests", "share of total cost"
  const together = kinds.sort().join('+')
  if (together === 'count+distinct') return { kind: 'said', aggregate: { kind: 'distinct' } }
  if (together === 'count+sum') return { kind: 'said', aggregate: { kind: 'count' } }
  if (together === 'share+sum' || together === 'count+share')
    return { kind: 'said', aggregate: { kind: 'share' } }
  return refuse('it names two figures; ask for one at a time')
}

function quantileAt(sentence: Sentence, at: number): { at: number; length: number } | null {
  const word = free(sentence, at)?.word ?? ''
  const short = /^p(\d{1,2}(?:\.\d+)?)$/u.exec(word)?.[1]
  if (short !== undefined) return { at: quantile(short), length: 1 }
  const ordinal = /^(\d{1,2}(?:\.\d+)?)(?:st|nd|rd|th)?$/u.exec(word)?.[1]
  const next = free(sentence, at + 1)?.word
  if (ordinal !== undefined && (next === 'percentile' || next === 'quantile'))
    return { at: quantile(ordinal), length: 2 }
  const after = free(sentence, at + 1)
  if (word === 'percentile' && after?.kind === 'number') return { at: quantile(after.word), length: 2 }
  return null
}

// 99.9 / 100 is 0.9990000000000001 in binary.
function quantile(percent: string): number {
  return Number((Number(percent) / 100).toFixed(6))
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

interface Parts {
  readonly said: SaidAggregate
  readonly rate: Filter | null
  readonly measure: KnownTerm | null
  readonly noun: string | null
  readonly grouping: Grouping
  readonly filters: readonly Filter[]
  readonly window: TimeWindow | null
}

type Decided = Pick<
  SimpleReading,
  'aggregate' | 'measure' | 'groups' | 'filters' | 'window' | 'order' | 'limit' | 'assumed'
>

function decide(sentence: Sentence, parts: Parts): Decided | Stop {
  const { grouping, window } = parts
  const figure = decideFigure(sentence, parts)
  if (isStop(figure)) return figure
  const { aggregate, measure, filters } = figure
  const { groups, ranking } = grouping
  const timely = groups.some((group) => group.kind !== 'term')
  const assumed = [...figure.assumed, ...(ranking?.assumed ?? [])]
  const grain = sentence.mapping?.grain ?? 'request'
  const perRow = !['sum', 'share', 'distinct', 'count', 'rate'].includes(aggregate.kind)
  if (perRow && grain !== 'request' && grain !== 'unknown')
    assumed.push(
      `each row of ${sentence.profile.fileName} stands for a ${grain}, so this is over ${grain} rows, not over requests`,
    )
  return {
    aggregate,
    measure: measure === null ? null : plainTerm(measure),
    groups,
    filters,
    window,
    order: ranking?.order ?? (timely ? 'group' : 'largest'),
    limit: ranking?.limit ?? null,
    assumed,
  }
}

interface DecidedFigure {
  readonly aggregate: Aggregate
  readonly measure: KnownTerm | null
  readonly filters: readonly Filter[]
  readonly assumed: readonly string[]
}

function decideFigure(sentence: Sentence, parts: Parts): DecidedFigure | Stop {
  const { said, rate, filters, grouping, noun, window } = parts
  if (rate !== null) {
    if (said.kind === 'said' || parts.measure !== null)
      return refuse('it names two figures; ask for one at a time')
    return { aggregate: { kind: 'rate', of: rate }, measure: null, filters, assumed: [] }
  }
  const measure = parts.measure ?? requestCount(sentence, noun)
  if (measure !== null && isStop(measure)) return measure
  const counted = parts.measure === null
  if (said.kind !== 'said') {
    const scoped = grouping.groups.length > 0 || filters.length > 0 || window !== null
    // "total cost" is a figure too where the column itself is called total_cost.
    const total = parts.measure?.columns.some((column) => nameWords(column).includes('total')) ?? false
    if (said.kind === 'none' && !scoped && !grouping.perRow && !total)
      return refuse('it does not name a figure: a count, a total, an average, …')
    if (counted) {
      const clear = noun !== null || grouping.ranking?.byRows === true || outcomeOnly(filters)
      const ranks = grouping.ranking !== null && said.kind === 'none'
      if (!clear && !ranks) return refuse('it does not name what is to be counted or added up')
      const byRows = ranks && !clear ? ['no measure was named: ranked by number of rows'] : []
      return { aggregate: { kind: measure === null ? 'count' : 'sum' }, measure, filters, assumed: byRows }
    }
    return openAggregate(sentence, parts, measure)
  }
  const { aggregate } = said
  switch (aggregate.kind) {
    case 'count':
      return countOf(sentence, parts, measure, counted)
    case 'distinct':
      if (measure === null || counted)
        return refuse('it does not say of what the different values are counted')
      return { aggregate, measure, filters, assumed: [] }
    case 'share':
      return shareOf(parts, measure)
    case 'sum':
    case 'mean':
    case 'min':
    case 'max':
    case 'median':
    case 'quantile':
      return measured(sentence, parts, aggregate, measure, counted)
    case 'rate':
      throw new Error('a rate is taken before the aggregate')
    default:
      throw new Error(`unknown aggregate ${JSON.stringify(aggregate satisfies never)}`)
  }
}

function outcomeOnly(filters: readonly Filter[]): boolean {
  return filters.some((filter) => filter.kind === 'outcome')
}

function measured(
  sentence: Sentence,
  { filters, grouping }: Parts,
  aggregate: Aggregate,
  measure: KnownTerm | null,
  counted: boolean,
): DecidedFigure | Stop {
  if (measure === null || counted) {
    if (aggregate.kind === 'sum')
      return { aggregate: { kind: measure === null ? 'count' : 'sum' }, measure, filters, assumed: [] }
    return refuse('it does not say of which column; a mean of counts takes two steps')
  }
  const adds = additivity(measure.label, measure.unit) === 'adds'
  const timely = grouping.groups.some((group) => group.kind === 'time')
  const extreme = aggregate.kind === 'max' || aggregate.kind === 'min'
  if (adds && grouping.per && aggregate.kind !== 'sum' && (timely || extreme)) {
    const id = `per:${measure.label}`
    const chosen = sentence.choices.get(id)
    if (chosen === 'totals') return { aggregate: { kind: 'sum' }, measure, filters, assumed: [] }
    if (chosen !== 'rows')
      return { stop: 'ambiguous', question: perQuestion(id, aggregate.kind, measure.label) }
  }
  if (grouping.perRow && aggregate.kind === 'sum')
    return refuse('a total has no “per row”; ask for the average')
  if (aggregate.kind === 'sum' && additivity(measure.label, measure.unit) === 'does_not_add')
    return {
      aggregate,
      measure,
      filters,
      assumed: [`a sum of ${measure.label} is rarely meaningful; the average may be meant`],
    }
  const bucketed =
    sentence.mapping?.grain !== undefined && !['request', 'unknown'].includes(sentence.mapping.grain)
  if (grouping.perRow && bucketed)
    return refuse('the rows of this file are not single requests, so it has no figure per request')
  return { aggregate, measure, filters, assumed: [] }
}

/** "average cost per day": of the rows within each day, or of the days' totals? */
function perQuestion(id: string, kind: Aggregate['kind'], name: string): Question {
  return {
    id,
    text: `“per” leaves two readings of ${name}. Which do you mean?`,
    choices: [
      { value: 'rows', label: `the ${kind} of ${name} over single rows, within each group` },
      { value: 'totals', label: `the total of ${name} of each group, to compare the groups` },
    ],
  }
}

/** A measure without an aggregate: a total where adding up means something, a mean where it does not, else asked. */
function openAggregate(sentence: Sentence, parts: Parts, measure: KnownTerm | null): DecidedFigure | Stop {
  if (measure === null) throw new Error('an open aggregate needs a measure')
  const { filters, grouping } = parts
  if (grouping.perRow) return measured(sentence, parts, { kind: 'mean' }, measure, false)
  const kind = additivity(measure.label, measure.unit)
  if (kind === 'adds') return { aggregate: { kind: 'sum' }, measure, filters, assumed: [] }
  if (kind === 'does_not_add')
    return {
      aggregate: { kind: 'mean' },
      measure,
      filters,
      assumed: [`no aggregate was named: the mean of ${measure.label}`],
    }
  const id = `aggregate:${measure.label}`
  const chosen = sentence.choices.get(id)
  if (chosen === 'sum' || chosen === 'mean' || chosen === 'median')
    return { aggregate: { kind: chosen }, measure, filters, assumed: [] }
  return {
    stop: 'ambiguous',
    question: {
      id,
      text: `Which figure of ${measure.label} do you mean?`,
      choices: [
        { value: 'sum', label: `the total of ${measure.label}` },
        { value: 'mean', label: `the average of ${measure.label}` },
        { value: 'median', label: `the median of ${measure.label}` },
      ],
    },
  }
}

function countOf(
  sentence: Sentence,
  parts: Parts,
  measure: KnownTerm | null,
  counted: boolean,
): DecidedFigure | Stop {
  const { filters, noun } = parts
  if (measure === null) {
    if (noun === null && !outcomeOnly(filters) && filters.length === 0)
      return refuse('it does not say what is counted')
    return { aggregate: { kind: 'count' }, measure: null, filters, assumed: [] }
  }
  if (counted) return { aggregate: { kind: 'sum' }, measure, filters, assumed: [] }
  if (noun !== null) return refuse(`I do not see what ${measure.label} is to do in this count`)
  if (measure.kind !== 'number') return { aggregate: { kind: 'distinct' }, measure, filters, assumed: [] }
  if (additivity(measure.label, measure.unit) === 'adds')
    return { aggregate: { kind: 'sum' }, measure, filters, assumed: [] }
  const codes = measure.complete
  if (codes) return { aggregate: { kind: 'distinct' }, measure, filters, assumed: [] }
  return refuse(`${measure.label} of ${sentence.profile.fileName} is not something that is counted`)
}

/** "share of cost by model", or with one condition and no group: "what share of requests failed". */
function shareOf({ filters, grouping, noun }: Parts, measure: KnownTerm | null): DecidedFigure | Stop {
  if (measure === null && noun === null && filters.length === 0)
    return refuse('it does not say of what the share is taken')
  const outcome = filters.find((filter) => filter.kind === 'outcome')
  if (grouping.groups.length > 0) {
    if (outcome !== undefined)
      return refuse(
        'it can mean the failure rate of each group or how failures spread over groups; ask “failure rate by …” or “number of failed requests by …”',
      )
    if (measure?.kind !== undefined && measure.kind !== 'number')
      return refuse(`${measure.label} does not add up to a whole`)
    if (measure !== null && additivity(measure.label, measure.unit) === 'does_not_add')
      return refuse(`${measure.label} does not add up to a whole that could be shared`)
    return { aggregate: { kind: 'share' }, measure, filters, assumed: [] }
  }
  const of = outcome ?? (filters.length === 1 ? filters[0] : undefined)
  if (of === undefined) return refuse('it does not say which part of the whole is meant')
  return {
    aggregate: { kind: 'rate', of },
    measure,
    filters: filters.filter((filter) => filter !== of),
    assumed: [],
  }
}

/** On bucketed exports a row is not a request: requests are summed from their column, or not told at all. */
function requestCount(sentence: Sentence, noun: string | null): KnownTerm | Stop | null {
  if (noun === null || !callNouns.has(noun)) return null
  const column = sentence.terms.find((term) => term.field === 'request_count')
  if (column !== undefined) return column
  const grain = sentence.mapping?.grain ?? 'unknown'
  if (grain === 'request' || grain === 'unknown') return null
  return refuse(
    `each row of ${sentence.profile.fileName} stands for a ${grain} and no column counts requests; ask for rows instead`,
  )
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
