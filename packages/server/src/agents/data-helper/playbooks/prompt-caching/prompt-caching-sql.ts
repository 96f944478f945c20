import type { View } from '../../playbook.ts'
import { priceJoin } from '../../prices.ts'
import { providerRules } from '../../provider-rules.ts'
import { groupSql, percent, usd } from '../sql-parts.ts'

const joined = (view: View) =>
  view.prices === null ? '' : ` ${priceJoin(view.grain === 'request' ? 'request' : 'sums')}`

const groups = (view: View) =>
  (['feature', 'model'] as const).map((field) =>
    view.fields.has(field)
      ? `${groupSql(field).replace(`"${field}"`, `u.${field}`)} AS ${field}`
      : `'(all)' AS ${field}`,
  )

/**
 * By feature and model: what was read from the cache, and what at most could have been. A request's cacheable part is
 * its prefix: as long as the longest one the group has ever read from the cache, or the whole input where none was.
 * `worst` is the other end: every prefix is written, at the price of a cache write, and none is ever read again.
 */
export function cachingGroups(view: View): string {
  const cached = view.fields.has('cached_input_tokens') ? 'coalesce(cached_input_tokens, 0)' : '0'
  const eligible = view.grain === 'request' ? `input_tokens >= ${providerRules.cacheableFromTokens}` : 'true'
  const money =
    view.prices === null
      ? ''
      : `, ${usd('sum(cacheable * (input_price - cached_price)) / 1e6', 'upper_bound_saving_usd')},
  ${usd('sum(cacheable * (write_price - input_price)) / 1e6', 'worst_case_cost_usd')}`
  const prices =
    view.prices === null
      ? ''
      : ', p.input AS input_price, p.cached_input AS cached_price, p.cache_write AS write_price'
  return `WITH good AS (
  SELECT ${groups(view).join(', ')}, u.input_tokens, ${cached} AS cached${prices}
  FROM usage AS u${joined(view)}
  WHERE ok AND u.input_tokens IS NOT NULL
), prefixes AS (
  SELECT *, nullif(max(cached) OVER (PARTITION BY feature, model), 0) AS prefix FROM good
), parts AS (
  SELECT *, CASE WHEN ${eligible} THEN greatest(least(input_tokens, ${view.grain === 'request' ? 'coalesce(prefix, input_tokens)' : 'input_tokens'}) - cached, 0) ELSE 0 END AS cacheable
  FROM prefixes
)
SELECT feature, model, count(*) AS rows, count(*) FILTER (WHERE cached > 0) AS hit_rows,
  ${percent('count(*) FILTER (WHERE cached > 0)', 'count(*)', 'hit_percent')},
  median(input_tokens) AS median_input_tokens, sum(input_tokens) AS input_tokens, sum(cached) AS cached_tokens,
  ${percent('sum(cached)', 'sum(input_tokens)', 'cached_percent')},
  any_value(prefix) AS longest_cached_prefix, sum(cacheable) AS cacheable_tokens${money}
FROM parts
GROUP BY feature, model
ORDER BY ${view.prices === null ? 'cacheable_tokens' : 'upper_bound_saving_usd'} DESC NULLS LAST, feature, model
LIMIT 200`
}

export function cachingTotal(view: View): string {
  const cached = view.fields.has('cached_input_tokens') ? 'sum(coalesce(cached_input_tokens, 0))' : '0'
  return `SELECT count(*) AS rows, sum(input_tokens) AS input_tokens, ${cached} AS cached_tokens,
  ${percent(cached, 'sum(input_tokens)', 'cached_percent')}, median(input_tokens) AS median_input_tokens,
  count(*) FILTER (WHERE input_tokens >= ${providerRules.cacheableFromTokens}) AS long_rows
FROM usage
WHERE ok AND input_tokens IS NOT NULL`
}

/** Cached share by group and hour of day, for the chart. */
export function cachingHours(view: View): string {
  const item = view.fields.has('feature')
    ? groupSql('feature')
    : view.fields.has('model')
      ? groupSql('model')
      : `'(all)'`
  return `SELECT ${item} AS item, strftime(time, '%H') AS hour_utc,
  ${percent('sum(coalesce(cached_input_tokens, 0))', 'sum(input_tokens)', 'cached_percent')}, count(*) AS rows
FROM usage
WHERE ok AND time IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
LIMIT 1000`
}

/**
 * With the keys of prefix blocks at hand nothing has to be guessed: a block that was seen before can come from the
 * cache, if it was seen within the life of the cache. A key stands for the block and all before it, so that a repeat
 * is always a repeated prefix.
 */
export function prefixRepeats(view: View): string {
  const within = (minutes: number) => `gap <= INTERVAL ${minutes} MINUTE`
  const { cacheTtlMinutes: short, cacheLongTtlMinutes: long } = providerRules
  const money =
    view.prices === null
      ? ''
      : `,
  ${usd(`sum(tokens * (input_price - cached_price)) FILTER (WHERE ${within(short)}) / 1e6`, 'saving_usd')}`
  const prices = view.prices === null ? '' : ', p.input AS input_price, p.cached_input AS cached_price'
  return `WITH requests AS (
  SELECT row_number() OVER (ORDER BY time) AS place, u.time, u.input_tokens,
    regexp_extract_all(u.prefix_blocks, '[^][,"\\s]+') AS keys${prices}
  FROM usage AS u${joined(view)}
  WHERE ok AND u.prefix_blocks IS NOT NULL
), blocks AS (
  SELECT * EXCLUDE (keys), input_tokens / len(keys) AS tokens, unnest(keys) AS key FROM requests
), seen AS (
  SELECT *, row_number() OVER same > 1 AS before, time - lag(time) OVER same AS gap
  FROM blocks
  WINDOW same AS (PARTITION BY key ORDER BY place)
)
SELECT count(*) AS blocks, count(*) FILTER (WHERE before) AS repeated_blocks,
  ${percent('count(*) FILTER (WHERE before)', 'count(*)', 'repeated_percent')},
  ${percent(`count(*) FILTER (WHERE ${within(short)})`, 'count(*)', 'within_ttl_percent')},
  ${percent(`count(*) FILTER (WHERE ${within(long)})`, 'count(*)', 'within_long_ttl_percent')}${money}
FROM seen`
}
