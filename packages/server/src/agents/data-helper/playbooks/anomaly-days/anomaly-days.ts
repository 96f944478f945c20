import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { paragraph, say } from '../say.ts'
import {
  anomalyDimensions,
  anomalyDrivers,
  anomalyList,
  anomalyRanking,
  anomalySeries,
  anomalyTotals,
  anomalyDays as leastDays,
  measuresOf,
} from './anomaly-sql.ts'

const named = 3
const enough = (view: View) => view.span === null || view.span.days >= leastDays

export const anomalyDays: Playbook = {
  id: 'anomaly_days',
  title: 'Days that stand out',
  asks: [
    'Which days stand out?',
    'Was there anything unusual?',
    'Are there anomalies in our usage?',
    'What happened on the day of the spike?',
    'Did any day look strange?',
    'Find outlier days in cost and requests',
  ],
  required: [
    {
      anyOf: ['time'],
      why: 'A day is compared with other days of its kind',
      unlocks: 'days that stand out',
    },
    {
      anyOf: ['cost_usd', 'request_count'],
      metWhere: (view) => view.grain === 'request',
      why: 'What is watched is the cost or the requests of each day',
      unlocks: 'what a day is measured by',
    },
  ],
  optional: [
    { anyOf: ['cost_usd'], why: 'What each day cost', unlocks: 'days that cost more than usual' },
    {
      anyOf: ['request_count'],
      why: 'How many requests a row sums',
      unlocks: 'days with more requests than usual',
    },
    { anyOf: ['model'], why: 'Which model', unlocks: 'what a day is made of' },
    { anyOf: ['tenant'], why: 'Who', unlocks: 'what a day is made of' },
    { anyOf: ['feature'], why: 'What for', unlocks: 'what a day is made of' },
    { anyOf: ['status'], why: 'How it ended', unlocks: 'failures behind a day' },
    { anyOf: ['api_key'], why: 'Which key', unlocks: 'what a day is made of' },
    { anyOf: ['user'], why: 'Which user', unlocks: 'what a day is made of' },
    { anyOf: ['input_tokens'], why: 'What was read', unlocks: 'an estimate without a cost' },
    { anyOf: ['output_tokens'], why: 'What was written', unlocks: 'an estimate without a cost' },
  ],
  grains: ['request', 'minute', 'hour', 'day'],
  timeStep: 'day',
  reductions: [
    {
      id: 'few_days',
      when: (view) => !enough(view),
      says: `Days are ranked and none is called unusual: that needs ${leastDays} days.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'anomaly_totals', title: 'Days in the data', sql: anomalyTotals },
    { id: 'anomaly_days', title: 'Days that stand out', when: enough, sql: anomalyList },
    {
      id: 'anomaly_drivers',
      title: 'What these days are made of',
      when: (view) => enough(view) && anomalyDimensions(view).length > 0,
      sql: anomalyDrivers,
    },
    { id: 'anomaly_ranking', title: 'Days by size', when: (view) => !enough(view), sql: anomalyRanking },
    {
      id: 'anomaly_series',
      title: 'Each day, and those that stand out',
      when: enough,
      sql: anomalySeries,
      chart: {
        mark: 'point',
        x: { column: 'day', type: 'temporal', title: 'day (UTC)' },
        y: { column: 'value', type: 'quantitative', title: 'per day' },
        color: { column: 'stands_out', type: 'nominal', title: 'stands out' },
      },
    },
  ],
  findings,
  caveats: ['A day is compared with the median of the same weekday; a few weeks make a weak baseline.'],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  if (!enough(view)) {
    const unit = units[measuresOf(view)[0] ?? 'requests']
    return {
      figures: cells.figures,
      paragraphs: paragraph(
        say(cells, { query: 'anomaly_ranking' }, `The largest day is {day|UTC} with {value|${unit}}.`),
      ),
      caveats: [],
    }
  }
  const count = cells.rows('anomaly_days')
  const total = say(cells, { query: 'anomaly_totals' }, '{days|days} were looked at.')
  if (count === 0)
    return {
      figures: cells.figures,
      paragraphs: paragraph(total, 'None of them stands out from others of its weekday.'),
      caveats: [],
    }
  const sentences = Array.from({ length: Math.min(count, named) }, (_, row) => dayText(cells, row))
  const more = count > named ? `${count - named} more are in the table.` : null
  return { figures: cells.figures, paragraphs: [...paragraph(total, ...sentences, more)], caveats: [] }
}

const units = { requests: 'requests', cost: 'USD' } as const

function dayText(cells: Cells, row: number): string | null {
  const query = 'anomaly_days'
  const measure = cells.value(query, 'measure', row) === 'cost' ? 'cost' : 'requests'
  const unit = units[measure]
  const day = cells.value(query, 'day', row)
  const text = say(
    cells,
    { query, row, id: `anomaly_${row + 1}`, of: String(day) },
    `{day|UTC} stands out by its ${measure}: {value|${unit}} where {usual|${unit}} is usual for a {weekday}.`,
  )
  const drivers = Array.from({ length: cells.rows('anomaly_drivers') }, (_, at) => at).filter(
    (at) =>
      cells.value('anomaly_drivers', 'day', at) === day &&
      cells.value('anomaly_drivers', 'measure', at) === measure,
  )
  // The first of each dimension is the largest.
  const seen = new Set<unknown>()
  const parts = drivers.flatMap((at) => {
    const dimension = cells.value('anomaly_drivers', 'dimension', at)
    if (seen.has(dimension) || seen.size >= 4) return []
    seen.add(dimension)
    const place = {
      query: 'anomaly_drivers',
      row: at,
      id: `driver_${at + 1}`,
      of: String(cells.value('anomaly_drivers', 'item', at)),
    }
    return (
      say(cells, place, `${dimension} {item} ({value|${unit}}, a week before {week_before|${unit}})`) ?? []
    )
  })
  return parts.length === 0 ? text : `${text} Most of the difference: ${parts.join(', ')}.`
}
