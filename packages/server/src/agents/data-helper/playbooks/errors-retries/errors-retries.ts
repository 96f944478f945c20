import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { FieldName } from '../../fields.ts'
import type { Analysis, Findings, Playbook, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { listGroups, paragraph, say } from '../say.ts'
import { has } from '../sql-parts.ts'
import {
  errorRetries,
  errorRows,
  errorStorms,
  errorsBy,
  errorsByDay,
  errorsByStatus,
  errorsTotal,
  errorsWorstDay,
  retry,
  senderOf,
  stormDrivers,
} from './errors-retries-sql.ts'

const enough = (view: View) => view.rows >= errorRows
const timed = (view: View) => enough(view) && view.fields.has('time')
const hourly = (view: View) => timed(view) && view.timeStep !== 'day'

const by = (field: FieldName): Analysis => ({
  id: `errors_by_${field}`,
  title: `Failures by ${field}`,
  when: has(field),
  sql: (view) => errorsBy(view, field),
})

export const errorsRetries: Playbook = {
  id: 'errors_retries',
  title: 'Errors and retries',
  asks: [
    'Why do requests fail?',
    'How many errors do we have and when?',
    'What is our error rate by model?',
    'Were we rate limited?',
    'What do failed requests and retries cost us?',
    'When was the last outage?',
    'How many 429s and timeouts did we get?',
  ],
  required: [
    {
      anyOf: ['status'],
      why: 'Which requests failed, and how, has to be written down; a file that leaves failed requests out cannot tell',
      unlocks: 'failures by code, model and hour, storms and retries',
    },
    {
      anyOf: ['time'],
      why: 'The time of each request tells when they failed and which were sent again',
      unlocks: 'storms and retries',
    },
  ],
  optional: [
    { anyOf: ['model'], why: 'Which model failed', unlocks: 'failures by model' },
    { anyOf: ['tenant'], why: 'Whose request failed', unlocks: 'failures by tenant' },
    { anyOf: ['feature'], why: 'What failed', unlocks: 'failures by feature' },
    { anyOf: ['provider'], why: 'Who failed', unlocks: 'failures by provider' },
    { anyOf: ['user'], why: 'Who sent it', unlocks: 'retries of one sender' },
    { anyOf: ['api_key'], why: 'Which key sent it', unlocks: 'retries of one sender' },
    { anyOf: ['session'], why: 'Which conversation it was part of', unlocks: 'retries of one conversation' },
    { anyOf: ['input_tokens'], why: 'How long the request was', unlocks: 'retries told by their length' },
    { anyOf: ['cost_usd'], why: 'What it cost', unlocks: 'the cost of failed requests' },
  ],
  grains: ['request'],
  timeStep: 'day',
  least: {
    holds: (view) => view.failures !== false,
    field: 'status',
    instead: 'no row of the data failed, as in an export that leaves failed requests out',
  },
  reductions: [
    {
      id: 'no_time',
      when: (view) => !view.fields.has('time'),
      says: 'Storms and retries cannot be found: no column says when a request ran.',
      missing: 'time',
    },
    {
      id: 'few_rows',
      when: (view) => !enough(view),
      says: `Counts only: rates and storms need ${errorRows} rows.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'errors_total', title: 'Failed requests', sql: errorsTotal },
    { id: 'errors_by_status', title: 'Failures by status', sql: errorsByStatus },
    by('model'),
    by('tenant'),
    by('feature'),
    by('provider'),
    { id: 'errors_worst_day', title: 'Days with the most failures', when: timed, sql: errorsWorstDay },
    { id: 'error_storms', title: 'Storms of failures', when: hourly, sql: errorStorms },
    { id: 'error_retries', title: 'Failed requests that were sent again', when: hourly, sql: errorRetries },
    {
      id: 'errors_by_day',
      title: 'Failures by day and status',
      when: timed,
      sql: errorsByDay,
      chart: {
        mark: 'bar',
        x: { column: 'day', type: 'temporal', title: 'day (UTC)' },
        y: { column: 'failed', type: 'quantitative', title: 'failed requests' },
        color: { column: 'status', type: 'nominal', title: 'status' },
      },
    },
  ],
  findings,
  caveats: [],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const failed = cells.number('errors_total', 'failed') ?? 0
  if (failed === 0)
    return {
      figures: cells.figures,
      paragraphs: paragraph(
        say(cells, { query: 'errors_total' }, 'None of {requests|requests} in the data failed.'),
        'That is what a file shows in which failed requests are left out, as well as one in which none failed.',
      ),
      caveats: [],
      shortfalls: ['Whether requests failed that are not in the data cannot be told from it.'],
    }
  const total = say(
    cells,
    { query: 'errors_total' },
    enough(view)
      ? '{failed|requests} of {requests|requests} failed ({failure_percent|%}).'
      : '{failed|requests} of {requests|requests} failed.',
  )
  const cost =
    (cells.number('errors_total', 'failed_cost_usd') ?? 0) > 0
      ? say(cells, { query: 'errors_total' }, 'They cost {failed_cost_usd|USD}.')
      : null
  const codes = listGroups(cells, {
    query: 'errors_by_status',
    name: 'status',
    parts: [' {failed|requests}', ' ({share_percent|%})'],
  })
  return {
    figures: cells.figures,
    paragraphs: [
      ...paragraph(total, cost, codes === null ? null : `By status: ${codes}.`),
      ...storms(cells, view),
      ...worst(cells, view),
      ...retries(cells, view),
    ],
    caveats: [],
    recommendations: recommend(cells, view),
  }
}

function storms(cells: Cells, view: View): readonly string[] {
  const count = cells.rows('error_storms')
  if (!hourly(view)) return []
  if (count === 0) return ['No hour stands out: failures are spread over the whole period.']
  const sentences = Array.from({ length: Math.min(count, 3) }, (_, row) => {
    const place = { query: 'error_storms', row, id: `storm_${row + 1}`, of: `storm ${row + 1}` }
    const what = say(
      cells,
      place,
      'Storm from {storm_from|UTC} to {storm_to|UTC}: {failed|requests} of {requests|requests} failed.',
    )
    const made = stormDrivers(view).map((field) =>
      say(cells, place, `${field} {${field}} {${field}_percent|%}`),
    )
    const list = made.filter((part) => part !== null)
    return list.length === 0 ? what : `${what} Of the failures: ${list.join(', ')}.`
  })
  return paragraph(...sentences)
}

/** The worst day says nothing more where it is the day of the storm, so it is said only without one. */
function worst(cells: Cells, view: View): readonly string[] {
  if (!timed(view)) return []
  return paragraph(
    say(
      cells,
      { query: 'errors_worst_day' },
      'The worst day was {day|UTC}: {failed|requests} of {requests|requests} failed.',
    ),
  )
}

function retries(cells: Cells, view: View): readonly string[] {
  if ((cells.number('error_retries', 'retried') ?? 0) === 0) return []
  const sender = senderOf(view)
  const who = sender === null ? '' : ` of the same ${sender.replace('_', ' ')}`
  return paragraph(
    say(
      cells,
      { query: 'error_retries' },
      `{retried|requests} of {failed|requests} that failed were followed within ${retry.seconds} seconds by a like request${who}: retries, of which {retried_well|requests} succeeded and {failed_again|requests} failed again.`,
    ),
  )
}

const throttled = /429|rate|throttl|quota/i
const late = /408|504|timeout|timed.?out|deadline/i

function recommend(cells: Cells, view: View): NonNullable<Findings['recommendations']> {
  const query = 'errors_by_status'
  const total = cells.number('errors_total', 'failed') ?? 0
  return Array.from({ length: Math.min(cells.rows(query), 5) }, (_, row) => row).flatMap((row) => {
    const status = String(cells.value(query, 'status', row))
    const advice = throttled.test(status)
      ? 'Slow down before the limit: a token bucket and retries with growing, random waits, or a higher limit'
      : late.test(status)
        ? 'Give long answers more time or stream them, and do not send again what is still being answered'
        : null
    const failed = cells.number(query, 'failed', row) ?? 0
    if (advice === null || !enough(view) || failed < total / 10) return []
    const action = say(
      cells,
      { query, row, id: `advice_${row + 1}`, of: status },
      `${advice}: {failed|requests} failed with {status}.`,
    )
    if (action === null) return []
    const impact = failed >= total / 2 ? 'high' : 'medium'
    return [{ action, impact, effort: 'low', risk: 'low', figure: `advice_${row + 1}_failed` } as const]
  })
}
