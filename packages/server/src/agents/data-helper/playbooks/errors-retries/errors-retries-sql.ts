import type { FieldName } from '../../fields.ts'
import type { View } from '../../playbook.ts'
import { firstOf, groupSql, percent, usd } from '../sql-parts.ts'

export const errorRows = 500

/** An hour is part of a storm when it has so many failures and they are so large a share of its requests. */
export const storm = { failures: 10, times: 3, percent: 20 } as const

/** A request that follows a failed one so soon, from the same sender to the same model and about as long, is a retry. */
export const retry = { seconds: 60, likeness: 0.02 } as const

const wasted = (view: View) =>
  view.fields.has('cost_usd')
    ? `, ${usd('coalesce(sum(cost_usd) FILTER (WHERE NOT ok), 0)', 'failed_cost_usd')}`
    : ''

const rate = percent('count(*) FILTER (WHERE NOT ok)', 'count(*)', 'failure_percent')

export function errorsTotal(view: View): string {
  return `SELECT count(*) AS requests, count(*) FILTER (WHERE NOT ok) AS failed, ${rate}${wasted(view)}
FROM usage`
}

export function errorsByStatus(view: View): string {
  return `SELECT ${groupSql('status')} AS status, count(*) AS failed,
  ${percent('count(*)', 'sum(count(*)) OVER ()', 'share_percent')}${wasted(view)}
FROM usage
WHERE NOT ok
GROUP BY 1
ORDER BY failed DESC, 1
LIMIT 50`
}

export function errorsBy(view: View, field: FieldName): string {
  return `SELECT ${groupSql(field)} AS "${field}", count(*) AS requests, count(*) FILTER (WHERE NOT ok) AS failed, ${rate}${wasted(view)}
FROM usage
GROUP BY 1
ORDER BY failed DESC, requests DESC, 1
LIMIT 200`
}

export function errorsByDay(): string {
  return `SELECT CAST(time AS DATE) AS day, ${groupSql('status')} AS status, count(*) AS failed
FROM usage
WHERE NOT ok AND time IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
LIMIT 5000`
}

export function errorsWorstDay(): string {
  return `SELECT CAST(time AS DATE) AS day, count(*) AS requests, count(*) FILTER (WHERE NOT ok) AS failed, ${rate}
FROM usage
WHERE time IS NOT NULL
GROUP BY 1
HAVING count(*) FILTER (WHERE NOT ok) > 0
ORDER BY failed DESC, 1
LIMIT 10`
}

const drivers = ['status', 'model', 'tenant', 'feature', 'user', 'provider'] as const

/** What a storm is mostly made of; of each field that the files have, the most frequent value among its failures. */
export const stormDrivers = (view: View) => drivers.filter((field) => view.fields.has(field))

/** Hours in which far more failed than usual; neighbouring hours are one storm. */
export function errorStorms(view: View): string {
  const top = stormDrivers(view).map(
    (field) =>
      `, mode("${field}") FILTER (WHERE NOT ok) AS "${field}", ${percent(`count(*) FILTER (WHERE NOT ok AND "${field}" = top_${field})`, 'count(*) FILTER (WHERE NOT ok)', `${field}_percent`)}`,
  )
  const tops = stormDrivers(view).map((field) => `, mode("${field}") FILTER (WHERE NOT ok) AS top_${field}`)
  return `WITH overall AS (
  SELECT count(*) FILTER (WHERE NOT ok) / count(*) AS rate FROM usage
), hours AS (
  SELECT date_trunc('hour', time) AS hour_start, count(*) AS requests, count(*) FILTER (WHERE NOT ok) AS failed
  FROM usage
  WHERE time IS NOT NULL
  GROUP BY 1
), bad AS (
  SELECT hour_start, hour_start - row_number() OVER (ORDER BY hour_start) * INTERVAL 1 HOUR AS island
  FROM hours, overall
  WHERE failed >= ${storm.failures} AND failed / requests >= greatest(least(${storm.times} * rate, 0.9), ${storm.percent / 100})
), storms AS (
  SELECT min(hour_start) AS storm_from, max(hour_start) + INTERVAL 1 HOUR AS storm_to FROM bad GROUP BY island
), rows AS (
  SELECT storm_from, storm_to, usage.* FROM usage JOIN storms ON time >= storm_from AND time < storm_to
), tops AS (
  SELECT storm_from AS tops_from${tops.join('')} FROM rows GROUP BY 1
)
SELECT storm_from, storm_to, count(*) AS requests, count(*) FILTER (WHERE NOT ok) AS failed, ${rate}${top.join('')}
FROM rows JOIN tops ON tops_from = storm_from
GROUP BY storm_from, storm_to
ORDER BY failed DESC, storm_from
LIMIT 20`
}

/** Whoever sends again: the narrowest of these that the files have. */
export const senderOf = (view: View): FieldName | null =>
  firstOf(view, 'session', 'user', 'api_key', 'tenant', 'feature')

export function errorRetries(view: View): string {
  const sender = senderOf(view)
  const same = [...(sender === null ? [] : [`"${sender}"`]), ...(view.fields.has('model') ? ['model'] : [])]
  const partition = same.length === 0 ? '' : `PARTITION BY ${same.join(', ')} `
  const tokens = view.fields.has('input_tokens') ? 'input_tokens' : 'NULL::DOUBLE'
  const likeness = view.fields.has('input_tokens')
    ? `AND abs(next_tokens - tokens) <= ${retry.likeness} * greatest(tokens, 1)`
    : ''
  return `WITH followed AS (
  SELECT ok, time, ${tokens} AS tokens, lead(time) OVER line AS next_time, lead(ok) OVER line AS next_ok,
    lead(${tokens}) OVER line AS next_tokens
  FROM usage
  WHERE time IS NOT NULL
  WINDOW line AS (${partition}ORDER BY time)
), retries AS (
  SELECT next_ok FROM followed
  WHERE NOT ok AND next_time - time <= INTERVAL ${retry.seconds} SECOND ${likeness}
)
SELECT (SELECT count(*) FROM followed WHERE NOT ok) AS failed, count(*) AS retried,
  count(*) FILTER (WHERE next_ok) AS retried_well, count(*) FILTER (WHERE NOT next_ok) AS failed_again
FROM retries`
}
