import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { listGroups } from '../say.ts'
import { quantileMinimums } from './latency-sql.ts'

/** Windows and models named in the text; the tables have them all. */
const named = 3

/** Answers this much longer in the tail than elsewhere make length a cause of it. */
const longerInTail = 1.5

export function latencyFindings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const paragraphs = [
    overall(cells, view),
    ...windows(cells, view),
    ...tail(cells),
    ...models(cells),
    ...speed(cells),
  ]
  return { figures: cells.figures, paragraphs, caveats: caveats(cells, view) }
}

function overall(cells: Cells, view: View): string {
  const figure = (id: string, label: string, column: string, unit: string) =>
    cells.cite({ id, label, query: 'latency_overall', column, unit })
  const rows = figure('good_rows', 'Successful requests measured', 'good_rows', 'rows')
  const p50 = figure('p50', 'Latency p50', 'p50_ms', 'ms')
  if (p50 === null) return 'No successful request has a latency that can be read.'
  const p95 = figure('p95', 'Latency p95', 'p95_ms', 'ms')
  const p99 = figure('p99', 'Latency p99', 'p99_ms', 'ms')
  const quantiles = [
    `p50 ${p50}`,
    ...(p95 === null ? [] : [`p95 ${p95}`]),
    ...(p99 === null ? [] : [`p99 ${p99}`]),
  ]
  const whom = view.outcomeKnown ? 'successful requests' : 'requests'
  const failed =
    view.outcomeKnown && (cells.number('latency_overall', 'failed_rows') ?? 0) > 0
      ? ` ${figure('failed_rows', 'Failed requests left out', 'failed_rows', 'rows')} of failed requests are left out: they end early or time out.`
      : ''
  return `Latency of ${whom}: ${quantiles.join(', ')} (${rows}).${failed}`
}

function windows(cells: Cells, view: View): readonly string[] {
  if (!view.fields.has('time') || view.timeStep === 'day') return []
  const count = cells.rows('slow_windows')
  if (count === 0)
    return [
      'No hour stands out: no model was at least twice as slow as usual for long enough to tell it from chance.',
    ]
  const expected = view.fields.has('output_tokens') ? 'usual for answers of that length' : 'usual'
  const sentences = Array.from({ length: Math.min(count, named) }, (_, row) => {
    const figure = (id: string, label: string, column: string, unit: string) =>
      cells.cite({ id: `slow_${row + 1}_${id}`, label, query: 'slow_windows', column, unit, row })
    const model = figure('model', 'Slow model', 'model', '')
    const from = figure('from', 'Slow from', 'slow_from', 'UTC')
    const to = figure('to', 'Slow until', 'slow_to', 'UTC')
    const times = figure('times', 'Times the usual latency', 'times_usual', '×')
    const requests = figure('requests', 'Requests in the slow window', 'requests', 'requests')
    const median = figure('median', 'Median latency in the slow window', 'median_ms', 'ms')
    const usual = figure('usual', 'Usual median latency of the model', 'usual_median_ms', 'ms')
    return `${model} was slow from ${from} to ${to}: ${times} what is ${expected}, a median of ${median} against ${usual} (${requests}).`
  })
  const more = count > named ? [`${count - named} more such windows are in the table.`] : []
  return [['Slow window:', ...sentences, ...more].join(' ')]
}

function tail(cells: Cells): readonly string[] {
  const parts: string[] = []
  const inTail = cells.number('tail_length', 'tail_median_output_tokens')
  const elsewhere = cells.number('tail_length', 'other_median_output_tokens')
  if (inTail !== null && elsewhere !== null) {
    const long = cells.cite({
      id: 'tail_output_tokens',
      label: 'Median output tokens of the slowest 5 %',
      query: 'tail_length',
      column: 'tail_median_output_tokens',
      unit: 'tokens',
    })
    const short = cells.cite({
      id: 'other_output_tokens',
      label: 'Median output tokens of the rest',
      query: 'tail_length',
      column: 'other_median_output_tokens',
      unit: 'tokens',
    })
    parts.push(
      inTail >= elsewhere * longerInTail
        ? `The slowest 5 % are mostly long answers: a median of ${long} of output against ${short} for the rest.`
        : `The slowest 5 % are not longer answers: a median of ${long} of output against ${short} for the rest.`,
    )
  }
  const model = cells.cite({
    id: 'tail_model',
    label: 'Model with most of the tail',
    query: 'tail_by_model',
    column: 'model',
    unit: '',
  })
  if (model !== null && cells.rows('tail_by_model') > 1) {
    const share = cells.cite({
      id: 'tail_share',
      label: 'Its share of the slowest 5 %',
      query: 'tail_by_model',
      column: 'share_of_tail_percent',
      unit: '%',
    })
    const all = cells.cite({
      id: 'tail_requests_share',
      label: 'Its share of all requests',
      query: 'tail_by_model',
      column: 'share_of_requests_percent',
      unit: '%',
    })
    parts.push(`${model} makes ${share} of them and ${all} of all requests.`)
  }
  return parts.length === 0 ? [] : [parts.join(' ')]
}

function models(cells: Cells): readonly string[] {
  if (cells.rows('latency_by_model') < 2) return []
  const parts = [' p50 {p50_ms|ms}', ' and p95 {p95_ms|ms}']
  const groups = listGroups(cells, {
    query: 'latency_by_model',
    name: 'model',
    id: 'model',
    most: named,
    parts,
  })
  return groups === null ? [] : [`By model: ${groups}.`]
}

function speed(cells: Cells): readonly string[] {
  const sentences = Array.from({ length: Math.min(cells.rows('speed_by_model'), named) }, (_, row) => {
    const figure = (id: string, label: string, column: string, unit: string) =>
      cells.cite({ id: `speed_${row + 1}_${id}`, label, query: 'speed_by_model', column, unit, row })
    const model = String(cells.value('speed_by_model', 'model', row))
    const firstToken = figure('ttft', `Time to first token p50 of ${model}`, 'ttft_p50_ms', 'ms')
    const generation = figure('generation', `Generation p50 of ${model}`, 'generation_p50_ms', 'ms')
    const pace = figure(
      'pace',
      `ms per output token of ${model}`,
      'ms_per_output_token_p50',
      'ms per output token',
    )
    const parts = [
      ...(firstToken === null ? [] : [`first token after ${firstToken}`]),
      ...(generation === null ? [] : [`then ${generation} of generation`]),
      ...(pace === null ? [] : [`${pace}`]),
    ]
    return parts.length === 0 ? '' : `${figure('model', 'Model', 'model', '')}: ${parts.join(', ')}`
  }).filter((sentence) => sentence !== '')
  return sentences.length === 0 ? [] : [`Pace at the median: ${sentences.join('; ')}.`]
}

function caveats(cells: Cells, view: View): readonly string[] {
  const found: string[] = []
  if (!view.outcomeKnown)
    found.push('The data does not say which requests failed, so failed ones are counted like any other.')
  const good = cells.number('latency_overall', 'good_rows') ?? 0
  if (view.rows >= quantileMinimums.p95 && good < quantileMinimums.p95)
    found.push(`Only ${good} rows are usable, too few for p95 (${quantileMinimums.p95}).`)
  else if (view.rows >= quantileMinimums.p99 && good < quantileMinimums.p99)
    found.push(`Only ${good} rows are usable, too few for p99 (${quantileMinimums.p99}).`)
  const without = cells.number('latency_overall', 'rows_without_latency') ?? 0
  if (without > 0) found.push(`${without} rows that did not fail have no latency and are left out.`)
  if (view.fields.has('time') && view.timeStep === 'day')
    found.push('Times are dates only, so slow hours cannot be found.')
  return found
}
