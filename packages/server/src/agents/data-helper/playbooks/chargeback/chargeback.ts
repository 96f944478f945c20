import type { Question } from '@holdfast/protocol'
import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { readCells } from '../cells.ts'
import { impactOf } from '../recommend.ts'
import { listGroups, paragraph, say } from '../say.ts'
import {
  attributedPercent,
  chargebackByPayer,
  chargebackLines,
  chargebackTotal,
  payerOf,
  type SharedRule,
  sharedRules,
} from './chargeback-sql.ts'

const ruleOf = (view: View): SharedRule =>
  sharedRules.find((rule) => rule === view.choices.get('chargeback:shared')) ?? 'show'

export const chargeback: Playbook = {
  id: 'chargeback',
  title: 'Chargeback',
  asks: [
    'What do we charge each customer?',
    'Make a chargeback by tenant',
    'Split the bill between the teams',
    'How do we allocate the AI cost to departments?',
    'Who owes what?',
    'Show the cost per customer for invoicing',
  ],
  required: [
    {
      anyOf: ['time'],
      why: 'A charge is for a period',
      unlocks: 'the charge of each month',
    },
    {
      anyOf: ['cost_usd'],
      why: 'The cost of each row is what is charged',
      unlocks: 'the charges',
    },
    {
      anyOf: ['tenant', 'api_key', 'user'],
      why: 'Who the request was for is whom it is charged to',
      unlocks: 'a charge for each',
    },
  ],
  optional: [
    { anyOf: ['feature'], why: 'What the request was for', unlocks: 'invoice lines by feature' },
    {
      anyOf: ['model'],
      why: 'Which model answered',
      unlocks: 'invoice lines by model, and an estimate without a cost',
    },
    { anyOf: ['input_tokens'], why: 'What was read', unlocks: 'an estimate without a cost' },
    { anyOf: ['output_tokens'], why: 'What was written', unlocks: 'an estimate without a cost' },
    { anyOf: ['cached_input_tokens'], why: 'Cached input costs less', unlocks: 'an exact estimate' },
    { anyOf: ['cache_write_tokens'], why: 'Cache writes cost more', unlocks: 'an exact estimate' },
    { anyOf: ['request_count'], why: 'How many requests a row sums', unlocks: 'requests of each line' },
    { anyOf: ['tenant'], why: 'Who the request was for', unlocks: 'a charge for each tenant' },
    { anyOf: ['api_key'], why: 'Which key was used', unlocks: 'a charge for each key' },
    { anyOf: ['user'], why: 'Who made the request', unlocks: 'a charge for each user' },
  ],
  grains: ['request', 'minute', 'hour', 'day', 'unknown'],
  timeStep: 'day',
  reductions: [
    {
      id: 'no_time',
      when: (view) => !view.fields.has('time'),
      says: 'Charges are for the whole file and for no period: no column says when.',
      missing: 'time',
    },
  ],
  analyses: [
    { id: 'chargeback_total', title: 'Cost and how much of it has a payer', sql: chargebackTotal },
    {
      id: 'chargeback_by_payer',
      title: 'Charges',
      sql: (view) => chargebackByPayer(view, ruleOf(view)),
      chart: {
        mark: 'bar',
        x: { column: 'payer', type: 'nominal', title: 'payer' },
        y: { column: 'charge_usd', type: 'quantitative', title: 'USD' },
      },
    },
    { id: 'chargeback_lines', title: 'Invoice lines', sql: chargebackLines },
  ],
  findings,
  caveats: [],
}

const sharing: Question = {
  id: 'chargeback:shared',
  text: 'Part of the cost names nobody. How should it be shared?',
  choices: [
    { value: 'show', label: 'not at all: keep it as a line of its own' },
    { value: 'proportional', label: 'in proportion to what each has cost' },
    { value: 'even', label: 'in equal parts' },
  ],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const payer = payerOf(view)?.replace('_', ' ') ?? 'payer'
  const total = say(
    cells,
    { query: 'chargeback_total' },
    `{cost_usd|USD}${view.estimated.has('cost_usd') ? ', **estimated** at list prices,' : ''} of cost over {payers|${payer}s}; {attributed_percent|%} of it names one.`,
  )
  const period = say(cells, { query: 'chargeback_total' }, 'Period: {first_time|UTC} to {last_time|UTC}.')
  const groups = listGroups(cells, {
    query: 'chargeback_by_payer',
    name: 'payer',
    id: 'charge',
    most: 10,
    parts: [' {charge_usd|USD}', ' ({share_percent|%})'],
  })
  const attributed = cells.number('chargeback_total', 'attributed_percent') ?? 0
  const rest = cells.number('chargeback_total', 'unallocated_usd') ?? 0
  const decided = view.choices.has('chargeback:shared')
  const unclaimed =
    rest > 0
      ? say(
          cells,
          { query: 'chargeback_total' },
          `{unallocated_usd|USD} names no ${payer}: ${ruleText(ruleOf(view))}.`,
        )
      : null
  return {
    figures: cells.figures,
    paragraphs: [
      ...paragraph(total, period),
      ...(groups === null ? [] : [`Charges: ${groups}.`]),
      ...paragraph(unclaimed),
    ],
    caveats: [
      ...(payer === 'api key' ? ['A key is not a person or a team: several may use one.'] : []),
      ...(view.estimated.has('cost_usd')
        ? [
            `Charges are estimated at list prices of ${view.prices?.asOf ?? 'today'}: reconcile them with the invoice.`,
          ]
        : ['Charges are the recorded cost: reconcile them with the invoice before sending them.']),
    ],
    shortfalls:
      rest > 0 && attributed < attributedPercent
        ? [`Less than ${attributedPercent} % of the cost names a ${payer}; the rest is shown apart.`]
        : [],
    ...(rest > 0 && !decided ? { followUp: sharing } : {}),
    recommendations: recommend(),
  }

  function recommend(): NonNullable<Findings['recommendations']> {
    if (rest <= 0) return []
    const action = say(
      cells,
      { query: 'chargeback_total', id: 'tagging' },
      `Have every request carry its ${payer} (a key, a project or a tag for each): {unallocated_usd|USD} names none.`,
    )
    if (action === null) return []
    const impact = impactOf(rest, cells.number('chargeback_total', 'cost_usd'))
    return [{ action, impact, effort: 'medium', risk: 'low', figure: 'tagging_unallocated_usd' }]
  }
}

function ruleText(rule: SharedRule): string {
  switch (rule) {
    case 'show':
      return 'it stands as a line of its own'
    case 'proportional':
      return 'it is shared in proportion to what each has cost'
    case 'even':
      return 'it is shared in equal parts'
  }
}
