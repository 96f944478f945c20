import type { FieldName } from '../../fields.ts'
import type { View } from '../../playbook.ts'
import { firstOf, percent, requestsSql, usd } from '../sql-parts.ts'

/** From this share of the cost on, what nobody is named for is a rest; below it the answer says how much that is. */
export const attributedPercent = 90

/** How cost that nobody is named for is shared out. */
export const sharedRules = ['show', 'proportional', 'even'] as const
export type SharedRule = (typeof sharedRules)[number]

/** Whom the cost is charged to: the narrowest of these that the files have, tenants first. */
export const payerOf = (view: View): FieldName | null => firstOf(view, 'tenant', 'api_key', 'user')

export const unallocated = '(unallocated)'

const payerSql = (view: View) => {
  const payer = payerOf(view)
  return payer === null ? `'${unallocated}'` : `coalesce("${payer}", '${unallocated}')`
}

const requests = (view: View) => {
  const count = requestsSql(view)
  return count === null ? '' : `, ${count} AS requests`
}

export function chargebackTotal(view: View): string {
  const payer = payerSql(view)
  const time = view.fields.has('time') ? ', min(time) AS first_time, max(time) AS last_time' : ''
  return `SELECT ${usd('sum(cost_usd)')},
  ${usd(`coalesce(sum(cost_usd) FILTER (WHERE ${payer} = '${unallocated}'), 0)`, 'unallocated_usd')},
  ${percent(`coalesce(sum(cost_usd) FILTER (WHERE ${payer} <> '${unallocated}'), 0)`, 'sum(cost_usd)', 'attributed_percent')},
  count(DISTINCT ${payer}) FILTER (WHERE ${payer} <> '${unallocated}') AS payers${time}
FROM usage`
}

/** What each is charged; the parts always add up to the total. */
export function chargebackByPayer(view: View, rule: SharedRule): string {
  const share =
    rule === 'proportional'
      ? 'rest.cost * payers.cost / nullif(sum(payers.cost) OVER (), 0)'
      : 'rest.cost / count(*) OVER ()'
  const shared =
    rule === 'show'
      ? `SELECT payer, cost, 0.0 AS shared FROM costs`
      : `SELECT payer, payers.cost, ${share} AS shared FROM costs AS payers, rest WHERE payer <> '${unallocated}'`
  return `WITH costs AS (
  SELECT ${payerSql(view)} AS payer, coalesce(sum(cost_usd), 0) AS cost FROM usage GROUP BY 1
), rest AS (
  SELECT coalesce(sum(cost) FILTER (WHERE payer = '${unallocated}'), 0) AS cost FROM costs
), charges AS (
  ${shared}
)
SELECT payer, ${usd('cost')}, ${usd('shared', 'shared_usd')}, ${usd('cost + shared', 'charge_usd')},
  ${percent('cost + shared', 'sum(cost + shared) OVER ()', 'share_percent')}
FROM charges
ORDER BY payer = '${unallocated}', cost + shared DESC, payer
LIMIT 1000`
}

/** The lines behind the charges, for an invoice. */
export function chargebackLines(view: View): string {
  const parts = (['feature', 'model'] as const).filter((field) => view.fields.has(field))
  const columns = parts.map((field) => `coalesce("${field}", '(none)') AS ${field}`)
  const month = view.fields.has('time') ? [`strftime(time, '%Y-%m') AS month`] : []
  const all = [`${payerSql(view)} AS payer`, ...month, ...columns]
  const keys = all.map((_, index) => index + 1).join(', ')
  return `SELECT ${all.join(', ')}, ${usd('coalesce(sum(cost_usd), 0)')}${requests(view)}
FROM usage
GROUP BY ${keys}
ORDER BY payer = '${unallocated}', ${keys}
LIMIT 5000`
}
