import type { View } from '../../playbook.ts'
import { providerRules } from '../../provider-rules.ts'
import { groupSql, percent, usd } from '../sql-parts.ts'

/** A feature runs in a fixed window when this share of its requests falls into the same hours of the day, every day. */
export const fixedWindow = { hours: 3, percent: 90, rows: 50, days: 3 } as const

const featureSql = (view: View) => (view.fields.has('feature') ? groupSql('feature') : `'all requests'`)

/** Requests a conversation waits for: a session with more than one of them. */
const inSession = (view: View) =>
  view.fields.has('session') ? 'count(session) - count(DISTINCT session)' : '0'

export function batchFeatures(view: View): string {
  return `WITH good AS (
  SELECT ${featureSql(view)} AS feature, time, hour(time) AS hour_of_day, cost_usd${view.fields.has('session') ? ', session' : ''}
  FROM usage
  WHERE ok AND time IS NOT NULL
), hours AS (
  SELECT feature, hour_of_day, count(*) AS rows FROM good GROUP BY 1, 2
), windows AS (
  SELECT starts.feature, starts.hour_of_day AS from_hour, sum(hours.rows) AS rows
  FROM hours AS starts JOIN hours
    ON hours.feature = starts.feature AND (hours.hour_of_day - starts.hour_of_day + 24) % 24 < ${fixedWindow.hours}
  GROUP BY 1, 2
), best AS (
  SELECT feature, arg_max(from_hour, rows * 100 - from_hour) AS from_hour, max(rows) AS rows FROM windows GROUP BY 1
), gaps AS (
  SELECT feature, date_diff('millisecond', lag(time) OVER (PARTITION BY feature ORDER BY time), time) AS gap FROM good
), bursts AS (
  SELECT feature, round(stddev_pop(gap) / nullif(avg(gap), 0), 1) AS arrivals_cv FROM gaps WHERE gap IS NOT NULL GROUP BY 1
), features AS (
  SELECT feature, count(*) AS rows, count(DISTINCT CAST(time AS DATE)) AS days, count(DISTINCT hour_of_day) AS hours_used,
    sum(cost_usd) AS cost, ${inSession(view)} AS in_session
  FROM good
  GROUP BY 1
), judged AS (
  SELECT features.*, best.from_hour, best.rows AS window_rows, arrivals_cv,
    features.rows >= ${fixedWindow.rows} AND days >= ${fixedWindow.days} AND in_session * 2 < features.rows
      AND 100.0 * best.rows / features.rows >= ${fixedWindow.percent} AS candidate
  FROM features JOIN best USING (feature) LEFT JOIN bursts USING (feature)
)
SELECT feature, candidate, rows, days, hours_used,
  strftime(make_timestamp(2000, 1, 1, CAST(from_hour AS BIGINT), 0, 0), '%H:%M') AS window_from_utc,
  ${percent('window_rows', 'rows', 'in_window_percent')}, arrivals_cv, ${usd('cost')},
  ${percent('cost', 'sum(cost) OVER ()', 'share_of_cost_percent')},
  ${usd(`cost * ${providerRules.batchDiscount}`, 'saving_usd')},
  ${usd('sum(cost) OVER ()', 'total_cost_usd')}
FROM judged
ORDER BY candidate DESC, cost DESC NULLS LAST, feature
LIMIT 200`
}

/** Requests by hour of day and weekday, for the chart. */
export function batchHours(): string {
  return `SELECT strftime(time, '%u %a') AS weekday, strftime(time, '%H') AS hour_utc, count(*) AS requests
FROM usage
WHERE ok AND time IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2`
}

/** The days' busiest hours of each feature: what is left to say of a few days. */
export function batchProfile(view: View): string {
  return `SELECT ${featureSql(view)} AS feature, strftime(time, '%H') AS hour_utc, count(*) AS requests, ${usd('sum(cost_usd)')}
FROM usage
WHERE ok AND time IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
LIMIT 1000`
}
