import type { View } from '../../playbook.ts'

/** Whole days, UTC. */
export interface Period {
  /** YYYY-MM-DD, inclusive. */
  readonly from: string
  /** YYYY-MM-DD, exclusive. */
  readonly to: string
  readonly days: number
}

export interface Periods {
  readonly before: Period
  readonly after: Period
  /** How they were chosen, for people. */
  readonly why: string
}

const dayMs = 86_400_000
/** A month to date is compared from so many days on; earlier, the two whole months before it say more. */
const leastDaysOfMonth = 7
/** The first and last day of quiet traffic may have no request at all. */
const slackDays = 1

/**
 * What is compared with what: the two periods the question names; the one it names with the one before it; otherwise
 * the last two whole months, the month so far with the same days of the month before, or the two halves of the data.
 * Null where the data is shorter than two days.
 */
export function periodsOf(view: View): Periods | null {
  const { span, compare } = view
  if (span === null) return null
  const first = dayOf(span.from)
  const last = dayOf(span.to)
  const [one, two] = compare
  if (one !== undefined && two !== undefined) {
    const [before, after] = one.from <= two.from ? [one, two] : [two, one]
    return {
      before: period(before.from, before.to),
      after: period(after.from, after.to),
      why: 'as you named them',
    }
  }
  if (one !== undefined) return { ...withBefore(one), why: 'the period you named and the one before it' }
  return months(first, last) ?? halves(first, last)
}

function withBefore({ from, to }: { readonly from: number; readonly to: number }): Omit<Periods, 'why'> {
  const start = new Date(from)
  const wholeMonth = start.getUTCDate() === 1 && to === monthStart(from, 1)
  return {
    before: period(wholeMonth ? monthStart(from, -1) : from - (to - from), from),
    after: period(from, to),
  }
}

function months(first: number, last: number): Periods | null {
  const thisMonth = monthStart(last, 0)
  const whole = (start: number) =>
    first <= start + slackDays * dayMs && last >= monthStart(start, 1) - dayMs - slackDays * dayMs
  const previous = monthStart(last, -1)
  if (whole(thisMonth) && whole(previous))
    return {
      before: period(previous, thisMonth),
      after: period(thisMonth, monthStart(last, 1)),
      why: 'the last two whole months',
    }
  const daysOfMonth = (last - thisMonth) / dayMs + 1
  const beforeThat = monthStart(last, -2)
  if (daysOfMonth < leastDaysOfMonth && whole(previous) && whole(beforeThat))
    return {
      before: period(beforeThat, previous),
      after: period(previous, thisMonth),
      why: 'the last two whole months',
    }
  const sameDays = Math.min(daysOfMonth, (thisMonth - previous) / dayMs)
  if (daysOfMonth >= leastDaysOfMonth && whole(previous))
    return {
      before: period(previous, previous + sameDays * dayMs),
      after: period(thisMonth, thisMonth + sameDays * dayMs),
      why: 'the month so far and the same days of the month before',
    }
  return null
}

function halves(first: number, last: number): Periods | null {
  const days = Math.floor(((last - first) / dayMs + 1) / 2)
  if (days < 1) return null
  const end = last + dayMs
  return {
    before: period(end - 2 * days * dayMs, end - days * dayMs),
    after: period(end - days * dayMs, end),
    why: 'the two halves of the data',
  }
}

const dayOf = (time: string): number => Math.floor(Date.parse(time) / dayMs) * dayMs

function monthStart(at: number, offset: number): number {
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1)
}

function period(from: number, to: number): Period {
  const text = (at: number) => new Date(at).toISOString().slice(0, 10)
  return { from: text(from), to: text(to), days: Math.max(1, Math.round((to - from) / dayMs)) }
}
