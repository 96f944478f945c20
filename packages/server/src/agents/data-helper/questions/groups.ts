import { type Group, type TimeGrain, timeGrains } from './reading.ts'
import {
  choose,
  findPhrase,
  free,
  isStop,
  mentionAt,
  plainTerm,
  refuse,
  type Sentence,
  type Stop,
  settle,
  take,
} from './sentence.ts'
import type { KnownTerm } from './terms.ts'
import { aggregateWords, directions, rowNouns } from './vocabulary.ts'
import { stem, type Token } from './words.ts'

/** Numbers with more different values than this are quantities, not groups. */
const maxNumberGroups = 50

/** Groups of a top list where the question gives no number. */
const defaultTop = 10

/** More than two groups do not fit a table that people read. */
const maxGroups = 2

export interface Ranking {
  readonly order: 'largest' | 'smallest'
  readonly limit: number | null
  /** "most common", "most used": by rows. */
  readonly byRows: boolean
  readonly assumed: readonly string[]
}

export interface Grouping {
  readonly groups: readonly Group[]
  readonly ranking: Ranking | null
  /** "per request": the mean over rows, where a row is a request. */
  readonly perRow: boolean
  /** A group was introduced by "per" or is "daily": with an average of something that adds up, readings are level. */
  readonly per: boolean
}

/** Takes "top 5 models by", "which tenant has the highest", "by day", "per feature and model", "over time". */
export function takeGroups(sentence: Sentence): Grouping | Stop {
  const ranked = takeRanking(sentence)
  if (ranked !== null && isStop(ranked)) return ranked
  const groups: Group[] = ranked === null ? [] : [ranked.group]
  let perRow = false
  let per = false
  for (let at = 0; at < sentence.tokens.length; at += 1) {
    const marker = markerAt(sentence, at)
    if (marker === 0) continue
    const noun = free(sentence, at + marker)
    if (noun !== undefined && sentence.tokens[at]?.word === 'per' && rowNouns.has(stem(noun.word))) {
      take(sentence, at, marker + 1)
      perRow = true
      continue
    }
    // "top 5 models by cost": this "by" names what ranks, not another group.
    if (ranked !== null && ranksBy(sentence, at + marker)) {
      take(sentence, at, marker)
      continue
    }
    per ||= sentence.tokens[at]?.word === 'per'
    const found = groupListAt(sentence, at + marker)
    if (isStop(found)) return found
    take(sentence, at, marker)
    groups.push(...found)
  }
  const trend = takeTrend(sentence)
  if (trend !== null && isStop(trend)) return trend
  if (trend !== null) groups.push(trend.group)
  per ||= trend?.per ?? false
  if (groups.length > maxGroups) return refuse(`I group by at most ${maxGroups} columns at a time`)
  if (ranked !== null && groups.length > 1) return refuse('I rank over one group at a time')
  const repeated = groups.length === 2 && JSON.stringify(groups[0]) === JSON.stringify(groups[1])
  if (repeated) return refuse('the same group is named twice')
  return { groups, ranking: ranked?.ranking ?? null, perRow, per }
}

function markerAt(sentence: Sentence, at: number): number {
  const word = free(sentence, at)?.word
  const next = free(sentence, at + 1)?.word
  if (word === 'for' && (next === 'each' || next === 'every')) return 2
  if (word === 'by' && (next === 'each' || next === 'every')) return 2
  if (word === 'in' && next === 'each') return 2
  return word === 'by' || word === 'per' || word === 'each' || word === 'every' || word === 'across' ? 1 : 0
}

function ranksBy(sentence: Sentence, at: number): boolean {
  let start = at
  while (['the', 'their'].includes(free(sentence, start)?.word ?? '')) start += 1
  const token = free(sentence, start)
  if (token === undefined) return false
  if (aggregateWords.has(token.word) || rowNouns.has(stem(token.word)) || token.word === 'number') return true
  if (/^p\d/u.test(token.word)) return true
  const mention = mentionAt(sentence, start, () => true)
  return (
    mention?.matches.some(({ term }) => term.kind === 'number' && term.distinct > maxNumberGroups) ?? false
  )
}

function groupListAt(sentence: Sentence, start: number): readonly Group[] | Stop {
  const groups: Group[] = []
  let at = start
  for (;;) {
    let skip = 0
    while (['the', 'each', 'its'].includes(free(sentence, at + skip)?.word ?? '')) skip += 1
    const found = groupAt(sentence, at + skip)
    if (isStop(found)) return found
    take(sentence, at, skip + found.length)
    groups.push(found.group)
    at += skip + found.length
    let joint = 0
    while (joint < 2 && [',', 'and', 'by', '&'].includes(free(sentence, at + joint)?.word ?? '')) joint += 1
    if (joint === 0 || isStop(groupAt(sentence, at + joint))) return groups
    take(sentence, at, joint)
    at += joint
  }
}

type FoundGroup = { readonly group: Group; readonly length: number }

export function groupAt(sentence: Sentence, at: number): FoundGroup | Stop {
  const token = free(sentence, at)
  if (token === undefined) return refuse('it does not say by what to group')
  const mention = mentionAt(sentence, at, groupable)
  const exact = mention?.matches[0]?.score === 1
  const time = exact ? null : timeGroupAt(sentence, at)
  if (time !== null) return time
  if (mention === null) {
    const other = mentionAt(sentence, at, () => true)
    const name = other?.matches[0]?.term
    if (name?.kind === 'time') return timeGroup(sentence, autoGrain(name), other?.length ?? 1)
    return refuse(
      name === undefined
        ? `there is no column “${token.text}” to group by`
        : `${name.label} has too many different numbers to group by`,
    )
  }
  const term = settle(sentence, mention)
  return { group: { kind: 'term', term: plainTerm(term) }, length: mention.length }
}

function groupable(term: KnownTerm): boolean {
  if (term.kind === 'time') return false
  return term.kind !== 'number' || term.distinct <= maxNumberGroups
}

const cyclePhrases: readonly (readonly [string, 'hour_of_day' | 'weekday'])[] = [
  ['hour of the day', 'hour_of_day'],
  ['hour of day', 'hour_of_day'],
  ['time of day', 'hour_of_day'],
  ['day of the week', 'weekday'],
  ['day of week', 'weekday'],
  ['weekday', 'weekday'],
]

function timeGroupAt(sentence: Sentence, at: number): FoundGroup | Stop | null {
  for (const [phrase, cycle] of cyclePhrases) {
    const words = phrase.split(' ')
    if (!words.every((word, index) => free(sentence, at + index)?.word === word)) continue
    const term = timeTerm(sentence)
    if (isStop(term)) return term
    return { group: { kind: 'cycle', term: plainTerm(term), cycle }, length: words.length }
  }
  const calendar = free(sentence, at)?.word === 'calendar' ? 1 : 0
  const word = stem(free(sentence, at + calendar)?.word ?? '')
  const grain = timeGrains.find((each) => each === word) ?? (word === 'date' ? 'day' : undefined)
  return grain === undefined ? null : timeGroup(sentence, grain, calendar + 1)
}

function timeGroup(sentence: Sentence, grain: TimeGrain, length: number): FoundGroup | Stop {
  const term = timeTerm(sentence)
  if (isStop(term)) return term
  return { group: { kind: 'time', term: plainTerm(term), grain }, length }
}

/** The column that tells when: the mapped time, or the only one there is; several are asked about. */
export function timeTerm(sentence: Sentence): KnownTerm | Stop {
  const times = sentence.terms.filter((term) => term.kind === 'time')
  const mapped = times.find((term) => term.field === 'time')
  const [first, second] = times
  if (mapped !== undefined) return mapped
  if (first === undefined) return refuse(`${sentence.profile.fileName} has no column with times`)
  if (second === undefined) return first
  return choose(sentence, {
    id: 'column:time',
    text: `Several columns of ${sentence.profile.fileName} hold times. Which one tells when?`,
    terms: times,
    label: (term) => `${term.label}, e.g. ${term.span?.min ?? term.values[0] ?? ''}`,
  })
}

const adverbs: Readonly<Record<string, TimeGrain>> = {
  hourly: 'hour',
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
  quarterly: 'quarter',
  yearly: 'year',
}

interface Trend {
  readonly group: Group
  /** An adverb asks as "per" does: "average daily cost" may be the average of the days. */
  readonly per: boolean
}

function takeTrend(sentence: Sentence): Trend | Stop | null {
  let grain: TimeGrain | 'auto' | null = null
  let per = false
  for (const [word, each] of Object.entries(adverbs)) {
    const at = findPhrase(sentence, word)
    if (at === null) continue
    take(sentence, at)
    grain = each
    per = true
  }
  for (const phrase of ['over time', 'trend of', 'trend in', 'trend', 'trends']) {
    const at = findPhrase(sentence, phrase)
    if (at === null) continue
    take(sentence, at, phrase.split(' ').length)
    grain ??= 'auto'
  }
  if (grain === null) return null
  const term = timeTerm(sentence)
  if (isStop(term)) return term
  return {
    group: { kind: 'time', term: plainTerm(term), grain: grain === 'auto' ? autoGrain(term) : grain },
    per,
  }
}

const dayMs = 86_400_000

/** A grain that gives between a handful and about a hundred points. */
export function autoGrain(term: KnownTerm): TimeGrain {
  if (term.span === null) return 'day'
  const days = (Date.parse(term.span.max) - Date.parse(term.span.min)) / dayMs
  if (days <= 0.1) return 'minute'
  if (days <= 4) return 'hour'
  if (days <= 120) return 'day'
  return days <= 730 ? 'week' : 'month'
}

function takeRanking(sentence: Sentence): { ranking: Ranking; group: Group } | Stop | null {
  const found = topListAt(sentence) ?? whichAt(sentence)
  if (found === null || isStop(found)) return found
  const group = groupAt(sentence, found.groupAt)
  if (isStop(group)) return group
  take(sentence, found.groupAt, group.length)
  for (const at of found.words) take(sentence, at)
  return { ranking: found.ranking, group: group.group }
}

interface FoundRanking {
  readonly ranking: Ranking
  readonly groupAt: number
  readonly words: readonly number[]
}

function topListAt(sentence: Sentence): FoundRanking | Stop | null {
  const start = findPhrase(sentence, 'top') ?? findPhrase(sentence, 'bottom') ?? mostCommon(sentence)
  if (start === null) return null
  const first = sentence.tokens[start]?.word
  const common = first === 'most' || first === 'least'
  const order = first === 'bottom' || first === 'least' ? 'smallest' : 'largest'
  const before = free(sentence, start - 1)
  const numberAt = common
    ? before?.kind === 'number'
      ? start - 1
      : null
    : free(sentence, start + 1)?.kind === 'number'
      ? start + 1
      : null
  const number = numberAt === null ? undefined : sentence.tokens[numberAt]
  const wrong = number === undefined ? null : notACount(number)
  if (wrong !== null) return wrong
  const count = number?.value
  const words = [start, ...(common ? [start + 1] : []), ...(numberAt === null ? [] : [numberAt])]
  const groupAt = common ? start + 2 : numberAt === null ? start + 1 : numberAt + 1
  const noun = free(sentence, groupAt)
  if (noun === undefined || rowNouns.has(stem(noun.word)))
    return refuse('I rank groups (models, tenants, …), not single rows')
  const singular = common && count === undefined && stem(noun.word) === noun.word
  const limit = singular ? 1 : (count ?? defaultTop)
  const assumed = count === undefined && !singular ? [`no number was given: the ${order} ${defaultTop}`] : []
  return { ranking: { order, limit, byRows: common, assumed }, groupAt, words }
}

/** Lines of a top list; more is no list that people read. */
const mostLines = 1_000

/** Why a number cannot say how many lines a list has: null where it can. "top 10 %" is not ten of them. */
export function notACount({ value = 0, unit = '', text }: Token): Stop | null {
  return unit === '' && Number.isInteger(value) && value >= 1 && value <= mostLines
    ? null
    : refuse(`a top list has 1 to ${mostLines.toLocaleString('en-US')} lines, not ${text}`)
}

function mostCommon(sentence: Sentence): number | null {
  for (const degree of ['most', 'least'])
    for (const adjective of ['common', 'frequent', 'used', 'popular', 'active']) {
      const at = findPhrase(sentence, `${degree} ${adjective}`)
      if (at !== null) return at
    }
  return null
}

/** "Which model has the highest average latency?": every model, in order, so that the runners-up are seen. */
function whichAt(sentence: Sentence): FoundRanking | null {
  const which = findPhrase(sentence, 'which') ?? findPhrase(sentence, 'what')
  if (which === null) return null
  const found = sentence.tokens.findIndex(
    (token, at) => at > which && free(sentence, at) !== undefined && Object.hasOwn(directions, token.word),
  )
  const ranked = found === -1 ? aggregateAfter(sentence, which) : found
  if (ranked === -1) return null
  const word = sentence.tokens[ranked]?.word ?? ''
  const order = directions[word] ?? (word.startsWith('min') ? 'smallest' : 'largest')
  // "what is the highest latency" ranks nothing: a group has to stand right after the question word.
  const group = groupAt(sentence, which + 1)
  if (isStop(group) || which + 1 + group.length > ranked) return null
  // max and min stay to be read as the aggregate.
  const words = found === -1 ? [which] : [which, ranked]
  return { ranking: { order, limit: null, byRows: false, assumed: [] }, groupAt: which + 1, words }
}

function aggregateAfter(sentence: Sentence, start: number): number {
  return sentence.tokens.findIndex(
    (token, at) => at > start && ['max', 'maximum', 'min', 'minimum'].includes(token.word),
  )
}
