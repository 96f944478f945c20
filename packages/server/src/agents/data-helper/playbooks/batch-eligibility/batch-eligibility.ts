import type { Question } from '@holdfast/protocol'
import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { providerRules } from '../../provider-rules.ts'
import { readCells } from '../cells.ts'
import { impactOf } from '../recommend.ts'
import { paragraph, say } from '../say.ts'
import { has } from '../sql-parts.ts'
import { batchFeatures, batchHours, batchProfile, fixedWindow } from './batch-eligibility-sql.ts'

export const batchDays = 7

const named = 3
const weekly = (view: View) => view.span === null || view.span.days >= batchDays
const judgeable = (view: View) => has('feature', 'time')(view) && weekly(view)

export const batchEligibility: Playbook = {
  id: 'batch_eligibility',
  title: 'What could run as a batch',
  asks: [
    'What could we run as a batch at half price?',
    'Which jobs could use the batch API?',
    'Do we have nightly jobs that could wait?',
    'How much would batch processing save?',
    'Which requests are not urgent?',
    'batch eligibility',
  ],
  required: [
    {
      anyOf: ['time'],
      why: 'A job that may wait shows by when it runs: in the same hours, day after day',
      unlocks: 'fixed windows and how requests arrive',
    },
    {
      anyOf: ['feature'],
      why: 'A job is moved to a batch as a whole, so what each request is for has to be known',
      unlocks: 'candidates by feature',
    },
    {
      anyOf: ['input_tokens', 'total_tokens'],
      why: 'A batch is priced by its tokens',
      unlocks: 'the batch price',
    },
    {
      anyOf: ['cost_usd'],
      why: 'What is paid today is what a saving is measured against',
      unlocks: 'the saving',
    },
  ],
  optional: [
    { anyOf: ['output_tokens'], why: 'What was written', unlocks: 'an estimate where no cost is given' },
    { anyOf: ['model'], why: 'Which model answered', unlocks: 'an estimate where no cost is given' },
    { anyOf: ['cached_input_tokens'], why: 'Cached input costs less', unlocks: 'an exact estimate' },
    { anyOf: ['session'], why: 'Requests of a conversation cannot wait', unlocks: 'conversations left out' },
    { anyOf: ['status'], why: 'Which requests failed', unlocks: 'successful requests only' },
  ],
  grains: ['request'],
  timeStep: 'hour',
  reductions: [
    {
      id: 'no_feature',
      when: (view) => !view.fields.has('feature'),
      says: 'Only how requests spread over the hours is shown: no column says what a request was for.',
      missing: 'feature',
    },
    {
      id: 'no_tokens',
      when: (view) => !view.fields.has('input_tokens') && !view.fields.has('total_tokens'),
      says: 'The saving is a share of the recorded cost and cannot be checked against batch prices: no column has the tokens.',
      missing: 'input_tokens',
    },
    {
      id: 'few_days',
      when: (view) => !weekly(view),
      says: `Only how requests spread over the hours is shown: a habit needs ${batchDays} days to be one.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'batch_features', title: 'Features and their hours', when: judgeable, sql: batchFeatures },
    {
      id: 'batch_hours',
      title: 'Requests by hour and weekday',
      sql: batchHours,
      chart: {
        mark: 'rect',
        x: { column: 'hour_utc', type: 'nominal', title: 'hour of day (UTC)' },
        y: { column: 'weekday', type: 'nominal', title: 'weekday' },
        color: { column: 'requests', type: 'quantitative', title: 'requests' },
      },
    },
    { id: 'batch_profile', title: 'Requests by feature and hour', sql: batchProfile },
  ],
  findings,
  caveats: [
    `A batch is answered within ${providerRules.batchWithinHours} hours and costs ${providerRules.batchDiscount * 100} % less at OpenAI, Anthropic and Google (as of ${providerRules.asOf}); whether your contract has it is not in the data.`,
  ],
}

/** Asked with every answer: no data can tell whether somebody waits. */
const waiting = (features: string): Question => ({
  id: 'batch:waiting',
  text: `Is it acceptable to wait up to ${providerRules.batchWithinHours} hours for the answers of ${features}? The data cannot show it.`,
  choices: [
    { value: 'yes', label: 'yes, they may wait' },
    { value: 'no', label: 'no, somebody waits for them' },
  ],
})

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const query = 'batch_features'
  const rows = Array.from({ length: cells.rows(query) }, (_, row) => row)
  const candidates = rows.filter((row) => cells.value(query, 'candidate', row) === true).slice(0, named)
  const place = (row: number, id: string) => ({
    query,
    row,
    id: `${id}_${row + 1}`,
    of: String(cells.value(query, 'feature', row)),
  })
  const sentences = candidates.map((row) =>
    say(
      cells,
      place(row, 'batch'),
      `{feature} runs in a fixed window: {in_window_percent|%} of its {rows|requests} fall into the ${fixedWindow.hours} hours from {window_from_utc} UTC, on {days|days}. It costs {cost_usd|USD}, {share_of_cost_percent|%} of all; as a batch it would cost {saving_usd|USD} less.`,
    ),
  )
  const decided = view.choices.get('batch:waiting')
  const judged = rows.length > 0
  const none = judged
    ? `No feature keeps to a fixed window of ${fixedWindow.hours} hours: none looks like a job that nobody waits for.`
    : 'The table and the chart show in which hours requests are made.'
  const after =
    decided === 'no' && candidates.length > 0
      ? 'You said that they cannot wait, so nothing is recommended: the saving is what waiting would be worth.'
      : null
  const names = candidates.map((row) => String(cells.value(query, 'feature', row))).join(', ')
  return {
    figures: cells.figures,
    paragraphs: candidates.length === 0 ? [none] : paragraph(...sentences, after),
    caveats: [],
    recommendations:
      decided === 'no'
        ? []
        : candidates.flatMap((row) => {
            const action = say(
              cells,
              place(row, 'batch_saving'),
              'Send {feature} through the batch API: saves {saving_usd|USD} over the period.',
            )
            if (action === null) return []
            const impact = impactOf(
              cells.number(query, 'saving_usd', row),
              cells.number(query, 'total_cost_usd', row),
            )
            const risk = decided === 'yes' ? 'low' : 'medium'
            return [
              {
                action,
                impact,
                effort: 'medium',
                risk,
                figure: `batch_saving_${row + 1}_saving_usd`,
              } as const,
            ]
          }),
    ...(candidates.length > 0 && decided === undefined ? { followUp: waiting(names) } : {}),
  }
}
