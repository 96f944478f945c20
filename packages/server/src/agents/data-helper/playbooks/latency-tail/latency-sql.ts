import type { View } from '../../playbook.ts'

/** A quantile is said from this many successful rows on: p95 of 50 rows is a single row's luck. */
export const quantileMinimums = { p95: 200, p99: 1_000 } as const

/**
 * A window counts as slow from this factor over the usual, with this many requests, and this many robust standard
 * errors away: at 4, chance alone gives one in 30,000.
 */
export const slowWindow = { factor: 2, requests: 2, standardErrors: 4 } as const

const good = 'ok AND latency_ms > 0'

/** Quantiles are by nearest rank (quantile_disc): each is a latency that occurred. One pass gives them all. */
const quantileList = 'quantile_disc(latency_ms, [0.5, 0.9, 0.95, 0.99]) AS quantiles'

const quantile = (place: number, name: string, least: number) =>
  `CASE WHEN good_rows >= ${least} THEN round(quantiles[${place}], 3) END AS ${name}`

const p50 = quantile(1, 'p50_ms', 1)
const p95 = quantile(3, 'p95_ms', quantileMinimums.p95)
const quantiles = [p50, quantile(2, 'p90_ms', 20), p95, quantile(4, 'p99_ms', quantileMinimums.p99)].join(
  ',\n  ',
)

export function latencyOverall(): string {
  return `WITH good AS (
  SELECT count(*) AS good_rows, ${quantileList}, avg(latency_ms) AS mean, max(latency_ms) AS highest
  FROM usage
  WHERE ${good}
)
SELECT good_rows,
  (SELECT count(*) FROM usage WHERE NOT ok) AS failed_rows,
  (SELECT count(*) FROM usage WHERE ok AND coalesce(latency_ms, 0) <= 0) AS rows_without_latency,
  ${quantiles},
  round(mean, 3) AS mean_ms, round(highest, 3) AS max_ms
FROM good`
}

export function latencyBy(field: string): string {
  const name = `"${field}"`
  return `WITH good AS (
  SELECT coalesce(${name}, '(none)') AS ${name}, count(*) AS good_rows, ${quantileList}
  FROM usage
  WHERE ${good}
  GROUP BY 1
)
SELECT ${name}, good_rows,
  ${quantiles}
FROM good
ORDER BY good_rows DESC, 1
LIMIT 200`
}

export function latencyByHour(): string {
  return `WITH good AS (
  SELECT CAST(hour(time) AS DOUBLE) AS hour_utc, count(*) AS good_rows, ${quantileList}
  FROM usage
  WHERE ${good} AND time IS NOT NULL
  GROUP BY 1
)
SELECT hour_utc, good_rows,
  ${p50},
  ${p95}
FROM good
ORDER BY 1`
}

/**
 * The distribution at each whole percent: an ECDF of a hundred points, however many rows there are. By counting equal
 * values, as 99 quantiles of 1.3 million rows took ten times as long.
 */
export function latencyDistribution(): string {
  return `WITH counted AS (
  SELECT latency_ms, count(*) AS rows FROM usage WHERE ${good} GROUP BY 1
), cumulative AS (
  SELECT latency_ms, rows,
    CAST(sum(rows) OVER (ORDER BY latency_ms) AS BIGINT) AS upto,
    CAST(sum(rows) OVER () AS BIGINT) AS total
  FROM counted
), percents AS (
  SELECT unnest(range(100 * (upto - rows) // total + 1, 100 * upto // total + 1)) AS percent, latency_ms
  FROM cumulative
)
SELECT percent, round(latency_ms, 3) AS latency_ms
FROM percents
WHERE percent < 100
ORDER BY percent`
}

/**
 * Hours in which a model was slow against its own usual. Latency is divided by what is expected: with output tokens
 * known, base + time per token of that model (least squares), so that an hour of long answers is not a slow hour;
 * otherwise the model's median (so too where every answer has the same length: a slope is then NaN, which is above all). An hour is slow by the median of its requests; neighbouring slow hours are one window;
 * a window stands when it is far out in robust standard errors of the logarithm (1.4826 × MAD / √n).
 */
export function slowWindows(view: View): string {
  const model = view.fields.has('model') ? `coalesce(model, '(none)')` : `'all requests'`
  const tokens = view.fields.has('output_tokens') ? 'coalesce(output_tokens, 0)' : '0'
  return `WITH good AS (
  SELECT ${model} AS model, time, latency_ms, ${tokens} AS tokens
  FROM usage
  WHERE ${good} AND time IS NOT NULL
), fits AS (
  SELECT model, median(latency_ms) AS usual_ms,
    CASE WHEN stddev_pop(tokens) > 0 THEN greatest(regr_slope(latency_ms, tokens), 0) ELSE 0 END AS ms_per_token,
    CASE WHEN stddev_pop(tokens) > 0 THEN regr_intercept(latency_ms, tokens) ELSE 0 END AS base_ms
  FROM good
  GROUP BY model
), measured AS (
  SELECT good.model, date_trunc('hour', time) AS hour_start, latency_ms, usual_ms,
    latency_ms / CASE WHEN ms_per_token > 0 THEN greatest(base_ms + ms_per_token * tokens, usual_ms / 10)
      ELSE usual_ms END AS slowness
  FROM good JOIN fits ON fits.model = good.model
), spread AS (
  SELECT model, median(slowness) AS usual, greatest(mad(ln(slowness)), 0.01) AS deviation
  FROM measured
  GROUP BY model
), slow_hours AS (
  SELECT hours.model, hour_start, requests, slow / usual AS times, deviation
  FROM (SELECT model, hour_start, count(*) AS requests, median(slowness) AS slow FROM measured GROUP BY ALL) AS hours
    JOIN spread ON spread.model = hours.model
  WHERE slow / usual >= ${slowWindow.factor}
), islands AS (
  SELECT *, hour_start - row_number() OVER (PARTITION BY model ORDER BY hour_start) * INTERVAL 1 HOUR AS island
  FROM slow_hours
), windows AS (
  SELECT model, min(hour_start) AS slow_from, max(hour_start) + INTERVAL 1 HOUR AS slow_to,
    CAST(sum(requests) AS DOUBLE) AS requests,
    exp(sum(requests * ln(times)) / sum(requests)) AS times,
    sum(requests * ln(times)) / (1.4826 * any_value(deviation) * sqrt(sum(requests))) AS standard_errors
  FROM islands
  GROUP BY model, island
)
SELECT windows.model, slow_from, slow_to, requests, round(times, 2) AS times_usual,
  round(median(latency_ms), 3) AS median_ms, round(any_value(usual_ms), 3) AS usual_median_ms,
  round(any_value(standard_errors), 1) AS standard_errors
FROM windows JOIN measured
  ON measured.model = windows.model AND hour_start >= slow_from AND hour_start < slow_to
WHERE requests >= ${slowWindow.requests} AND standard_errors >= ${slowWindow.standardErrors}
GROUP BY ALL
ORDER BY standard_errors DESC, slow_from
LIMIT 20`
}

/** Where the slowest 5 % come from, against the model's share of all requests. */
export function tailByModel(view: View): string {
  const tokens = view.fields.has('output_tokens')
    ? `,
  round(median(output_tokens) FILTER (WHERE in_tail), 1) AS tail_median_output_tokens,
  round(median(output_tokens) FILTER (WHERE NOT in_tail), 1) AS other_median_output_tokens`
    : ''
  return `WITH bound AS (
  SELECT quantile_disc(latency_ms, 0.95) AS p95 FROM usage WHERE ${good}
), good AS (
  SELECT model${view.fields.has('output_tokens') ? ', output_tokens' : ''}, latency_ms > p95 AS in_tail
  FROM usage, bound
  WHERE ${good}
)
SELECT coalesce(model, '(none)') AS model, count(*) AS good_rows,
  count(*) FILTER (WHERE in_tail) AS tail_rows,
  round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS share_of_requests_percent,
  round(100.0 * count(*) FILTER (WHERE in_tail) / nullif(sum(count(*) FILTER (WHERE in_tail)) OVER (), 0), 2)
    AS share_of_tail_percent${tokens}
FROM good
GROUP BY 1
ORDER BY tail_rows DESC, 1
LIMIT 200`
}

/** How much of the slowest 5 % is long answers. */
export function tailLength(): string {
  return `WITH bound AS (
  SELECT quantile_disc(latency_ms, 0.95) AS p95 FROM usage WHERE ${good}
)
SELECT round(median(output_tokens) FILTER (WHERE latency_ms > p95), 1) AS tail_median_output_tokens,
  round(median(output_tokens) FILTER (WHERE latency_ms <= p95), 1) AS other_median_output_tokens,
  CASE WHEN stddev_pop(output_tokens) > 0 AND stddev_pop(latency_ms) > 0
    THEN round(corr(latency_ms, output_tokens), 3) END AS correlation
FROM usage, bound
WHERE ${good}`
}

/** Waiting for the first token against generating the rest, and the pace of output. */
export function speedByModel(view: View): string {
  const model = view.fields.has('model') ? `coalesce(model, '(none)')` : `'all requests'`
  const firstToken = view.fields.has('ttft_ms')
  const generation = firstToken ? 'latency_ms - coalesce(ttft_ms, 0)' : 'latency_ms'
  const columns = [
    `${model} AS model`,
    'count(*) AS good_rows',
    ...(firstToken
      ? [
          'round(quantile_disc(ttft_ms, 0.5), 3) AS ttft_p50_ms',
          'round(quantile_disc(latency_ms - ttft_ms, 0.5), 3) AS generation_p50_ms',
          'round(100 * sum(ttft_ms) / nullif(sum(latency_ms) FILTER (WHERE ttft_ms IS NOT NULL), 0), 2) AS ttft_share_percent',
        ]
      : []),
    ...(view.fields.has('output_tokens')
      ? [
          `round(median((${generation}) / nullif(output_tokens, 0)) FILTER (WHERE output_tokens > 0), 2) AS ms_per_output_token_p50`,
        ]
      : []),
  ]
  return `SELECT ${columns.join(',\n  ')}
FROM usage
WHERE ${good}
GROUP BY 1
ORDER BY good_rows DESC, 1
LIMIT 200`
}
