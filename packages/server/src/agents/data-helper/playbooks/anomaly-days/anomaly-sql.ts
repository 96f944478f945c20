import type { FieldName } from '../../fields.ts'
import type { View } from '../../playbook.ts'
import { groupSql, requestsSql, usd } from '../sql-parts.ts'

export const anomalyDays = 14

/** A day stands out from so many robust deviations on, if it is also so much above or below what is usual. */
export const outlier = { deviations: 4, percent: 25 } as const

type Measure = 'requests' | 'cost'

/** What is watched: requests where they can be counted, and cost. */
export function measuresOf(view: View): readonly Measure[] {
  return [
    ...(requestsSql(view) === null ? [] : (['requests'] as const)),
    ...(view.fields.has('cost_usd') ? (['cost'] as const) : []),
  ]
}

const sumOf = (view: View, measure: Measure) =>
  measure === 'requests' ? `CAST(${requestsSql(view) ?? 'count(*)'} AS DOUBLE)` : 'coalesce(sum(cost_usd), 0)'

/** A row for each day and measure; days without a row in between count as 0. */
const days = (view: View) => {
  const sums = measuresOf(view).map((measure) => `, ${sumOf(view, measure)} AS ${measure}`)
  const long = measuresOf(view).map(
    (measure) => `SELECT day, '${measure}' AS measure, ${measure} AS value FROM filled`,
  )
  const filled = measuresOf(view).map((measure) => `, coalesce(sums.${measure}, 0) AS ${measure}`)
  return `sums AS (
  SELECT CAST(time AS DATE) AS day${sums.join('')} FROM usage WHERE time IS NOT NULL GROUP BY 1
), filled AS (
  SELECT calendar.day${filled.join('')}
  FROM (SELECT CAST(unnest(generate_series(min(day), max(day), INTERVAL 1 DAY)) AS DATE) AS day FROM sums) AS calendar
    LEFT JOIN sums ON sums.day = calendar.day
), days AS (
  ${long.join('\n  UNION ALL ')}
)`
}

/**
 * Against the median of the same weekday; how far is far is told by the median of all such distances (MAD), which a few
 * wild days do not move. A floor keeps very regular traffic from calling every wobble an anomaly.
 */
const scored = (view: View) => `${days(view)}, usual AS (
  SELECT *, median(value) OVER (PARTITION BY measure, dayofweek(day)) AS usual FROM days
), spread AS (
  SELECT measure, greatest(1.4826 * median(abs(value - usual)), 0.05 * median(usual), 1e-9) AS deviation
  FROM usual
  GROUP BY measure
), scored AS (
  SELECT usual.*, (value - usual) / deviation AS deviations
  FROM usual JOIN spread ON spread.measure = usual.measure
), outliers AS (
  SELECT * FROM scored
  WHERE abs(deviations) >= ${outlier.deviations} AND abs(value - usual) * 100 >= ${outlier.percent} * usual
)`

const columns = `day, strftime(day, '%A') AS weekday, measure, round(value, 6) AS value, round(usual, 6) AS usual,
  round(100 * (value - usual) / nullif(usual, 0), 1) AS change_percent, round(deviations, 1) AS deviations`

export function anomalyList(view: View): string {
  return `WITH ${scored(view)}
SELECT ${columns}
FROM outliers
ORDER BY abs(deviations) DESC, day
LIMIT 50`
}

/** Without enough weeks for a usual weekday: the days in order. */
export function anomalyRanking(view: View): string {
  return `WITH ${days(view)}
SELECT day, strftime(day, '%A') AS weekday, measure, round(value, 6) AS value
FROM days
ORDER BY measure DESC, value DESC, day
LIMIT 50`
}

export function anomalySeries(view: View): string {
  return `WITH ${scored(view)}
SELECT day, measure, round(value, 6) AS value, round(usual, 6) AS usual,
  day IN (SELECT outliers.day FROM outliers WHERE outliers.measure = scored.measure) AS stands_out
FROM scored
WHERE measure = '${measuresOf(view)[0] ?? 'requests'}'
ORDER BY day
LIMIT 5000`
}

const dimensions = ['tenant', 'model', 'feature', 'status', 'api_key', 'user'] as const
export const anomalyDimensions = (view: View): readonly FieldName[] =>
  dimensions.filter((field) => view.fields.has(field))

/** What each of the days that stand out is made of, against the day before and the same weekday a week before. */
export function anomalyDrivers(view: View): string {
  const sum = (measure: Measure) => sumOf(view, measure)
  const parts = anomalyDimensions(view).flatMap((field) =>
    measuresOf(view).map(
      (measure) =>
        `SELECT CAST(time AS DATE) AS day, '${measure}' AS measure, '${field}' AS dimension, ${groupSql(field)} AS item, ${sum(measure)} AS value
  FROM usage
  WHERE CAST(time AS DATE) IN (SELECT day FROM near)
  GROUP BY 1, 4`,
    ),
  )
  const value = (from: string) => `coalesce(${from}.value, 0)`
  return `WITH ${scored(view)}, wanted AS (
  SELECT day, measure, sign(deviations) AS direction FROM outliers ORDER BY abs(deviations) DESC, day LIMIT 5
), near AS (
  SELECT day FROM wanted UNION SELECT day - 1 FROM wanted UNION SELECT day - 7 FROM wanted
), parts AS (
  ${parts.join('\n  UNION ALL ')}
), items AS (
  SELECT DISTINCT wanted.day, wanted.measure, direction, dimension, item
  FROM wanted JOIN parts ON parts.measure = wanted.measure AND parts.day IN (wanted.day, wanted.day - 1, wanted.day - 7)
), changes AS (
  SELECT items.*, ${value('today')} AS value, ${value('before')} AS day_before, ${value('week')} AS week_before
  FROM items
    LEFT JOIN parts AS today ON today.day = items.day AND today.measure = items.measure AND today.dimension = items.dimension AND today.item = items.item
    LEFT JOIN parts AS before ON before.day = items.day - 1 AND before.measure = items.measure AND before.dimension = items.dimension AND before.item = items.item
    LEFT JOIN parts AS week ON week.day = items.day - 7 AND week.measure = items.measure AND week.dimension = items.dimension AND week.item = items.item
)
SELECT day, measure, dimension, item, round(value, 6) AS value, round(day_before, 6) AS day_before,
  round(week_before, 6) AS week_before, round(value - week_before, 6) AS change
FROM changes
QUALIFY row_number() OVER (PARTITION BY day, measure, dimension ORDER BY direction * (value - week_before) DESC, item) <= 3
ORDER BY day, measure, direction * (value - week_before) DESC, dimension, item
LIMIT 200`
}

export function anomalyTotals(view: View): string {
  const cost = view.fields.has('cost_usd') ? `, ${usd('sum(cost_usd)')}` : ''
  const count = requestsSql(view)
  return `SELECT count(DISTINCT CAST(time AS DATE)) AS days_with_data,
  date_diff('day', min(CAST(time AS DATE)), max(CAST(time AS DATE))) + 1 AS days${cost}${count === null ? '' : `, ${count} AS requests`}
FROM usage
WHERE time IS NOT NULL`
}
