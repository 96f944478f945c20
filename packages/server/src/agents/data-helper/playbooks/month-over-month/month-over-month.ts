import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { listGroups, paragraph, say } from '../say.ts'
import { changeByGroup, changeEffects, modelMix, periodTotals } from './month-over-month-sql.ts'
import { periodsOf } from './periods.ts'

/** Shorter periods say more about single days than about a change. */
const leastDays = 7
/** A model's share of a feature that moved by less is no news. */
const newsPoints = 5

const comparable = (view: View) => periodsOf(view) !== null
const long = (view: View) => {
  const periods = periodsOf(view)
  return periods !== null && Math.min(periods.before.days, periods.after.days) >= leastDays
}

export const monthOverMonth: Playbook = {
  id: 'month_over_month',
  title: 'What changed from one period to the next',
  asks: [
    'Why did our cost go up this month?',
    'What changed between September and October?',
    'Compare this month with last month',
    'What is driving the increase in spend?',
    'Month over month cost change',
    'Why is the bill higher than before?',
    'Is the increase due to volume, price or mix?',
  ],
  required: [
    {
      anyOf: ['time'],
      why: 'Two periods are compared, so the time of each row has to be known, over at least two days',
      unlocks: 'the change from one period to the next',
    },
    {
      anyOf: ['model'],
      why: 'Which model answered tells a change of mix from a change of volume',
      unlocks: 'the part that the mix of models makes',
    },
    {
      anyOf: ['cost_usd'],
      why: 'The cost of each row, or the tokens it can be estimated from, is what changed',
      unlocks: 'the change and what it is made of',
    },
  ],
  optional: [
    {
      anyOf: ['feature'],
      why: 'What the request was for',
      unlocks: 'the part that the mix of features makes',
    },
    { anyOf: ['request_count'], why: 'How many requests a row sums', unlocks: 'the part that volume makes' },
    { anyOf: ['input_tokens'], why: 'What was read', unlocks: 'tokens per request and cost per token' },
    { anyOf: ['output_tokens'], why: 'What was written', unlocks: 'tokens per request and cost per token' },
    { anyOf: ['cached_input_tokens'], why: 'Cached input costs less', unlocks: 'an exact estimate' },
    { anyOf: ['cache_write_tokens'], why: 'Cache writes cost more', unlocks: 'an exact estimate' },
    { anyOf: ['status'], why: 'Which requests failed', unlocks: 'the mix without failed requests' },
  ],
  grains: ['request', 'minute', 'hour', 'day'],
  timeStep: 'day',
  least: {
    holds: comparable,
    field: 'time',
    instead: 'the data covers less than two days, and two periods are compared',
  },
  reductions: [
    {
      id: 'no_model',
      when: (view) => view.fields.has('time') && !view.fields.has('model'),
      says: 'The part that the mix of models makes is not told: no column names the model.',
      missing: 'model',
    },
    {
      id: 'short',
      when: (view) => comparable(view) && !long(view),
      says: `The periods are shorter than ${leastDays} days: their change is told by model, and says more about single days than about a trend.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'period_totals', title: 'The two periods', sql: periodTotals },
    {
      id: 'change_effects',
      title: 'What the change is made of',
      when: long,
      sql: changeEffects,
      chart: {
        mark: 'bar',
        x: { column: 'factor', type: 'nominal', title: '' },
        y: { column: 'from_usd', type: 'quantitative', title: 'USD' },
        y2: 'to_usd',
      },
    },
    { id: 'change_by_group', title: 'Cost by feature and model in both periods', sql: changeByGroup },
    {
      id: 'model_mix',
      title: 'Which model answers, by feature',
      when: (view) => view.fields.has('model') && view.grain === 'request',
      sql: modelMix,
    },
  ],
  findings,
  caveats: [
    'The parts say what moved together with the cost, not what caused it: each is its effect averaged over all orders of change (Shapley), so that they add up.',
  ],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const total = say(
    cells,
    { query: 'period_totals' },
    'From {before_from|UTC}–{before_to|UTC} ({days_before|days}) to {after_from|UTC}–{after_to|UTC} ({days_after|days}) the cost went from {cost_before_usd|USD} to {cost_after_usd|USD}: {change_usd|USD} ({change_percent|%}).',
  )
  const estimated = view.estimated.has('cost_usd') ? 'The cost is **estimated** at list prices.' : null
  const requests = say(
    cells,
    { query: 'period_totals' },
    'Requests went from {requests_before|requests} to {requests_after|requests}.',
  )
  const parts = listGroups(cells, {
    query: 'change_effects',
    name: 'factor',
    id: 'effect',
    most: 6,
    parts: [' {effect_usd|USD}'],
  })
  return {
    figures: cells.figures,
    paragraphs: [
      ...paragraph(total ?? 'One of the two periods has no cost to compare.', estimated, requests),
      ...(parts === null ? [] : [`The change is made of: ${parts}. These parts add up to it.`]),
      ...mix(cells),
      ...groups(cells, view),
    ],
    caveats: [`Compared: ${periodsOf(view)?.why ?? ''}.`],
  }
}

function mix(cells: Cells): readonly string[] {
  const query = 'model_mix'
  const moved = (cells.number(query, 'change_points') ?? 0) !== 0
  if (!moved || Math.abs(cells.number(query, 'change_points') ?? 0) < newsPoints) return []
  // The two shares of a feature with two models move by the same points: the one that grew is told.
  const row =
    (cells.number(query, 'change_points', 0) ?? 0) < 0 && (cells.number(query, 'change_points', 1) ?? 0) > 0
      ? 1
      : 0
  const place = {
    query,
    row,
    of: `${cells.value(query, 'model', row)} in ${cells.value(query, 'feature', row)}`,
  }
  const same =
    Math.abs(
      (cells.number(query, 'ok_share_after_percent', row) ?? 0) -
        (cells.number(query, 'share_after_percent', row) ?? 0),
    ) < 1
  return paragraph(
    say(
      cells,
      place,
      'In {feature}, {model} answered {share_before_percent|%} of the requests before and {share_after_percent|%} after.',
    ),
    same
      ? null
      : say(
          cells,
          place,
          'Without failed requests it is {ok_share_before_percent|%} and {ok_share_after_percent|%}: failures are part of the shift.',
        ),
  )
}

function groups(cells: Cells, view: View): readonly string[] {
  const name = view.fields.has('feature') ? 'feature' : 'model'
  const both = view.fields.has('feature') && view.fields.has('model')
  const list = listGroups(cells, {
    query: 'change_by_group',
    name,
    id: 'change',
    most: 4,
    parts: [...(both ? [' on {model}'] : []), ' {change_usd|USD}'],
  })
  return list === null ? [] : [`Largest changes: ${list}.`]
}
