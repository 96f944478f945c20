import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, Playbook, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { impactOf } from '../recommend.ts'
import { paragraph, say } from '../say.ts'
import { has } from '../sql-parts.ts'
import {
  atMaximum,
  lengthCaps,
  lengthHistogram,
  lengthQuantiles,
  lengthRows,
  lengthsByFeature,
  truncatedAnswers,
} from './lengths-sql.ts'

const enough = (view: View) => view.rows >= lengthRows
const named = 3

export const lengthsTruncation: Playbook = {
  id: 'lengths_truncation',
  title: 'Lengths and truncation',
  asks: [
    'Are answers being cut off?',
    'How many responses hit the token limit?',
    'How long are our prompts and answers?',
    'Which feature is truncated most often?',
    'Is max_tokens too low?',
    'What does the distribution of prompt lengths look like?',
  ],
  required: [
    {
      anyOf: ['input_tokens'],
      why: 'How long prompts are shows where they run into a context limit',
      unlocks: 'lengths of the input and caps on it',
    },
    {
      anyOf: ['output_tokens'],
      why: 'How long answers are shows where they are cut',
      unlocks: 'lengths of the output and caps on it',
    },
  ],
  optional: [
    { anyOf: ['finish_reason'], why: 'Why the answer ended', unlocks: 'how many answers were cut, for sure' },
    { anyOf: ['max_tokens'], why: 'How long the answer might be', unlocks: 'answers as long as allowed' },
    { anyOf: ['feature'], why: 'What the request was for', unlocks: 'lengths by feature' },
    { anyOf: ['status'], why: 'Which requests failed', unlocks: 'successful requests only' },
  ],
  grains: ['request'],
  timeStep: 'day',
  reductions: [
    {
      id: 'no_input',
      when: (view) => !view.fields.has('input_tokens') && view.fields.has('output_tokens'),
      says: 'Only the output is measured: no column has the input tokens.',
      missing: 'input_tokens',
    },
    {
      id: 'no_output',
      when: (view) => !view.fields.has('output_tokens') && view.fields.has('input_tokens'),
      says: 'Only the input is measured: no column has the output tokens.',
      missing: 'output_tokens',
    },
    {
      id: 'few_rows',
      when: (view) => !enough(view),
      says: `Only the lengths are shown: a cap shows from ${lengthRows} rows on.`,
      missing: null,
    },
  ],
  analyses: [
    { id: 'length_quantiles', title: 'Lengths in tokens', sql: lengthQuantiles },
    {
      id: 'truncated_answers',
      title: 'Answers cut by a token limit',
      when: has('finish_reason'),
      sql: truncatedAnswers,
    },
    {
      id: 'at_maximum',
      title: 'Answers as long as allowed',
      when: has('max_tokens', 'output_tokens'),
      sql: atMaximum,
    },
    { id: 'length_caps', title: 'Lengths at which many requests end', when: enough, sql: lengthCaps },
    { id: 'lengths_by_feature', title: 'Lengths by feature', when: has('feature'), sql: lengthsByFeature },
    {
      id: 'length_histogram',
      title: 'Requests by length',
      sql: lengthHistogram,
      chart: {
        mark: 'line',
        x: {
          column: 'from_tokens',
          type: 'quantitative',
          title: 'tokens (from, each step doubles)',
          scale: 'log',
        },
        y: { column: 'rows', type: 'quantitative', title: 'requests' },
        color: { column: 'kind', type: 'nominal', title: '' },
      },
    },
  ],
  findings,
  caveats: [],
}

function findings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const lengths = Array.from({ length: cells.rows('length_quantiles') }, (_, row) =>
    say(
      cells,
      {
        query: 'length_quantiles',
        row,
        id: `length_${row + 1}`,
        of: String(cells.value('length_quantiles', 'kind', row)),
      },
      'Length of the {kind}: p50 {p50_tokens|tokens}, p95 {p95_tokens|tokens}, p99 {p99_tokens|tokens}, at most {max_tokens|tokens}.',
    ),
  )
  return {
    figures: cells.figures,
    paragraphs: [
      ...truncated(cells, view),
      ...maximum(cells),
      ...caps(cells, view),
      ...paragraph(...lengths),
    ],
    caveats: [],
    recommendations: recommend(cells, view),
  }
}

function cutRows(cells: Cells): readonly number[] {
  return Array.from({ length: cells.rows('truncated_answers') }, (_, row) => row).filter(
    (row) => (cells.number('truncated_answers', 'truncated', row) ?? 0) > 0,
  )
}

function truncated(cells: Cells, view: View): readonly string[] {
  if (!view.fields.has('finish_reason')) return []
  const rows = cutRows(cells)
  if (rows.length === 0) return ['No answer was cut by a token limit: no finish reason says so.']
  const sentences = rows.slice(0, named).map((row) =>
    say(
      cells,
      {
        query: 'truncated_answers',
        row,
        id: `cut_${row + 1}`,
        of: String(cells.value('truncated_answers', 'feature', row)),
      },
      '{feature}: {truncated|answers} of {rows|answers} were cut by a token limit ({truncated_percent|%}).',
    ),
  )
  const more =
    rows.length > named ? `${rows.length - named} more features with cut answers are in the table.` : null
  return paragraph(...sentences, more)
}

function maximum(cells: Cells): readonly string[] {
  if ((cells.number('at_maximum', 'at_maximum') ?? 0) === 0) return []
  return paragraph(
    say(
      cells,
      { query: 'at_maximum' },
      '{feature}: {at_maximum|answers} of {rows|answers} are as long as they were allowed to be ({at_maximum_percent|%}).',
    ),
  )
}

function caps(cells: Cells, view: View): readonly string[] {
  const count = cells.rows('length_caps')
  if (count === 0) return enough(view) ? ['No length stands out at which many requests end.'] : []
  const sentences = Array.from({ length: Math.min(count, named) }, (_, row) => {
    const of = String(cells.value('length_caps', 'feature', row))
    const place = { query: 'length_caps', row, id: `cap_${row + 1}`, of }
    const exact =
      cells.value('length_caps', 'from_tokens', row) === cells.value('length_caps', 'to_tokens', row)
    const where = exact ? 'exactly {to_tokens|tokens}' : '{from_tokens|} to {to_tokens|tokens}'
    const whose = of === 'all requests' ? '' : ' of {feature}'
    return say(
      cells,
      place,
      `{rows|requests}${whose} ({share_percent|%}) have ${where} of {kind}, and next to none have more: a cap.`,
    )
  })
  const suspicion = view.fields.has('finish_reason')
    ? null
    : 'Without finish reasons a cap is a suspicion: the requests may have been cut, or end there by design.'
  return paragraph(...sentences, suspicion)
}

function recommend(cells: Cells, view: View): NonNullable<Findings['recommendations']> {
  if (!view.fields.has('finish_reason')) return []
  return cutRows(cells)
    .slice(0, named)
    .flatMap((row) => {
      const place = {
        query: 'truncated_answers',
        row,
        id: `uncut_${row + 1}`,
        of: String(cells.value('truncated_answers', 'feature', row)),
      }
      const action = say(
        cells,
        place,
        'Raise the token limit of {feature}, or ask it for shorter answers: {truncated_percent|%} of its answers end in the middle.',
      )
      if (action === null) return []
      const impact = impactOf(
        cells.number('truncated_answers', 'truncated', row),
        cells.number('truncated_answers', 'rows', row),
      )
      return [
        { action, impact, effort: 'low', risk: 'low', figure: `uncut_${row + 1}_truncated_percent` } as const,
      ]
    })
}
