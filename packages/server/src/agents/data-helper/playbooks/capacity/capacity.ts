import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { listGroups } from '../say.ts'
import {
  arrivals,
  minuteQuantiles,
  minuteSeries,
  peakByModel,
  peakMinute,
  slidingPeak,
  tokensSql,
  zeroFillDays,
} from './capacity-sql.ts'

/** Where minutes cannot be filled with zeros, an average over the window still can be given. */
const fillable = (view: View) => view.span !== null && view.span.days <= zeroFillDays
/** Inside a minute only single requests with seconds can be ordered. */
const sliding = (view: View) => view.grain === 'request' && view.timeStep === 'second'

export const capacity: Playbook = {
  id: 'capacity',
  title: 'Capacity and rate limits',
  asks: [
    'What is our peak load in requests and tokens per minute?',
    'How close are we to our rate limits?',
    'What is our peak RPM and TPM?',
    'How bursty is our traffic?',
    'What throughput do we need to reserve?',
    'When is our busiest minute?',
  ],
  required: [
    {
      anyOf: ['time'],
      why: 'Load per minute is counted from the time of each request; sums of hours or days have lost it',
      unlocks: 'requests per minute, peaks and bursts',
    },
    {
      anyOf: ['input_tokens', 'total_tokens'],
      why: 'Most limits count input tokens as well as requests',
      unlocks: 'tokens per minute',
    },
  ],
  optional: [
    { anyOf: ['output_tokens'], why: 'Limits count output tokens too', unlocks: 'tokens per minute' },
    { anyOf: ['model'], why: 'Limits are set for each model', unlocks: 'peaks by model' },
    { anyOf: ['request_count'], why: 'How many requests a row sums', unlocks: 'requests per minute' },
    { anyOf: ['status'], why: 'Which requests were refused', unlocks: 'refusals at the peak' },
  ],
  grains: ['request', 'minute'],
  timeStep: 'minute',
  reductions: [
    {
      id: 'no_input_tokens',
      when: (view) => tokensSql(view) === null && !view.fields.has('input_tokens'),
      says: 'Requests per minute only: no column has the input tokens.',
      missing: 'input_tokens',
    },
    {
      id: 'no_output_tokens',
      when: (view) => tokensSql(view) === null && view.fields.has('input_tokens'),
      says: 'Tokens per minute are of the input only: no column has the output tokens.',
      missing: 'output_tokens',
    },
    {
      id: 'no_request_count',
      when: (view) => view.grain === 'minute' && !view.fields.has('request_count'),
      says: 'Requests per minute are not given: each row sums a minute, and no column says how many requests it had.',
      missing: 'request_count',
    },
  ],
  analyses: [
    { id: 'peak_minute', title: 'Peak minute', sql: peakMinute },
    { id: 'sliding_peak', title: 'Peak of any 60 seconds', when: sliding, sql: slidingPeak },
    { id: 'minute_quantiles', title: 'Quantiles over all minutes', when: fillable, sql: minuteQuantiles },
    {
      id: 'minute_series',
      title: 'Load per minute around the peak',
      sql: minuteSeries,
      chart: {
        mark: 'area',
        x: { column: 'minute', type: 'temporal', title: 'minute (UTC)' },
        y: { column: 'requests', type: 'quantitative', title: 'requests per minute' },
      },
    },
    { id: 'arrivals', title: 'Burstiness of arrivals', when: sliding, sql: arrivals },
    {
      id: 'peak_by_model',
      title: 'Peak minute by model',
      when: (view) => view.fields.has('model'),
      sql: peakByModel,
    },
  ],
  findings,
  caveats: [
    'Providers count differently (cached input in or out, output as generated or as requested, fixed or sliding minutes): compare these peaks with the rule of your own limit.',
  ],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const paragraphs = [peak(cells, view), ...window(cells), ...bursts(cells), ...models(cells)]
  return { figures: cells.figures, paragraphs, caveats: caveats(cells, view) }
}

function peak(cells: Cells, view: View): string {
  const figure = (id: string, label: string, column: string, unit: string) =>
    cells.cite({ id, label, query: 'peak_minute', column, unit })
  const counted = view.grain === 'request' || view.fields.has('request_count')
  const parts: string[] = []
  if (counted) {
    const requests = figure(
      'peak_rpm',
      'Peak requests per minute',
      'peak_requests_per_minute',
      'requests/min',
    )
    const at = figure('peak_rpm_minute', 'Minute of the request peak', 'peak_requests_minute', 'UTC')
    if (requests !== null) parts.push(`${requests} at ${at}`)
  }
  const tokens = figure('peak_tpm', 'Peak tokens per minute', 'peak_tokens_per_minute', 'tokens/min')
  const at = figure('peak_tpm_minute', 'Minute of the token peak', 'peak_tokens_minute', 'UTC')
  if (tokens !== null) parts.push(`${tokens} at ${at}`)
  const split = (['input', 'output'] as const).flatMap((kind) => {
    const value = figure(
      `peak_${kind}_tpm`,
      `Peak ${kind} tokens per minute`,
      `peak_${kind}_tokens_per_minute`,
      'tokens/min',
    )
    return value === null ? [] : [`${kind} ${value}`]
  })
  if (parts.length === 0 && split.length === 0) return 'No row has a time that can be read.'
  const detail = split.length === 0 ? '' : ` At their own peaks: ${split.join(', ')}.`
  return parts.length === 0 ? detail.trim() : `Peak load: ${parts.join(', ')}.${detail}`
}

function window(cells: Cells): readonly string[] {
  const figure = (id: string, label: string, column: string, unit: string, query = 'peak_minute') =>
    cells.cite({ id, label, query, column, unit })
  const active = figure('active_minutes', 'Minutes with traffic', 'active_minutes', 'minutes')
  const all = figure(
    'window_minutes',
    'Whole minutes from the first to the last request',
    'window_minutes',
    'minutes',
  )
  const mean = figure('mean_rpm', 'Mean over all minutes', 'mean_requests_per_minute', 'requests/min')
  if (active === null) return []
  const p95 = figure(
    'p95_rpm',
    'p95 over all minutes',
    'p95_requests_per_minute',
    'requests/min',
    'minute_quantiles',
  )
  const quantile = p95 === null ? '' : `, p95 ${p95}`
  return [
    `There was traffic in ${active} of the clock; from the first to the last request ${all} passed, with a mean of ${mean}${quantile}.`,
  ]
}

function bursts(cells: Cells): readonly string[] {
  const requests = cells.cite({
    id: 'sliding_rpm',
    label: 'Peak requests in any 60 seconds',
    query: 'sliding_peak',
    column: 'sliding_requests_60s',
    unit: 'requests/min',
  })
  if (requests === null) return []
  const tokens = cells.cite({
    id: 'sliding_tpm',
    label: 'Peak tokens in any 60 seconds',
    query: 'sliding_peak',
    column: 'sliding_tokens_60s',
    unit: 'tokens/min',
  })
  const cv = cells.cite({
    id: 'arrivals_cv',
    label: 'Variation of the gaps between requests',
    query: 'arrivals',
    column: 'arrivals_cv',
    unit: '',
  })
  const burst =
    cv === null
      ? ''
      : ` The gaps between requests vary by ${cv} (1 is a random stream, more comes in bursts).`
  return [
    `In any 60 seconds, not only whole minutes, the peak is ${requests}${tokens === null ? '' : ` and ${tokens}`}.${burst}`,
  ]
}

function models(cells: Cells): readonly string[] {
  if (cells.rows('peak_by_model') < 2) return []
  const groups = listGroups(cells, {
    query: 'peak_by_model',
    name: 'model',
    id: 'peak_model',
    most: 3,
    parts: [' {peak_requests_per_minute|requests/min}'],
  })
  return groups === null ? [] : [`By model, each at its own peak: ${groups}.`]
}

const minutesOfDay = 1_440

function caveats(cells: Cells, view: View): readonly string[] {
  const found: string[] = []
  const minutes = cells.number('peak_minute', 'window_minutes')
  if (minutes !== null && minutes < minutesOfDay)
    found.push(`The data covers ${minutes} minutes; a whole day at peak may be higher.`)
  if (view.outcomeKnown) found.push('Failed and refused requests are counted: they are load as well.')
  return found
}
