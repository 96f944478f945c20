import type { View } from '../../playbook.ts'
import { listCostSql, priceJoin } from '../../prices.ts'
import { groupSql, percent, usd } from '../sql-parts.ts'

/** From this many requests on, what a feature's answers look like is no accident. */
export const downShiftRows = 200

/** Answers of at most this many tokens, at the 95th percentile, are short: a label, a route, a yes or no. */
export const shortAnswerTokens = 64

/**
 * Each feature on each of its models, and what its successful requests would have cost on the next smaller one: the
 * recorded cost scaled by the two list costs, so that a discount stays what it is.
 */
const recosted = (view: View) => `recosted AS (
  SELECT ${view.fields.has('feature') ? groupSql('feature') : `'all requests'`} AS feature, u.model AS model,
    s.smaller AS smaller_model, s.in_use AS in_use, u.input_tokens, u.output_tokens, u.cost_usd,
    u.cost_usd * ${listCostSql(view.fields, 'q')} / nullif(${listCostSql(view.fields)}, 0) AS smaller_cost
  FROM usage AS u ${priceJoin('request')}
    LEFT JOIN usage_smaller_models AS s ON s.model = u.model
    ${priceJoin('request', 'q', 's.smaller')}
  WHERE ok
), groups AS (
  SELECT feature, model, smaller_model, any_value(in_use) AS in_use, count(*) AS rows,
    median(input_tokens) AS median_input_tokens, median(output_tokens) AS median_output_tokens,
    quantile_disc(output_tokens, 0.95) AS p95_output_tokens,
    sum(cost_usd) AS cost, sum(smaller_cost) AS smaller_cost
  FROM recosted
  GROUP BY feature, model, smaller_model
), judged AS (
  SELECT *, coalesce(rows >= ${downShiftRows} AND p95_output_tokens <= ${shortAnswerTokens}
    AND smaller_cost < cost, false) AS candidate
  FROM groups
)`

export function downShiftGroups(view: View): string {
  return `WITH ${recosted(view)}
SELECT feature, model, smaller_model, in_use AS smaller_in_use, candidate, rows, median_input_tokens,
  median_output_tokens, p95_output_tokens, ${usd('cost')}, ${usd('smaller_cost', 'cost_on_smaller_usd')},
  ${usd('cost - smaller_cost', 'saving_usd')}, ${percent('cost - smaller_cost', 'cost', 'saving_percent')}
FROM judged
ORDER BY candidate DESC, cost - smaller_cost DESC NULLS LAST, cost DESC, feature, model
LIMIT 200`
}

/** The candidates alone, a row each: what the answer names. */
export function downShiftCandidates(view: View): string {
  return `WITH ${recosted(view)}
SELECT feature, model, smaller_model, in_use AS smaller_in_use, rows, median_output_tokens, p95_output_tokens,
  ${usd('cost')}, ${usd('smaller_cost', 'cost_on_smaller_usd')}, ${usd('cost - smaller_cost', 'saving_usd')},
  ${percent('cost - smaller_cost', 'cost', 'saving_percent')},
  ${usd('(SELECT sum(cost) FROM judged)', 'total_cost_usd')}
FROM judged
WHERE candidate
ORDER BY cost - smaller_cost DESC, feature, model
LIMIT 50`
}

/** Before and after, for the chart. */
export function downShiftBars(view: View): string {
  return `WITH ${recosted(view)}, bars AS (
  SELECT feature || ' · ' || model AS item, 'today' AS state, cost FROM judged WHERE candidate
  UNION ALL
  SELECT feature || ' · ' || model, 'on the smaller model', smaller_cost FROM judged WHERE candidate
)
SELECT item, state, ${usd('cost')}
FROM bars
ORDER BY item, state DESC
LIMIT 48`
}
