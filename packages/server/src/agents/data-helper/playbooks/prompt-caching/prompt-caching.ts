import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { providerRules } from '../../provider-rules.ts'
import { type Cells, readCells } from '../cells.ts'
import { impactOf } from '../recommend.ts'
import { paragraph, say } from '../say.ts'
import { has } from '../sql-parts.ts'
import { cachingGroups, cachingHours, cachingTotal, prefixRepeats } from './prompt-caching-sql.ts'

const named = 3
const keyed = has('prefix_blocks', 'time')

export const promptCaching: Playbook = {
  id: 'prompt_caching',
  title: 'Prompt caching',
  asks: [
    'What could prompt caching save?',
    'Are we using the prompt cache?',
    'How much of our input is read from the cache?',
    'What is our cache hit rate?',
    'Do our prompts repeat?',
    'Should we turn on prompt caching for our chatbot?',
    'How often is the same prefix sent again?',
  ],
  required: [
    {
      anyOf: ['model'],
      why: 'What a cached token costs depends on the model',
      unlocks: 'the saving in USD',
    },
    {
      anyOf: ['input_tokens'],
      why: 'Only input can be cached, and only long input',
      unlocks: 'how much of the input could come from the cache',
    },
    {
      anyOf: ['time'],
      why: 'A cached prefix lives for minutes, so when requests follow each other decides',
      unlocks: 'repeats within the life of the cache',
    },
  ],
  optional: [
    { anyOf: ['cached_input_tokens'], why: 'What came from the cache', unlocks: 'the cached share of today' },
    { anyOf: ['cache_write_tokens'], why: 'What was written to the cache', unlocks: 'write fees' },
    { anyOf: ['output_tokens'], why: 'What was written', unlocks: 'list prices' },
    { anyOf: ['prefix_blocks'], why: 'Which prefix was sent', unlocks: 'a figure in place of a range' },
    { anyOf: ['session'], why: 'Conversations repeat their own beginning', unlocks: 'repeats by session' },
    { anyOf: ['feature'], why: 'What the request was for', unlocks: 'the saving by feature' },
    { anyOf: ['cost_usd'], why: 'What is paid today', unlocks: 'the saving as a share of the cost' },
    { anyOf: ['status'], why: 'Which requests failed', unlocks: 'successful requests only' },
  ],
  grains: ['request', 'minute', 'hour', 'day'],
  timeStep: 'day',
  reductions: [
    {
      id: 'no_model',
      when: (view) => !view.fields.has('model'),
      says: 'Shares only and no money: no column names the model, so no price is known.',
      missing: 'model',
    },
    {
      id: 'no_time',
      when: (view) => !view.fields.has('time'),
      says: 'Whether prefixes repeat within the life of the cache cannot be told: no column says when.',
      missing: 'time',
    },
    {
      id: 'short',
      when: (view) => view.span !== null && view.span.days < 1,
      says: 'The data covers less than a day.',
      missing: null,
    },
    {
      id: 'sums',
      when: (view) => view.grain !== 'request',
      says: `Each row sums many requests, so whether one is long enough to be cached (${providerRules.cacheableFromTokens} tokens) cannot be told: the upper bound takes all of them for long enough.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'caching_total', title: 'Input read from the cache', sql: cachingTotal },
    { id: 'caching_groups', title: 'Cached and cacheable input by feature and model', sql: cachingGroups },
    { id: 'prefix_repeats', title: 'Prefix blocks that were sent before', when: keyed, sql: prefixRepeats },
    {
      id: 'caching_hours',
      title: 'Share of the input read from the cache, by hour of day',
      when: (view) => has('cached_input_tokens', 'time')(view) && view.timeStep !== 'day',
      sql: cachingHours,
      chart: {
        mark: 'rect',
        x: { column: 'hour_utc', type: 'nominal', title: 'hour of day (UTC)' },
        y: { column: 'item', type: 'nominal', title: '' },
        color: { column: 'cached_percent', type: 'quantitative', title: '% cached' },
      },
    },
  ],
  findings,
  caveats: [
    `Only the beginning of a prompt can be cached, from ${providerRules.cacheableFromTokens} tokens on, and it lives for ${providerRules.cacheTtlMinutes} minutes after its last use (as of ${providerRules.asOf}; some models differ).`,
  ],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const query = 'caching_groups'
  const column = view.prices === null ? 'cacheable_tokens' : 'upper_bound_saving_usd'
  const rows = Array.from({ length: cells.rows(query) }, (_, row) => row)
    .filter((row) => (cells.number(query, column, row) ?? 0) > 0)
    .slice(0, named)
  const known = view.fields.has('cached_input_tokens')
  const total = known
    ? say(
        cells,
        { query: 'caching_total' },
        'Of {input_tokens|tokens} of input, {cached_percent|%} came from the cache.',
      )
    : 'What came from the cache is not in the data.'
  const longRows = cells.number('caching_total', 'long_rows') ?? 0
  // With keys the repeats are known, and nothing has to be bounded.
  const upper = keyed(view) ? [] : rows.map((row) => say(cells, place(cells, row), upperBound(view, known)))
  const nothing =
    rows.length === 0 && !keyed(view)
      ? 'No input is left that could be cached: requests are too short, or cached already.'
      : null
  return {
    figures: cells.figures,
    paragraphs: [...paragraph(total), ...repeats(cells, view), ...paragraph(...upper, nothing)],
    caveats:
      keyed(view) || rows.length === 0
        ? []
        : [
            'Without a key of the prefix the saving is a range and no point: how much of the prompts repeats is not in the data.',
          ],
    shortfalls:
      view.grain === 'request' && longRows === 0
        ? [`No request has ${providerRules.cacheableFromTokens} tokens of input: none could be cached.`]
        : [],
    recommendations: view.prices === null || keyed(view) ? [] : rows.flatMap((row) => recommend(cells, row)),
  }
}

const place = (cells: Cells, row: number, id = 'caching') => ({
  query: 'caching_groups',
  row,
  id: `${id}_${row + 1}`,
  of: String(cells.value('caching_groups', 'feature', row)),
})

/** A range: from what it costs if nothing is ever read again to what it saves if everything is. */
function upperBound(view: View, known: boolean): string {
  const today = known
    ? '{cached_percent|%} of its input comes from the cache today'
    : 'its cache is not in the data'
  const who = view.fields.has('feature')
    ? `{feature}${view.fields.has('model') ? ' on {model}' : ''}`
    : view.fields.has('model')
      ? '{model}'
      : 'All requests'
  if (view.prices === null) return `${who}: ${today}; at most {cacheable_tokens|tokens} more could.`
  return `${who}: ${today}. Caching would save at most {upper_bound_saving_usd|USD}; if no prefix ever came again, writing them would cost {worst_case_cost_usd|USD}.`
}

function repeats(cells: Cells, view: View): readonly string[] {
  const said = say(
    cells,
    { query: 'prefix_repeats' },
    `{repeated_percent|%} of {blocks|prefix blocks} were sent before, {within_ttl_percent|%} within ${providerRules.cacheTtlMinutes} minutes and {within_long_ttl_percent|%} within ${providerRules.cacheLongTtlMinutes}.`,
  )
  const worth =
    view.prices === null
      ? null
      : say(
          cells,
          { query: 'prefix_repeats' },
          `Read from a cache of ${providerRules.cacheTtlMinutes} minutes they save {saving_usd|USD}.`,
        )
  return paragraph(said, worth)
}

function recommend(cells: Cells, row: number): NonNullable<Findings['recommendations']> {
  const query = 'caching_groups'
  const action = say(
    cells,
    place(cells, row, 'caching_saving'),
    'Put what {feature} repeats (instructions, examples, documents) at the beginning of its prompt and turn caching on: saves at most {upper_bound_saving_usd|USD} over the period.',
  )
  if (action === null) return []
  const all = Array.from(
    { length: cells.rows(query) },
    (_, at) => cells.number(query, 'upper_bound_saving_usd', at) ?? 0,
  )
  const impact = impactOf(
    cells.number(query, 'upper_bound_saving_usd', row),
    all.reduce((sum, each) => sum + each, 0),
  )
  return [
    {
      action,
      impact,
      effort: 'low',
      risk: 'low',
      figure: `caching_saving_${row + 1}_upper_bound_saving_usd`,
    },
  ]
}
