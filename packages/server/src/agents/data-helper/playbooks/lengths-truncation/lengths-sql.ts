import type { View } from '../../playbook.ts'
import { groupSql, percent } from '../sql-parts.ts'

export const lengthRows = 200

/**
 * Many requests of nearly one length, with nearly none above it, have run into a cap. The window is three tokens wide,
 * as counting a cut text differs by one or two; what lies just below is compared with it by density. Where most requests
 * have one length, that is how they are made.
 */
export const cap = {
  width: 3,
  below: 50,
  denser: 5,
  percent: 1,
  mostPercent: 50,
  rows: 10,
  abovePercent: 0.5,
  fromTokens: 64,
} as const

export const lengthKinds = ['input_tokens', 'output_tokens'] as const
type Kind = (typeof lengthKinds)[number]

const kindsOf = (view: View): readonly Kind[] => lengthKinds.filter((kind) => view.fields.has(kind))
const nameOf = (kind: Kind) => (kind === 'input_tokens' ? 'input' : 'output')
const featureSql = (view: View) => (view.fields.has('feature') ? groupSql('feature') : `'all requests'`)

/** One row a request and kind of length. */
const lengths = (view: View) =>
  kindsOf(view)
    .map(
      (kind) =>
        `SELECT '${nameOf(kind)}' AS kind, ${featureSql(view)} AS feature, ${kind} AS tokens FROM usage WHERE ok AND ${kind} > 0`,
    )
    .join('\n  UNION ALL ')

const quantiles = `count(*) AS rows, quantile_disc(tokens, 0.5) AS p50_tokens, quantile_disc(tokens, 0.95) AS p95_tokens,
  quantile_disc(tokens, 0.99) AS p99_tokens, max(tokens) AS max_tokens, sum(tokens) AS tokens`

export function lengthQuantiles(view: View): string {
  return `WITH lengths AS (
  ${lengths(view)}
)
SELECT kind, ${quantiles}
FROM lengths
GROUP BY kind
ORDER BY kind`
}

export function lengthsByFeature(view: View): string {
  return `WITH lengths AS (
  ${lengths(view)}
)
SELECT feature, kind, ${quantiles}
FROM lengths
GROUP BY feature, kind
ORDER BY kind DESC, rows DESC, feature
LIMIT 400`
}

export function lengthHistogram(view: View): string {
  return `WITH lengths AS (
  ${lengths(view)}
)
SELECT kind, CAST(power(2, floor(log2(tokens))) AS DOUBLE) AS from_tokens, count(*) AS rows
FROM lengths
GROUP BY 1, 2
ORDER BY 1, 2`
}

export function lengthCaps(view: View): string {
  const range = (from: string, to: string) =>
    `(PARTITION BY kind, feature ORDER BY tokens RANGE BETWEEN ${from} AND ${to})`
  return `WITH lengths AS (
  ${lengths(view)}
), counted AS (
  SELECT kind, feature, CAST(tokens AS BIGINT) AS tokens, count(*) AS rows FROM lengths GROUP BY 1, 2, 3
), windows AS (
  SELECT kind, feature, tokens AS to_tokens,
    min(tokens) OVER ${range(`${cap.width - 1} PRECEDING`, 'CURRENT ROW')} AS from_tokens,
    sum(rows) OVER ${range(`${cap.width - 1} PRECEDING`, 'CURRENT ROW')} AS rows,
    coalesce(sum(rows) OVER ${range(`${cap.width + cap.below - 1} PRECEDING`, `${cap.width} PRECEDING`)}, 0) AS below,
    coalesce(sum(rows) OVER ${range('1 FOLLOWING', 'UNBOUNDED FOLLOWING')}, 0) AS above,
    sum(rows) OVER (PARTITION BY kind, feature) AS total
  FROM counted
), caps AS (
  SELECT *, row_number() OVER (PARTITION BY kind, feature ORDER BY rows DESC, to_tokens DESC) AS place
  FROM windows
  WHERE to_tokens >= ${cap.fromTokens} AND rows >= ${cap.rows} AND 100 * rows <= ${cap.mostPercent} * total AND 100 * rows >= ${cap.percent} * total
    AND 100 * above <= ${cap.abovePercent} * total
    AND rows * ${cap.below} >= ${cap.denser} * ${cap.width} * below
)
SELECT kind, feature, from_tokens, to_tokens, CAST(rows AS DOUBLE) AS rows, ${percent('rows', 'total', 'share_percent')},
  CAST(total AS DOUBLE) AS all_rows
FROM caps
WHERE place = 1
ORDER BY rows DESC, kind, feature
LIMIT 50`
}

/** A finish reason that means the answer was cut, in the words of the providers. */
const cut = `regexp_matches(lower(coalesce(finish_reason, '')), '(^|[^a-z])(length|max_tokens|max_output_tokens|model_length|token_limit)([^a-z]|$)')`

export function truncatedAnswers(view: View): string {
  return `SELECT ${featureSql(view)} AS feature, count(*) AS rows, count(*) FILTER (WHERE ${cut}) AS truncated,
  ${percent(`count(*) FILTER (WHERE ${cut})`, 'count(*)', 'truncated_percent')}
FROM usage
WHERE ok
GROUP BY 1
ORDER BY truncated DESC, rows DESC, 1
LIMIT 200`
}

/** Answers as long as they were allowed to be. */
export function atMaximum(view: View): string {
  return `SELECT ${featureSql(view)} AS feature, count(*) AS rows, count(*) FILTER (WHERE output_tokens >= max_tokens) AS at_maximum,
  ${percent('count(*) FILTER (WHERE output_tokens >= max_tokens)', 'count(*)', 'at_maximum_percent')}
FROM usage
WHERE ok AND max_tokens IS NOT NULL
GROUP BY 1
ORDER BY at_maximum DESC, 1
LIMIT 200`
}
