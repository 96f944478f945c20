import type { Question } from '@holdfast/protocol'
import type { SaidAggregate } from './aggregate.ts'
import { additivity } from './concepts.ts'
import type { PlacedFilter } from './filters.ts'
import type { Grouping } from './groups.ts'
import {
  type Aggregate,
  type Filter,
  type Group,
  groupLabel,
  type SimpleReading,
  type TimeWindow,
} from './reading.ts'
import { isStop, plainTerm, refuse, type Sentence, type Stop } from './sentence.ts'
import { shareOf } from './shares.ts'
import type { KnownTerm } from './terms.ts'
import { callNouns } from './vocabulary.ts'
import { nameWords } from './words.ts'

/** What the words of a question gave, before it is settled what they come to. */
export interface Parts {
  readonly said: SaidAggregate
  readonly rate: Filter | null
  readonly measure: KnownTerm | null
  readonly noun: string | null
  readonly grouping: Grouping
  readonly filters: readonly Filter[]
  /** The same conditions with their places; of a share these tell the part from the whole. */
  readonly placed: readonly PlacedFilter[]
  readonly window: TimeWindow | null
}

export type Decided = Pick<
  SimpleReading,
  'aggregate' | 'measure' | 'groups' | 'filters' | 'window' | 'order' | 'limit' | 'assumed'
>

/** Settles which figure is meant, or why none is. */
export function decide(sentence: Sentence, parts: Parts): Decided | Stop {
  const { grouping, window } = parts
  const figure = decideFigure(sentence, parts)
  if (isStop(figure)) return figure
  const { aggregate, measure, filters } = figure
  const { ranking } = grouping
  const groups = figure.groups ?? grouping.groups
  const timely = groups.some((group) => group.kind !== 'term')
  const assumed = [...figure.assumed, ...(ranking?.assumed ?? [])]
  const grain = sentence.mapping?.grain ?? 'request'
  const perRow = !['sum', 'share', 'distinct', 'count', 'rate', 'of_totals'].includes(aggregate.kind)
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

export interface DecidedFigure {
  readonly aggregate: Aggregate
  readonly measure: KnownTerm | null
  readonly filters: readonly Filter[]
  readonly assumed: readonly string[]
  /** Where they are not those of the question: totals of each day come to one figure. */
  readonly groups?: readonly Group[]
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
      return shareOf(sentence, parts, measure)
    case 'sum':
    case 'mean':
    case 'min':
    case 'max':
    case 'median':
    case 'quantile':
      return measured(sentence, parts, aggregate, measure, counted)
    case 'rate':
    case 'of_totals':
      throw new Error(`no word names ${aggregate.kind}`)
    default:
      throw new Error(`unknown aggregate ${JSON.stringify(aggregate satisfies never)}`)
  }
}

function outcomeOnly(filters: readonly Filter[]): boolean {
  return filters.some((filter) => filter.kind === 'outcome')
}

function measured(
  sentence: Sentence,
  parts: Parts,
  aggregate: Aggregate,
  measure: KnownTerm | null,
  counted: boolean,
): DecidedFigure | Stop {
  const { filters, grouping, noun } = parts
  if (measure === null || counted) {
    if (aggregate.kind === 'sum' && noun === null && !outcomeOnly(filters))
      return refuse('it does not say what is added up: a column, or requests')
    if (aggregate.kind === 'sum')
      return { aggregate: { kind: measure === null ? 'count' : 'sum' }, measure, filters, assumed: [] }
    return ofCounts(parts, aggregate, measure)
  }
  const per = perFigure(sentence, parts, aggregate, measure)
  if (per !== null) return per
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

/** "average requests per day": one figure of the days' counts. There is nothing else that it could mean. */
function ofCounts(
  { filters, grouping, noun }: Parts,
  { kind: take }: Aggregate,
  measure: KnownTerm | null,
): DecidedFigure | Stop {
  if (noun === null && !outcomeOnly(filters)) return refuse('it does not say of which column')
  const [over, another] = grouping.groups
  if (take !== 'mean' && take !== 'median' && take !== 'min' && take !== 'max')
    return refuse(
      'it does not say of which column; of counts I take the average, the median and the extremes',
    )
  if (over === undefined || another !== undefined || grouping.ranking !== null || grouping.perRow)
    return refuse(
      `a figure of counts needs one group that is counted, as in “${take === 'mean' ? 'average' : take} requests per day”`,
    )
  return ofTotals(take, over, { measure, filters })
}

function ofTotals(
  take: (Aggregate & { kind: 'of_totals' })['take'],
  over: Group,
  of: Pick<DecidedFigure, 'measure' | 'filters'>,
): DecidedFigure {
  const assumed = [`only a ${groupLabel(over)} with rows counts`]
  return { ...of, aggregate: { kind: 'of_totals', take, over }, groups: [], assumed }
}

/** "average cost per day": of the rows within each day, of the days' totals, or those totals? Asked of what adds up. */
function perFigure(
  sentence: Sentence,
  { filters, grouping }: Parts,
  aggregate: Aggregate,
  measure: KnownTerm,
): DecidedFigure | Stop | null {
  if (!grouping.per || additivity(measure.label, measure.unit) !== 'adds') return null
  const { kind } = aggregate
  const timely = grouping.groups.some((group) => group.kind === 'time')
  const [over, another] = grouping.groups
  const one = kind === 'mean' || kind === 'median' || kind === 'min' || kind === 'max'
  if (!one && (kind !== 'quantile' || !timely)) return null
  const take = one && another === undefined && grouping.ranking === null ? kind : null
  const id = `per:${measure.label}`
  const chosen = sentence.choices.get(id)
  if (chosen === 'rows') return null
  if (chosen === 'totals') return { aggregate: { kind: 'sum' }, measure, filters, assumed: [] }
  if (chosen === 'of_totals' && take !== null && over !== undefined)
    return ofTotals(take, over, { measure, filters })
  return { stop: 'ambiguous', question: perQuestion(id, kind, measure.label, take === null ? null : over) }
}

function perQuestion(
  id: string,
  kind: Aggregate['kind'],
  name: string,
  over: Group | null | undefined,
): Question {
  const group = over === null || over === undefined ? 'group' : groupLabel(over)
  const ofTotals = { value: 'of_totals', label: `the ${kind} of the totals of ${name}, one total a ${group}` }
  return {
    id,
    text: `“per” or “daily” leaves more than one reading of ${name}. Which do you mean?`,
    choices: [
      { value: 'rows', label: `the ${kind} of ${name} over single rows, within each ${group}` },
      { value: 'totals', label: `the total of ${name} of each ${group}, to compare them` },
      ...(group === 'group' ? [] : [ofTotals]),
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
