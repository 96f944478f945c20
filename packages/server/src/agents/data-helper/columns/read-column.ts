import type { CastName } from '../../../workspace/casts.ts'
import { casts, quoteName } from '../../../workspace/casts.ts'
import type { ColumnProfile } from '../../../workspace/file-profile.ts'

/** A column read as a typed value: SQL over the raw table, and how much of it parses. */
export interface ColumnRead {
  readonly sql: string
  /** Share of the filled values that parse, 0…1. */
  readonly parsed: number
}

export function textOf(column: ColumnProfile): ColumnRead {
  return { sql: `nullif(trim(${quoteName(column.name)}), '')`, parsed: 1 }
}

export function castOf(column: ColumnProfile, cast: CastName): ColumnRead {
  const hit = column.parses.find((parse) => parse.cast === cast)
  return { sql: casts[cast].sql(quoteName(column.name)), parsed: share(hit?.count ?? 0, column.filled) }
}

/** The best cast of a kind; equally good ones are settled by `order`, first wins. */
function bestCast(column: ColumnProfile, order: readonly CastName[]): CastName | null {
  const found = order
    .map((cast) => ({ cast, count: column.parses.find((parse) => parse.cast === cast)?.count ?? 0 }))
    .filter((entry) => entry.count > 0)
  const most = Math.max(0, ...found.map((entry) => entry.count))
  return found.find((entry) => entry.count === most)?.cast ?? null
}

/** A whole-number field prefers the reading that gives whole numbers: `1.200` tokens are 1,200, never 1.2. */
export function numberOf(column: ColumnProfile, wants: 'whole' | 'any'): ColumnRead | null {
  const fractions = column.numeric !== undefined && !column.numeric.allIntegers
  const order: readonly CastName[] =
    wants === 'whole' && fractions
      ? ['number_german', 'number', 'number_thousands', 'money']
      : ['number', 'number_thousands', 'number_german', 'money']
  const cast = bestCast(column, order)
  return cast === null ? null : castOf(column, cast)
}

const instantCasts: readonly CastName[] = ['iso_time', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns']

/** How a column reads as points in time. `either` means day and month cannot be told apart. */
export type TimeReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly cast: CastName; readonly parsed: number }
  | { readonly kind: 'either'; readonly casts: readonly ['date_dmy', 'date_mdy']; readonly parsed: number }

export function timeOf(column: ColumnProfile): TimeReading {
  const instant = bestCast(column, instantCasts)
  const count = (cast: CastName) => column.parses.find((parse) => parse.cast === cast)?.count ?? 0
  const days = count('date_dmy')
  const months = count('date_mdy')
  if (instant !== null && count(instant) >= Math.max(days, months))
    return { kind: 'one', cast: instant, parsed: share(count(instant), column.filled) }
  if (days === 0 && months === 0) return { kind: 'none' }
  if (days === months)
    return { kind: 'either', casts: ['date_dmy', 'date_mdy'], parsed: share(days, column.filled) }
  const cast = days > months ? 'date_dmy' : 'date_mdy'
  return { kind: 'one', cast, parsed: share(count(cast), column.filled) }
}

export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole)
}
