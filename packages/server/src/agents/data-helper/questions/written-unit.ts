import { casts, quoteName } from '../../../workspace/casts.ts'
import { msEach } from '../columns/duration-unit.ts'
import { usdEach } from '../columns/money-unit.ts'
import type { MappedField } from '../field-mapping.ts'
import { scaled } from '../formats/read-field.ts'

/** Units that a column may be written in, each with what one comes to in the field's own. */
const conversions: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  ms: [
    ['ns', msEach.ns],
    ['µs', msEach.us],
    ['s', msEach.s],
    ['min', msEach.min],
  ],
  USD: [
    ['cents', usdEach.cents],
    ['millionths of a dollar', usdEach.micros],
    ['billionths of a dollar', usdEach.nanos],
  ],
}

const numberCasts = ['number', 'number_thousands', 'number_german', 'money'] as const

/**
 * The unit that the values of a mapped column are in as the file has them: another one than the field's where the
 * mapping multiplies by a factor, null where the field is read from more than one column or otherwise than by a factor.
 */
export function writtenUnit({ columns, sql }: MappedField, unit: string): string | null {
  const known = conversions[unit]
  if (known === undefined) return unit
  const name = quoteName(columns[0] ?? '')
  const number = numberCasts.map((cast) => casts[cast].sql(name)).find((read) => sql.includes(read))
  if (number === undefined || columns.length !== 1) return null
  if (!sql.includes(`(${number}) *`)) return unit
  return known.find(([, each]) => sql.includes(scaled(number, each)))?.[0] ?? null
}
