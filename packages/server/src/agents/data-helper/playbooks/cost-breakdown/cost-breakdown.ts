import type { Analysis, Playbook, View } from '../../playbook.ts'
import { has } from '../sql-parts.ts'
import { costFindings } from './cost-findings.ts'
import {
  costByDay,
  costByDimension,
  costByMonth,
  costByTokenKind,
  costPareto,
  costTotal,
  listCost,
} from './cost-sql.ts'

/** Below these a split over time or a ranking says more about chance than about the spend: totals only. */
export const costMinimums = { rows: 100, days: 7 } as const

/** A bucket sums many requests, so few rows of it are no small sample. */
const fewRows = (view: View) => view.grain === 'request' && view.rows < costMinimums.rows
const fewDays = (view: View) => view.span !== null && view.span.days < costMinimums.days
const enough = (view: View) => view.fields.has('time') && !fewRows(view) && !fewDays(view)

const byDimension = (
  field: 'model' | 'tenant' | 'feature' | 'provider' | 'api_key' | 'user' | 'token_kind',
  title: string,
): Analysis => ({
  id: `cost_by_${field}`,
  title: `Cost by ${title}`,
  when: has(field),
  sql: (view) => costByDimension(view, field),
  chart: {
    mark: 'bar',
    x: { column: field, type: 'nominal', title },
    y: { column: 'cost_usd', type: 'quantitative', title: 'USD' },
  },
})

export const costBreakdown: Playbook = {
  id: 'cost_breakdown',
  title: 'Cost breakdown',
  asks: [
    'Where does the money go?',
    'What do we spend on AI, and on what?',
    'Break down our LLM cost by model and team',
    'Why are our AI features so expensive?',
    'What is our total spend?',
    'Why is our AI bill so high?',
    'How much does each customer cost us?',
  ],
  required: [
    {
      anyOf: ['time'],
      why: 'The time of each row tells which period the cost belongs to and how it moves',
      unlocks: 'cost by month and by day',
    },
    {
      anyOf: ['model'],
      why: 'The model is the first thing cost is split by, and what list prices are looked up by',
      unlocks: 'cost by model, and an estimate where no cost is given',
    },
    {
      anyOf: ['cost_usd'],
      why: 'The cost of each row, or the tokens it can be estimated from, is what is added up',
      unlocks: 'the total and every split of it',
    },
  ],
  optional: [
    { anyOf: ['tenant'], why: 'Who the request was for', unlocks: 'cost by tenant' },
    { anyOf: ['feature'], why: 'What the request was for', unlocks: 'cost by feature' },
    { anyOf: ['provider'], why: 'Who was paid', unlocks: 'cost by provider' },
    { anyOf: ['api_key'], why: 'Which key was used', unlocks: 'cost by API key' },
    { anyOf: ['user'], why: 'Who made the request', unlocks: 'cost by user' },
    { anyOf: ['input_tokens'], why: 'What was read', unlocks: 'cost by token kind' },
    { anyOf: ['output_tokens'], why: 'What was written', unlocks: 'cost by token kind' },
    { anyOf: ['cached_input_tokens'], why: 'What was read from cache', unlocks: 'cost by token kind' },
    { anyOf: ['cache_write_tokens'], why: 'What was written to cache', unlocks: 'cost by token kind' },
    { anyOf: ['token_kind'], why: 'What a cost row is for', unlocks: 'cost by token kind' },
    { anyOf: ['request_count'], why: 'How many requests a row sums', unlocks: 'cost per request' },
  ],
  grains: ['request', 'minute', 'hour', 'day', 'unknown'],
  timeStep: 'day',
  reductions: [
    {
      id: 'no_model',
      when: (view) => !view.fields.has('model'),
      says: 'The cost cannot be split by model: no column names the model.',
      missing: 'model',
    },
    {
      id: 'no_time',
      when: (view) => !view.fields.has('time'),
      says: 'The cost cannot be split by month or day: no column says when.',
      missing: 'time',
    },
    {
      id: 'few_rows',
      when: fewRows,
      says: `Totals only: there are fewer than ${costMinimums.rows} rows.`,
      missing: null,
    },
    {
      id: 'few_days',
      when: fewDays,
      says: `Totals only: the data covers fewer than ${costMinimums.days} days.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'cost_total', title: 'Total cost', sql: costTotal },
    byDimension('model', 'model'),
    byDimension('tenant', 'tenant'),
    byDimension('feature', 'feature'),
    byDimension('provider', 'provider'),
    byDimension('api_key', 'API key'),
    byDimension('user', 'user'),
    byDimension('token_kind', 'token kind'),
    {
      id: 'cost_by_month',
      title: 'Cost by month',
      when: enough,
      sql: costByMonth,
      chart: {
        mark: 'bar',
        x: { column: 'month', type: 'nominal', title: 'month' },
        y: { column: 'cost_usd', type: 'quantitative', title: 'USD' },
      },
    },
    {
      id: 'cost_by_day',
      title: 'Cost by day and model',
      when: enough,
      sql: costByDay,
      chart: {
        mark: 'bar',
        x: { column: 'day', type: 'temporal', title: 'day (UTC)' },
        y: { column: 'cost_usd', type: 'quantitative', title: 'USD' },
        color: { column: 'model', type: 'nominal', title: 'model' },
      },
    },
    {
      id: 'tokens_by_kind',
      title: 'Tokens by kind',
      when: has('input_tokens', 'output_tokens'),
      sql: costByTokenKind,
      chart: {
        mark: 'bar',
        x: { column: 'kind', type: 'nominal', title: 'token kind' },
        y: { column: 'tokens', type: 'quantitative', title: 'tokens' },
      },
    },
    {
      id: 'cost_pareto',
      title: 'Largest cost items',
      when: (view) => enough(view) && (view.fields.has('model') || view.fields.has('feature')),
      sql: costPareto,
      chart: {
        mark: 'bar',
        x: { column: 'item', type: 'nominal', title: 'item' },
        y: { column: 'cost_usd', type: 'quantitative', title: 'USD' },
      },
    },
    {
      id: 'list_cost',
      title: 'Recorded cost against list prices',
      when: (view) => view.prices !== null && !view.estimated.has('cost_usd'),
      sql: listCost,
    },
  ],
  findings: costFindings,
  caveats: [],
}
