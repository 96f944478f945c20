import type { View } from '../../playbook.ts'
import { requestsSql } from '../sql-parts.ts'

/** Minutes are filled with zeros over at most this many days: beyond, the peaks are found without. */
export const zeroFillDays = 400

/** Minutes drawn: the whole file where it is this short, otherwise the day of the peak. */
const seriesMinutes = 1_440

/** Tokens of a row, input and output together; null where the files do not have both. */
export function tokensSql(view: View): string | null {
  const { fields } = view
  if (fields.has('input_tokens') && fields.has('output_tokens'))
    return 'coalesce(input_tokens, 0) + coalesce(output_tokens, 0)'
  return fields.has('total_tokens') ? 'total_tokens' : null
}

const measures = ['tokens', 'input_tokens', 'output_tokens'] as const
type Measure = (typeof measures)[number]

function present(view: View): readonly Measure[] {
  return measures.filter((measure) =>
    measure === 'tokens' ? tokensSql(view) !== null : view.fields.has(measure),
  )
}

function measureSql(view: View, measure: Measure): string {
  return measure === 'tokens' ? (tokensSql(view) ?? '0') : `coalesce(${measure}, 0)`
}

/** One row for each minute with traffic. */
function minutes(view: View): string {
  const sums = present(view).map((measure) => `, sum(${measureSql(view, measure)}) AS ${measure}`)
  return `minutes AS (
  SELECT date_trunc('minute', time) AS minute, CAST(${requestsSql(view) ?? 'count(*)'} AS DOUBLE) AS requests${sums.join('')}
  FROM usage
  WHERE time IS NOT NULL
  GROUP BY 1
)`
}

/** The highest minute of each measure, the earliest where several are level. */
export function peakMinute(view: View): string {
  const peaks = (['requests', ...present(view)] as const).map(
    (measure) =>
      `max(${measure}) AS peak_${measure}_per_minute,
  (SELECT minute FROM minutes ORDER BY ${measure} DESC, minute LIMIT 1) AS peak_${measure}_minute`,
  )
  // A row that sums a minute lasts until the next.
  const last = view.grain === 'minute' ? 'max(time) + INTERVAL 1 MINUTE' : 'max(time)'
  return `WITH ${minutes(view)}, span AS (
  SELECT min(time) AS first_time, ${last} AS last_time,
    date_diff('microsecond', min(time), ${last}) / 6e7 AS elapsed
  FROM usage
)
SELECT ${peaks.join(',\n  ')},
  CAST(sum(requests) AS DOUBLE) AS requests,
  count(*) AS active_minutes,
  CAST(greatest(floor(any_value(elapsed)), 1) AS DOUBLE) AS window_minutes,
  round(sum(requests) / greatest(any_value(elapsed), 1), 2) AS mean_requests_per_minute,
  any_value(first_time) AS first_time, any_value(last_time) AS last_time
FROM minutes, span`
}

const fill = (from: string, to: string) =>
  `SELECT unnest(generate_series(${from}, ${to}, INTERVAL 1 MINUTE)) AS minute`

/** Quantiles over every minute of the window, silent ones included. */
export function minuteQuantiles(view: View): string {
  const columns = (['requests', ...(tokensSql(view) === null ? [] : ['tokens'])] as const).flatMap(
    (measure) =>
      [0.5, 0.95, 0.99].map(
        (share) =>
          `quantile_disc(coalesce(${measure}, 0), ${share}) AS p${share * 100}_${measure}_per_minute`,
      ),
  )
  return `WITH ${minutes(view)}, filled AS (
  ${fill('min(minute)', 'max(minute)')} FROM minutes
)
SELECT ${columns.join(',\n  ')}
FROM filled LEFT JOIN minutes ON minutes.minute = filled.minute`
}

/** Each minute around the peak, silent ones as 0. */
export function minuteSeries(view: View): string {
  const columns = (['requests', ...present(view)] as const).map(
    (measure) => `coalesce(${measure}, 0) AS ${measure}`,
  )
  return `WITH ${minutes(view)}, peak AS (
  SELECT date_trunc('day', minute) AS day FROM minutes ORDER BY requests DESC, minute LIMIT 1
), bounds AS (
  SELECT min(minute) AS first_minute, max(minute) AS last_minute,
    date_diff('minute', min(minute), max(minute)) < ${seriesMinutes} AS whole
  FROM minutes
), filled AS (
  ${fill(
    'CASE WHEN whole THEN first_minute ELSE greatest(first_minute, day) END',
    'CASE WHEN whole THEN last_minute ELSE least(last_minute, day + INTERVAL 1439 MINUTE) END',
  )}
  FROM bounds, peak
)
SELECT filled.minute AS minute, ${columns.join(', ')}
FROM filled LEFT JOIN minutes ON minutes.minute = filled.minute
ORDER BY 1`
}

/**
 * The highest sum over any 60 seconds, not only those that begin on a minute: a limiter that counts a sliding window
 * sees this. The window is 60 s without its oldest instant, so two requests exactly a minute apart never share one.
 *
 * A window ends in some minute and begins in the one before, so it holds no more than both. Only minutes that hold the
 * fullest minute's load together with the one before can therefore have the peak; the rest is not looked at.
 */
export function slidingPeak(view: View): string {
  const all = ['requests', ...present(view)] as const
  const load = (measure: 'requests' | Measure) => (measure === 'requests' ? '1' : measureSql(view, measure))
  const pairs = all.map(
    (measure) => `${measure} + CASE WHEN lag(minute) OVER earlier = minute - INTERVAL 1 MINUTE
      THEN lag(${measure}) OVER earlier ELSE 0 END >= max(${measure}) OVER ()`,
  )
  const sums = all.map((measure) => `sum(${load(measure)}) OVER last_minute AS ${measure}`)
  const peaks = all.map(
    (measure) => `CAST(max(${measure}) AS DOUBLE) AS sliding_${measure}_60s,
  (SELECT time FROM sliding ORDER BY ${measure} DESC, time LIMIT 1) AS sliding_${measure}_until`,
  )
  return `WITH ${minutes(view)}, pairs AS (
  SELECT minute, ${pairs.join('\n    OR ')} AS full_enough
  FROM minutes
  WINDOW earlier AS (ORDER BY minute)
), looked_at AS (
  SELECT minute FROM pairs WHERE full_enough
  UNION
  SELECT minute - INTERVAL 1 MINUTE FROM pairs WHERE full_enough
), sliding AS (
  SELECT time, ${sums.join(', ')}
  FROM usage
  WHERE date_trunc('minute', time) IN (SELECT minute FROM looked_at)
  WINDOW last_minute AS (ORDER BY time RANGE BETWEEN INTERVAL 59999999 MICROSECONDS PRECEDING AND CURRENT ROW)
)
SELECT ${peaks.join(',\n  ')}
FROM sliding`
}

/** How bursty arrivals are: 1 is a random stream, more comes in bursts. */
export function arrivals(): string {
  return `WITH gaps AS (
  SELECT date_diff('microsecond', lag(time) OVER (ORDER BY time), time) / 1e6 AS gap_s
  FROM usage
  WHERE time IS NOT NULL
)
SELECT round(stddev_pop(gap_s) / nullif(avg(gap_s), 0), 1) AS arrivals_cv, round(avg(gap_s), 4) AS mean_gap_s,
  round(max(gap_s), 3) AS longest_gap_s
FROM gaps
WHERE gap_s IS NOT NULL`
}

export function peakByModel(view: View): string {
  const tokens = tokensSql(view)
  return `WITH minutes AS (
  SELECT coalesce(model, '(none)') AS model, date_trunc('minute', time) AS minute,
    CAST(${requestsSql(view) ?? 'count(*)'} AS DOUBLE) AS requests${tokens === null ? '' : `, sum(${tokens}) AS tokens`}
  FROM usage
  WHERE time IS NOT NULL
  GROUP BY 1, 2
)
SELECT model, max(requests) AS peak_requests_per_minute${tokens === null ? '' : ', max(tokens) AS peak_tokens_per_minute'},
  CAST(sum(requests) AS DOUBLE) AS requests
FROM minutes
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 200`
}
