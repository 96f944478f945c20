import type { Token } from './words.ts'

export const months = [
  'jan',
  'feb',
  'mar',
  'apr',
  'may',
  'jun',
  'jul',
  'aug',
  'sep',
  'oct',
  'nov',
  'dec',
] as const
const monthNames =
  /^(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/u

/** A date as a question says it; what it lacks (the year) the data have to tell. */
export type SaidDate =
  | { readonly kind: 'span'; readonly from: Date; readonly to: Date }
  /** A time of day: a point where a window begins or ends, and the minute or second to `to` where something is on it. */
  | { readonly kind: 'instant'; readonly from: Date; readonly to: Date }
  | { readonly kind: 'month'; readonly month: number }
  | { readonly kind: 'day'; readonly month: number; readonly day: number }

/** The date that begins at this token, if one does. */
export function dateAt(tokens: readonly Token[], at: number): { date: SaidDate; length: number } | null {
  const token = tokens[at]
  if (token === undefined) return null
  const iso = isoSpan(token.text)
  if (iso !== null) return { date: iso, length: 1 }
  const month = monthOf(token)
  if (month !== null) {
    const day = dayOf(tokens[at + 1])
    // "October 8 2026", "October 8, 2026", "October 8", "October 2026", "October"
    if (day !== null) {
      const comma = tokens[at + 2]?.kind === 'comma' ? 1 : 0
      const year = yearOf(tokens[at + 2 + comma])
      return year === null
        ? { date: { kind: 'day', month, day }, length: 2 }
        : dayOfYear(year, month, day, 3 + comma)
    }
    const year = yearOf(tokens[at + 1])
    return year === null ? { date: { kind: 'month', month }, length: 1 } : monthOfYear(year, month, 2)
  }
  const day = dayOf(token)
  const of = tokens[at + 1]?.word === 'of' ? 1 : 0
  const after = monthOf(tokens[at + 1 + of])
  if (day !== null && after !== null) {
    const year = yearOf(tokens[at + 2 + of])
    return year === null
      ? { date: { kind: 'day', month: after, day }, length: 2 + of }
      : dayOfYear(year, after, day, 3 + of)
  }
  const year = yearOf(token)
  if (year === null) return null
  return {
    date: { kind: 'span', from: new Date(Date.UTC(year, 0, 1)), to: new Date(Date.UTC(year + 1, 0, 1)) },
    length: 1,
  }
}

function dayOfYear(
  year: number,
  month: number,
  day: number,
  length: number,
): { date: SaidDate; length: number } | null {
  const from = new Date(Date.UTC(year, month, day))
  if (from.getUTCMonth() !== month) return null
  return { date: { kind: 'span', from, to: new Date(Date.UTC(year, month, day + 1)) }, length }
}

function monthOfYear(year: number, month: number, length: number): { date: SaidDate; length: number } {
  const from = new Date(Date.UTC(year, month, 1))
  return { date: { kind: 'span', from, to: new Date(Date.UTC(year, month + 1, 1)) }, length }
}

function isoSpan(text: string): SaidDate | null {
  const match = /^(\d{4})-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?Z?)?)?$/iu.exec(text)
  if (match === null) return null
  const [year, month] = [Number(match[1]), Number(match[2]) - 1]
  if (month < 0 || month > 11) return null
  if (match[3] === undefined) return monthOfYear(year, month, 1).date
  if (match[4] === undefined) return dayOfYear(year, month, Number(match[3]), 1)?.date ?? null
  const from = new Date(
    Date.UTC(year, month, Number(match[3]), Number(match[4]), Number(match[5]), Number(match[6] ?? 0)),
  )
  const stepMs = match[6] === undefined ? 60_000 : 1_000
  return { kind: 'instant', from, to: new Date(from.getTime() + stepMs) }
}

function monthOf(token: Token | undefined): number | null {
  if (token?.kind !== 'word' || !monthNames.test(token.word)) return null
  return months.indexOf(token.word.slice(0, 3) as (typeof months)[number])
}

function dayOf(token: Token | undefined): number | null {
  const match = /^(\d{1,2})(?:st|nd|rd|th)?$/u.exec(token?.word ?? '')
  const day = Number(match?.[1])
  return match !== null && day >= 1 && day <= 31 ? day : null
}

export function yearOf(token: Token | undefined): number | null {
  const match = /^(?:19|20)\d{2}$/u.exec(token?.word ?? '')
  return match === null ? null : Number(match[0])
}
