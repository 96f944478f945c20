import type { View } from '../../playbook.ts'
import { groupSql, percent, requestsSql, usd } from '../sql-parts.ts'
import { type Period, periodsOf } from './periods.ts'

const day = (date: string) => `TIMESTAMP '${date} 00:00:00'`
const within = ({ from, to }: Period) => `time >= ${day(from)} AND time < ${day(to)}`

/** @throws {Error} the data is too short: the verdict lets no such view come here */
function periods(view: View) {
  const found = periodsOf(view)
  if (found === null) throw new Error('There are no two periods to compare')
  return found
}

const tokensSql = (view: View) => {
  const parts = (['input_tokens', 'output_tokens'] as const).filter((field) => view.fields.has(field))
  return parts.length === 2 ? `sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))` : null
}

/**
 * What the cost of a group is the product of, in the order in which it is told. What volume is counted in depends on
 * the file: requests, or tokens, or, with neither, money itself.
 */
export function factorsOf(view: View): readonly { readonly column: string; readonly says: string }[] {
  const requests = requestsSql(view) !== null
  const tokens = tokensSql(view) !== null
  const feature = view.fields.has('feature')
  const model = view.fields.has('model')
  const volume = requests ? 'requests' : tokens ? 'tokens' : 'cost'
  return [
    { column: 'days', says: 'days in the period' },
    { column: 'volume', says: `${volume} per day` },
    ...(feature ? [{ column: 'feature_share', says: 'mix of features' }] : []),
    ...(model
      ? [{ column: 'model_share', says: feature ? 'mix of models within features' : 'mix of models' }]
      : []),
    ...(requests && tokens ? [{ column: 'length', says: 'tokens per request' }] : []),
    ...(requests || tokens
      ? [{ column: 'price', says: tokens ? 'cost per token' : 'cost per request' }]
      : []),
  ]
}

/** The groups of both periods: feature and model, with volume, tokens and cost in each. */
function groups(view: View): string {
  const { before, after } = periods(view)
  const feature = view.fields.has('feature') ? groupSql('feature') : `'(all)'`
  const model = view.fields.has('model') ? groupSql('model') : `'(all)'`
  const volume = requestsSql(view) ?? tokensSql(view) ?? 'coalesce(sum(cost_usd), 0)'
  return `marked AS (
  SELECT *, CASE WHEN ${within(before)} THEN 0 WHEN ${within(after)} THEN 1 END AS period FROM usage
), sums AS (
  SELECT period, ${feature} AS feature, ${model} AS model, CAST(${volume} AS DOUBLE) AS volume,
    CAST(${tokensSql(view) ?? 'NULL'} AS DOUBLE) AS tokens, coalesce(sum(cost_usd), 0) AS cost
  FROM marked
  WHERE period IS NOT NULL
  GROUP BY 1, 2, 3
)`
}

export function periodTotals(view: View): string {
  const { before, after } = periods(view)
  const requests = requestsSql(view)
  const sum = (sql: string, period: Period) => sql.replace(/\)$/, `) FILTER (WHERE ${within(period)})`)
  const count = (period: Period, name: string) =>
    requests === null
      ? ''
      : `,\n  ${requests === 'count(*)' ? sum(requests, period) : `CAST(sum(request_count) FILTER (WHERE ${within(period)}) AS DOUBLE)`} AS ${name}`
  const cost = (period: Period) => `coalesce(sum(cost_usd) FILTER (WHERE ${within(period)}), 0)`
  return `SELECT DATE '${before.from}' AS before_from, DATE '${before.to}' - 1 AS before_to, ${before.days} AS days_before,
  DATE '${after.from}' AS after_from, DATE '${after.to}' - 1 AS after_to, ${after.days} AS days_after,
  ${usd(cost(before), 'cost_before_usd')}, ${usd(cost(after), 'cost_after_usd')},
  ${usd(`${cost(after)} - ${cost(before)}`, 'change_usd')},
  ${percent(`${cost(after)} - ${cost(before)}`, cost(before), 'change_percent')}${count(before, 'requests_before')}${count(after, 'requests_after')}
FROM usage`
}

/**
 * How much of the change each factor makes: its Shapley value, which is its effect averaged over every order in which
 * the factors could have changed. The parts always add up to the whole, whatever the order they are told in.
 *
 * A group that one period lacks has no length and no price there: it takes those of the other, so that its coming or
 * going counts as mix.
 */
export function changeEffects(view: View): string {
  const { before, after } = periods(view)
  const factors = factorsOf(view)
  const has = (column: string) => factors.some((factor) => factor.column === column)
  const pick = (value: (period: 0 | 1) => string, index: number) =>
    `CASE WHEN subset & ${1 << index} > 0 THEN ${value(1)} ELSE ${value(0)} END`
  const product = factors
    .map(({ column }, index) => pick((period) => `${column}_${period}`, index))
    .join(' * ')
  const other = (period: 0 | 1) => (period === 0 ? 1 : 0)
  // Where tokens are 0 the length is 1 and the price that of a request.
  const length = (period: 0 | 1) =>
    `CASE WHEN t${period} > 0 THEN t${period} / v${period} WHEN v${period} > 0 THEN 1 END`
  const price = (period: 0 | 1) =>
    has('length')
      ? `CASE WHEN t${period} > 0 THEN c${period} / t${period} WHEN v${period} > 0 THEN c${period} / v${period} END`
      : `CASE WHEN v${period} > 0 THEN c${period} / v${period} END`
  const columns = ([0, 1] as const).flatMap((period) => [
    `CAST(${(period === 0 ? before : after).days} AS DOUBLE) AS days_${period}`,
    `total${period} / ${(period === 0 ? before : after).days} AS volume_${period}`,
    ...(has('feature_share')
      ? [`coalesce(f${period} / nullif(total${period}, 0), 0) AS feature_share_${period}`]
      : []),
    ...(has('model_share')
      ? [
          `coalesce(v${period} / nullif(f${period}, 0), v${other(period)} / nullif(f${other(period)}, 0), 0) AS model_share_${period}`,
        ]
      : []),
    ...(has('length')
      ? [`coalesce(${length(period)}, ${length(other(period))}, 0) AS length_${period}`]
      : []),
    ...(has('price') ? [`coalesce(${price(period)}, ${price(other(period))}, 0) AS price_${period}`] : []),
  ])
  const whole = has('feature_share') || has('model_share') ? '' : 'DISTINCT '
  const effects = factors.map(
    ({ says }, index) =>
      `SELECT ${index} AS place, '${says}' AS factor, sum(weight * (changed.cost - unchanged.cost)) AS effect
  FROM weighted AS unchanged JOIN weighted AS changed ON changed.subset = unchanged.subset + ${1 << index}
  WHERE unchanged.subset & ${1 << index} = 0`,
  )
  const size = factors.length
  return `WITH ${groups(view)}, pairs AS (
  SELECT feature, model,
    ${([0, 1] as const).map((period) => `coalesce(sum(volume) FILTER (WHERE period = ${period}), 0) AS v${period}, coalesce(sum(tokens) FILTER (WHERE period = ${period}), 0) AS t${period}, coalesce(sum(cost) FILTER (WHERE period = ${period}), 0) AS c${period}`).join(',\n    ')}
  FROM sums
  GROUP BY 1, 2
), totals AS (
  SELECT *, sum(v0) OVER () AS total0, sum(v1) OVER () AS total1,
    sum(v0) OVER (PARTITION BY feature) AS f0, sum(v1) OVER (PARTITION BY feature) AS f1
  FROM pairs
), factors AS (
  SELECT ${whole}${columns.join(',\n    ')}
  FROM totals
), subsets AS (
  SELECT unnest(range(${1 << size})) AS subset
), costs AS (
  SELECT subset, sum(${product}) AS cost FROM factors, subsets GROUP BY subset
), weighted AS (
  SELECT subset, cost, CAST(factorial(CAST(bit_count(subset) AS INTEGER)) AS DOUBLE)
    * CAST(factorial(greatest(${size} - CAST(bit_count(subset) AS INTEGER) - 1, 0)) AS DOUBLE) / CAST(factorial(${size}) AS DOUBLE) AS share
  FROM costs
), effects AS (
  ${effects.join('\n  UNION ALL ').replaceAll('weight *', 'unchanged.share *')}
)
SELECT factor, ${usd('effect', 'effect_usd')}, ${percent('effect', 'abs(sum(effect) OVER ())', 'share_of_change_percent')},
  ${usd('(SELECT sum(c0) FROM pairs) + coalesce(sum(effect) OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)', 'from_usd')},
  ${usd('(SELECT sum(c0) FROM pairs) + sum(effect) OVER (ORDER BY place)', 'to_usd')}
FROM effects
ORDER BY place`
}

/** Cost of each feature and model in both periods. */
export function changeByGroup(view: View): string {
  const columns = (['feature', 'model'] as const).filter((field) => view.fields.has(field))
  const keys = columns.length === 0 ? ['feature'] : columns
  const cost = (period: 0 | 1) => `coalesce(sum(cost) FILTER (WHERE period = ${period}), 0)`
  return `WITH ${groups(view)}
SELECT ${keys.join(', ')}, ${usd(cost(0), 'cost_before_usd')}, ${usd(cost(1), 'cost_after_usd')},
  ${usd(`${cost(1)} - ${cost(0)}`, 'change_usd')}
FROM sums
GROUP BY ${keys.join(', ')}
ORDER BY abs(${cost(1)} - ${cost(0)}) DESC, ${keys.join(', ')}
LIMIT 200`
}

/** A feature's models are compared from so many requests in each period on. */
const mixRequests = 50

/** Who answers the requests of a feature, before and after; failed requests apart, as a storm of them moves shares. */
export function modelMix(view: View): string {
  const { before, after } = periods(view)
  const feature = view.fields.has('feature') ? groupSql('feature') : `'all requests'`
  const side = (period: Period, name: string) =>
    `count(*) FILTER (WHERE ${within(period)}) AS ${name}, count(*) FILTER (WHERE ok AND ${within(period)}) AS ${name}_ok`
  return `WITH counts AS (
  SELECT ${feature} AS feature, ${groupSql('model')} AS model, ${side(before, 'n0')}, ${side(after, 'n1')}, coalesce(sum(cost_usd), 0) AS cost
  FROM usage
  GROUP BY 1, 2
), shares AS (
  SELECT feature, model, cost, n0, n1, sum(n0) OVER part AS all0, sum(n1) OVER part AS all1,
    ${percent('n0', 'sum(n0) OVER part', 'share_before_percent')}, ${percent('n1', 'sum(n1) OVER part', 'share_after_percent')},
    ${percent('n0_ok', 'sum(n0_ok) OVER part', 'ok_share_before_percent')}, ${percent('n1_ok', 'sum(n1_ok) OVER part', 'ok_share_after_percent')}
  FROM counts
  WINDOW part AS (PARTITION BY feature)
)
SELECT feature, model, share_before_percent, share_after_percent,
  round(share_after_percent - share_before_percent, 2) AS change_points, ok_share_before_percent, ok_share_after_percent
FROM shares
WHERE all0 >= ${mixRequests} AND all1 >= ${mixRequests}
ORDER BY abs(share_after_percent - share_before_percent) DESC, cost DESC, feature, model
LIMIT 200`
}
