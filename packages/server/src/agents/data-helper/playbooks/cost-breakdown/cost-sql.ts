import type { View } from '../../playbook.ts'
import { listCostSql, priceJoin, tokenKinds } from '../../prices.ts'
import { requestsSql, usd } from '../sql-parts.ts'

const requestsColumn = (view: View) => {
  const requests = requestsSql(view)
  return requests === null ? '' : `, ${requests} AS requests`
}

const tokenColumns = (view: View) =>
  (['input_tokens', 'cached_input_tokens', 'output_tokens'] as const)
    .filter((field) => view.fields.has(field))
    .map((field) => `, sum(${field}) AS ${field}`)
    .join('')

export function costTotal(view: View): string {
  const failed = view.outcomeKnown
    ? `, count(*) FILTER (WHERE NOT ok) AS failed_rows, ${usd('coalesce(sum(cost_usd) FILTER (WHERE NOT ok), 0)', 'failed_cost_usd')}`
    : ''
  const time = view.fields.has('time') ? ', min(time) AS first_time, max(time) AS last_time' : ''
  return `SELECT ${usd('sum(cost_usd)')}, count(*) AS rows${requestsColumn(view)},
  count(*) FILTER (WHERE cost_usd IS NULL) AS rows_without_cost${failed}${time}${tokenColumns(view)}
FROM usage`
}

export function costByDimension(view: View, field: string): string {
  const name = `"${field}"`
  return `SELECT coalesce(${name}, '(none)') AS ${name}, ${usd('coalesce(sum(cost_usd), 0)')},
  round(100 * sum(cost_usd) / nullif(sum(sum(cost_usd)) OVER (), 0), 2) AS share_percent,
  count(*) AS rows${requestsColumn(view)}${tokenColumns(view)}
FROM usage
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 1000`
}

export function costByMonth(view: View): string {
  return `SELECT strftime(time, '%Y-%m') AS month, ${usd('sum(cost_usd)')},
  count(DISTINCT CAST(time AS DATE)) AS days, count(*) AS rows${requestsColumn(view)}
FROM usage
WHERE time IS NOT NULL
GROUP BY 1
ORDER BY 1`
}

/** The dearest models by name, the rest together: a chart of forty colours says nothing. */
const namedModels = 6

export function costByDay(view: View): string {
  if (!view.fields.has('model'))
    return `SELECT CAST(time AS DATE) AS day, 'all' AS model, ${usd('sum(cost_usd)')}
FROM usage
WHERE time IS NOT NULL
GROUP BY 1
ORDER BY 1`
  return `WITH dearest AS (
  SELECT model FROM usage GROUP BY model ORDER BY sum(cost_usd) DESC NULLS LAST, model LIMIT ${namedModels}
)
SELECT CAST(time AS DATE) AS day,
  CASE WHEN model IN (SELECT model FROM dearest) THEN model ELSE 'other' END AS model,
  ${usd('sum(cost_usd)')}
FROM usage
WHERE time IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2`
}

export function costByTokenKind(view: View): string {
  const kinds = tokenKinds(view.fields)
  const parts = [
    ['input, not cached', kinds.input, 'p.input'],
    ['input from cache', kinds.cachedInput, 'p.cached_input'],
    ['cache write', kinds.cacheWrite, 'p.cache_write'],
    ['output', kinds.output, 'p.output'],
  ] as const
  const priced = view.prices !== null
  const join = priced ? ` ${priceJoin(view.grain === 'request' ? 'request' : 'sums')}` : ''
  const sums = parts.map(
    ([, tokens, price], index) =>
      `sum(${tokens}) AS t${index}${priced ? `, sum(${tokens} * ${price}) / 1e6 AS c${index}` : ''}`,
  )
  const rows = parts.map(
    ([kind], index) =>
      `SELECT ${index} AS place, '${kind}' AS kind, t${index} AS tokens${priced ? `, ${usd(`c${index}`, 'list_cost_usd')}` : ''} FROM sums`,
  )
  const share = priced
    ? ', round(100 * list_cost_usd / nullif(sum(list_cost_usd) OVER (), 0), 2) AS list_cost_share_percent'
    : ''
  return `WITH sums AS (
  SELECT ${sums.join(',\n    ')}
  FROM usage AS u${join}
), kinds AS (
  ${rows.join('\n  UNION ALL ')}
)
SELECT kind, tokens, round(100 * tokens / nullif(sum(tokens) OVER (), 0), 2) AS tokens_share_percent${priced ? ', list_cost_usd' : ''}${share}
FROM kinds
WHERE tokens > 0
ORDER BY place`
}

/** The share of cost at which the largest items are called the bulk. */
export const paretoPercent = 80

/** What an item of the ranking is: the feature with its model, or the nearest thing the files have. */
export function paretoFields(view: View): readonly string[] {
  const who = (['feature', 'tenant', 'api_key', 'user'] as const).find((field) => view.fields.has(field))
  return [...(who === undefined ? [] : [who]), ...(view.fields.has('model') ? ['model'] : [])]
}

export function costPareto(view: View): string {
  const fields = paretoFields(view).map((field) => `coalesce("${field}", '(none)')`)
  return `WITH items AS (
  SELECT ${fields.join(` || ' · ' || `)} AS item, coalesce(sum(cost_usd), 0) AS cost
  FROM usage
  GROUP BY 1
), ranked AS (
  SELECT item, cost,
    sum(cost) OVER (ORDER BY cost DESC, item) AS upto,
    sum(cost) OVER () AS total,
    row_number() OVER (ORDER BY cost DESC, item) AS place
  FROM items
)
SELECT place, item, ${usd('cost')}, round(100 * upto / nullif(total, 0), 2) AS cumulative_percent,
  count(*) FILTER (WHERE upto - cost < total * ${paretoPercent / 100}) OVER () AS items_for_bulk,
  count(*) OVER () AS items
FROM ranked
ORDER BY place
LIMIT 50`
}

export function listCost(view: View): string {
  const join = priceJoin(view.grain === 'request' ? 'request' : 'sums')
  return `WITH priced AS (
  SELECT u.cost_usd AS recorded, ${listCostSql(view.fields)} AS list
  FROM usage AS u ${join}
)
SELECT ${usd('sum(recorded)', 'recorded_usd')}, ${usd('sum(list)', 'list_usd')},
  round(sum(recorded) / nullif(sum(list), 0), 4) AS recorded_to_list, count(*) AS rows
FROM priced
WHERE list IS NOT NULL AND recorded IS NOT NULL`
}
