import { dateAt, months, type SaidDate, yearOf } from './dates.ts'
import type { Token } from './words.ts'

/** A stretch of time as the question says it; `last` is counted back from the end of the data, never from today. */
export type SaidWindow =
  | { readonly kind: 'range'; readonly from: Date | null; readonly to: Date | null }
  | { readonly kind: 'month'; readonly month: number; readonly edge: Edge }
  | { readonly kind: 'day'; readonly month: number; readonly day: number; readonly edge: Edge }
  | { readonly kind: 'last'; readonly count: number; readonly unit: 'hour' | 'day' | 'week' | 'month' }
  | { readonly kind: 'refused'; readonly why: string }

/** in October · since October · before October · until October (October included) · after October. */
export type Edge = 'in' | 'since' | 'before' | 'until' | 'after'

export interface FoundWindow {
  readonly said: SaidWindow
  readonly length: number
}

const edges: Readonly<Record<string, Edge>> = {
  in: 'in',
  during: 'in',
  on: 'in',
  of: 'in',
  for: 'in',
  since: 'since',
  before: 'before',
  until: 'until',
  till: 'until',
  through: 'until',
  after: 'after',
}

const clockWords = new Set([
  'today',
  'yesterday',
  'tonight',
  'tomorrow',
  'now',
  'currently',
  'recently',
  'lately',
])
const units = { hour: 'hour', day: 'day', week: 'week', month: 'month' } as const
const counts: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  ten: 10,
}

/** The window that starts at this token, if one does. */
export function windowAt(tokens: readonly Token[], at: number): FoundWindow | null {
  const word = tokens[at]?.word ?? ''
  if (clockWords.has(word))
    return refused(1, `“${word}” depends on today's date; name the days, e.g. “since 2026-10-01”`)
  return (
    lastAt(tokens, at) ??
    betweenAt(tokens, at) ??
    fromAt(tokens, at) ??
    edgeAt(tokens, at) ??
    quarterAt(tokens, at)
  )
}

function refused(length: number, why: string): FoundWindow {
  return { length, said: { kind: 'refused', why } }
}

function lastAt(tokens: readonly Token[], start: number): FoundWindow | null {
  let at = start
  while (['in', 'over', 'during', 'for', 'within', 'the'].includes(tokens[at]?.word ?? '') && at - start < 2)
    at += 1
  const first = tokens[at]?.word
  if (first !== 'last' && first !== 'past' && first !== 'this' && first !== 'previous') return null
  const next = tokens[at + 1]
  const count = next?.kind === 'number' && next.unit === '' ? next.value : counts[next?.word ?? '']
  const unitAt = count === undefined ? at + 1 : at + 2
  const unit = units[(tokens[unitAt]?.word ?? '').replace(/s$/u, '') as keyof typeof units]
  if (unit === undefined || first === 'this' || first === 'previous' || count === undefined) {
    if (unit === undefined && !/^(?:quarter|year)/u.test(tokens[unitAt]?.word ?? '')) return null
    return refused(
      unitAt + 1 - start,
      `“${first} ${tokens[unitAt]?.word}” depends on today's date; name it, e.g. “in October 2026” or “last 7 days of the data”`,
    )
  }
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    return refused(unitAt + 1 - start, `“last ${count} ${unit}s” is not a length of time I can use`)
  let end = unitAt + 1
  const tail = ['of', 'the', 'data', 'file', 'dataset']
  if (tokens[end]?.word === 'of') while (tail.includes(tokens[end]?.word ?? '')) end += 1
  return { length: end - start, said: { kind: 'last', count, unit } }
}

function betweenAt(tokens: readonly Token[], at: number): FoundWindow | null {
  const word = tokens[at]?.word
  if (word !== 'between' && word !== 'from') return null
  const from = dateAt(tokens, at + 1)
  if (from === null) return null
  const joint = tokens[at + 1 + from.length]?.word
  const joints = word === 'between' ? ['and', 'to'] : ['to', 'until', 'till', 'through']
  if (joint === undefined || !joints.includes(joint)) return null
  const to = dateAt(tokens, at + 2 + from.length)
  if (to === null) return null
  const length = 2 + from.length + to.length
  const [begin, end] = [from.date, to.date]
  if (begin.kind === 'month' || begin.kind === 'day' || end.kind === 'month' || end.kind === 'day')
    return refused(
      length,
      'a window between two dates needs the year of both, e.g. “between 2026-10-01 and 2026-10-07”',
    )
  const [first, last] = [begin.from, end.kind === 'instant' ? end.from : end.to]
  if (first >= last) return refused(length, 'the window ends before it begins')
  return { length, said: { kind: 'range', from: first, to: last } }
}

/** "cost from October" may be that of October or of all since: only "from October on" and a time of day say which. */
function fromAt(tokens: readonly Token[], at: number): FoundWindow | null {
  if (tokens[at]?.word !== 'from') return null
  const skip = tokens[at + 1]?.word === 'the' ? 1 : 0
  const found = dateAt(tokens, at + 1 + skip)
  if (found === null) return null
  const end = at + 1 + skip + found.length
  const onward = ['on', 'onward', 'onwards'].includes(tokens[end]?.word ?? '')
  if (onward || found.date.kind === 'instant')
    return { length: end + (onward ? 1 : 0) - at, said: saidOf(found.date, 'since') }
  const name = tokens
    .slice(at + 1 + skip, end)
    .map(({ text }) => text)
    .join(' ')
  return refused(
    end - at,
    `“from ${name}” can mean ${name} alone or all since ${name}; write “${onDay(found.date) ? 'on' : 'in'} ${name}” or “since ${name}”`,
  )
}

const dayMs = 86_400_000

function onDay(date: SaidDate): boolean {
  return date.kind === 'day' || (date.kind === 'span' && date.to.getTime() - date.from.getTime() <= dayMs)
}

function edgeAt(tokens: readonly Token[], at: number): FoundWindow | null {
  const edge = edges[tokens[at]?.word ?? '']
  if (edge === undefined) return null
  const skip = tokens[at + 1]?.word === 'the' ? 1 : 0
  const found = dateAt(tokens, at + 1 + skip)
  if (found === null) return null
  return { length: 1 + skip + found.length, said: saidOf(found.date, edge) }
}

function saidOf(date: SaidDate, edge: Edge): SaidWindow {
  switch (date.kind) {
    case 'span':
      return cut(date.from, date.to, edge)
    case 'instant':
      return cut(date.from, edge === 'in' ? date.to : date.from, edge)
    case 'month':
      return { kind: 'month', month: date.month, edge }
    case 'day':
      return { kind: 'day', month: date.month, day: date.day, edge }
    default:
      throw new Error(`unknown date ${JSON.stringify(date satisfies never)}`)
  }
}

function quarterAt(tokens: readonly Token[], at: number): FoundWindow | null {
  const skip = tokens[at]?.word === 'in' || tokens[at]?.word === 'during' ? 1 : 0
  const quarter = /^q([1-4])$/u.exec(tokens[at + skip]?.word ?? '')
  if (quarter === null) return null
  const year = yearOf(tokens[at + skip + 1])
  if (year === null) return refused(skip + 1, `“${quarter[0]}” needs its year, e.g. “in ${quarter[0]} 2026”`)
  const first = (Number(quarter[1]) - 1) * 3
  return {
    length: skip + 2,
    said: {
      kind: 'range',
      from: new Date(Date.UTC(year, first, 1)),
      to: new Date(Date.UTC(year, first + 3, 1)),
    },
  }
}

/** Cuts a span of dates as the word before it says: `after` begins where the span ends, `until` includes it. */
export function cut(from: Date, to: Date, edge: Edge): SaidWindow {
  switch (edge) {
    case 'in':
      return { kind: 'range', from, to }
    case 'since':
      return { kind: 'range', from, to: null }
    case 'before':
      return { kind: 'range', from: null, to: from }
    case 'until':
      return { kind: 'range', from: null, to }
    case 'after':
      return { kind: 'range', from: to, to: null }
    default:
      throw new Error(`unknown edge ${edge satisfies never}`)
  }
}

/** What a window comes to on data that reach from `min` to `max`. */
export function resolveWindow(
  said: SaidWindow,
  span: { readonly min: string; readonly max: string } | null,
): { readonly from: string | null; readonly to: string | null } | { readonly why: string } {
  if (said.kind === 'refused') return { why: said.why }
  if (said.kind === 'range') return bounds(said.from, said.to)
  if (span === null) return { why: 'the window needs its year: where the data begin and end is not known' }
  const min = new Date(span.min)
  const max = new Date(span.max)
  if (said.kind === 'last') return bounds(backFrom(max, said.count, said.unit), null)
  const candidates: { from: Date; to: Date }[] = []
  for (let year = min.getUTCFullYear(); year <= max.getUTCFullYear(); year += 1) {
    const day = said.kind === 'day' ? said.day : 1
    const from = new Date(Date.UTC(year, said.month, day))
    const to =
      said.kind === 'day'
        ? new Date(Date.UTC(year, said.month, day + 1))
        : new Date(Date.UTC(year, said.month + 1, 1))
    if (from.getUTCMonth() === said.month && from <= max && to > min) candidates.push({ from, to })
  }
  const [first, second] = candidates
  const name = `${said.kind === 'day' ? `${said.day} ` : ''}${months[said.month]}`
  if (first === undefined)
    return {
      why: `the data reach from ${span.min.slice(0, 10)} to ${span.max.slice(0, 10)}; there is no ${name} in them`,
    }
  if (second !== undefined) return { why: `the data hold more than one ${name}; add the year` }
  const window = cut(first.from, first.to, said.edge)
  if (window.kind !== 'range') throw new Error('a cut window is a range')
  return bounds(window.from, window.to)
}

function backFrom(max: Date, count: number, unit: 'hour' | 'day' | 'week' | 'month'): Date {
  if (unit === 'hour') return new Date(max.getTime() - count * 3_600_000)
  const [year, month, day] = [max.getUTCFullYear(), max.getUTCMonth(), max.getUTCDate()]
  // Whole days, the last of the data among them.
  if (unit === 'day') return new Date(Date.UTC(year, month, day + 1 - count))
  if (unit === 'week') return new Date(Date.UTC(year, month, day + 1 - count * 7))
  // A month before 31 March is 28 February: the day after the last of February, not the third after it.
  const lastDay = new Date(Date.UTC(year, month - count + 1, 0)).getUTCDate()
  return new Date(Date.UTC(year, month - count, Math.min(day, lastDay) + 1))
}

function bounds(from: Date | null, to: Date | null): { from: string | null; to: string | null } {
  const text = (date: Date | null): string | null =>
    date === null ? null : date.toISOString().replace('.000Z', 'Z')
  return { from: text(from), to: text(to) }
}
