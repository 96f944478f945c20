import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { readCells } from '../cells.ts'
import { impactOf } from '../recommend.ts'
import { paragraph, say } from '../say.ts'
import {
  downShiftBars,
  downShiftCandidates,
  downShiftGroups,
  downShiftRows,
  shortAnswerTokens,
} from './down-shift-sql.ts'

const named = 3

export const downShift: Playbook = {
  id: 'down_shift',
  title: 'Candidates for a smaller model',
  asks: [
    'Which requests could run on a smaller, cheaper model?',
    'Where are we using a model that is too big?',
    'Could we use a cheaper model for some tasks?',
    'What would it save to switch to the mini model?',
    'Which features do not need the large model?',
    'Is gpt-5 overkill for some of our traffic?',
    'down-shift candidates',
  ],
  required: [
    {
      anyOf: ['model'],
      why: 'Which model answered tells what it costs and which smaller one stands below it',
      unlocks: 'what each feature would cost on the next smaller model',
    },
    {
      anyOf: ['input_tokens'],
      why: 'What was read is recosted at the smaller model’s price',
      unlocks: 'the cost on the smaller model',
    },
    {
      anyOf: ['output_tokens'],
      why: 'Short answers are what a smaller model is most likely to give as well',
      unlocks: 'which features give short answers, and the cost on the smaller model',
    },
    {
      anyOf: ['cost_usd'],
      why: 'What is paid today is what a saving is measured against',
      unlocks: 'the saving',
    },
    {
      anyOf: ['feature'],
      why: 'A model is changed for one task at a time, so the task of each request has to be known',
      unlocks: 'candidates by feature',
    },
  ],
  optional: [
    { anyOf: ['cached_input_tokens'], why: 'Cached input costs less', unlocks: 'an exact recosting' },
    { anyOf: ['cache_write_tokens'], why: 'Cache writes cost more', unlocks: 'an exact recosting' },
    { anyOf: ['status'], why: 'Which requests failed', unlocks: 'successful requests only' },
  ],
  grains: ['request'],
  timeStep: 'day',
  smallerModels: true,
  reductions: [
    {
      id: 'no_feature',
      when: (view) => !view.fields.has('feature'),
      says: 'Models are recosted as a whole and no task is named: no column says what a request was for.',
      missing: 'feature',
    },
    {
      id: 'few_rows',
      when: (view) => view.rows < downShiftRows,
      says: `A list without candidates: a candidate needs ${downShiftRows} successful requests.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'down_shift_candidates', title: 'Candidates for a smaller model', sql: downShiftCandidates },
    { id: 'down_shift_groups', title: 'Every feature on the next smaller model', sql: downShiftGroups },
    {
      id: 'down_shift_bars',
      title: 'Cost of the candidates, today and on the smaller model',
      sql: downShiftBars,
      chart: {
        mark: 'bar',
        x: { column: 'item', type: 'nominal', title: 'feature and model' },
        y: { column: 'cost_usd', type: 'quantitative', title: 'USD' },
        color: { column: 'state', type: 'nominal', title: '' },
      },
    },
  ],
  findings,
  caveats: [
    'Whether the smaller model answers well enough is not in the data: try it on a sample of each task and compare before switching.',
  ],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const query = 'down_shift_candidates'
  const count = Math.min(cells.rows(query), named)
  const places = Array.from({ length: count }, (_, row) => ({
    query,
    row,
    id: `candidate_${row + 1}`,
    of: String(cells.value(query, 'feature', row)),
  }))
  const sentences = places.map((place) =>
    say(
      cells,
      place,
      '{feature} runs on {model} and answers with a median of {median_output_tokens|tokens}: its {rows|requests} cost {cost_usd|USD}, and would cost {cost_on_smaller_usd|USD} on {smaller_model} ({saving_percent|%} less).',
    ),
  )
  const none = view.fields.has('feature')
    ? `No feature with at least ${downShiftRows} successful requests gives only short answers (${shortAnswerTokens} tokens or fewer at the 95th percentile) on a model that has a smaller one below it.`
    : 'No model can be called too large without knowing what its requests are for; the table shows what each would cost on the next smaller one.'
  const unpriced = view.prices?.unmatched ?? []
  return {
    figures: cells.figures,
    paragraphs: count === 0 ? [none] : paragraph(...sentences),
    caveats: unpriced.length === 0 ? [] : [`No list price is known for ${unpriced.join(', ')}.`],
    recommendations: places.flatMap((place, index) => {
      const action = say(
        cells,
        { ...place, id: `saving_${index + 1}` },
        'Try {smaller_model} for {feature} on a sample, and switch if its answers hold: saves {saving_usd|USD} over the period.',
      )
      if (action === null) return []
      const impact = impactOf(
        cells.number(query, 'saving_usd', index),
        cells.number(query, 'total_cost_usd', index),
      )
      // A model that is in use already is known to work with this stack.
      const effort = cells.value(query, 'smaller_in_use', index) === true ? 'low' : 'medium'
      return [{ action, impact, effort, risk: 'medium', figure: `saving_${index + 1}_saving_usd` } as const]
    }),
  }
}
