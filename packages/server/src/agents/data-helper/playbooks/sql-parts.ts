import type { FieldName } from '../fields.ts'
import type { View } from '../playbook.ts'

/** Money is rounded to micro-dollars where it is printed, never before it is added up. */
export const usd = (sum: string, name = 'cost_usd'): string => `round(${sum}, 6) AS ${name}`

export const percent = (part: string, whole: string, name: string): string =>
  `round(100.0 * (${part}) / nullif(${whole}, 0), 2) AS ${name}`

/** A field that names a group; rows without it are a group of their own. */
export const groupSql = (field: FieldName): string => `coalesce("${field}", '(none)')`

/** Requests behind the rows; null where a row sums an unknown number of them. */
export function requestsSql(view: View): string | null {
  if (view.grain === 'request') return 'count(*)'
  return view.fields.has('request_count') ? 'CAST(sum(request_count) AS DOUBLE)' : null
}

/** A condition that holds where the files have all of these fields. */
export const has =
  (...fields: readonly FieldName[]) =>
  (view: View): boolean =>
    fields.every((field) => view.fields.has(field))

/** The first of the fields that the files have. */
export const firstOf = (view: View, ...fields: readonly FieldName[]): FieldName | null =>
  fields.find((field) => view.fields.has(field)) ?? null
