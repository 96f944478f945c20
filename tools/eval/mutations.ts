import type { PlaybookId } from '../../packages/server/src/agents/data-helper/playbook.ts'
import type { TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import { cellsSaid, figuresOf, plantedIn, type Truth } from './answers.ts'
import { type Result, result, type Said } from './score.ts'
import { verdictSaid } from './verdicts.ts'

/** A file as its header and its rows of text. */
export interface Sheet {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function sheetOf(csv: string): Sheet {
  const [header = '', ...lines] = csv.trimEnd().split('\n')
  return { columns: header.split(','), rows: lines.map((line) => line.split(',')) }
}

export const csvOf = ({ columns, rows }: Sheet): string =>
  `${[columns, ...rows].map((row) => row.join(',')).join('\n')}\n`

/** A column under another name, each value changed; the row is at hand for values that depend on others. */
export function changed(
  sheet: Sheet,
  column: string,
  name: string,
  value: (text: string, row: (column: string) => string) => string,
): Sheet {
  const at = sheet.columns.indexOf(column)
  if (at === -1) throw new Error(`There is no column ${column}`)
  return {
    columns: sheet.columns.map((each) => (each === column ? name : each)),
    rows: sheet.rows.map((row) =>
      row.map((text, index) =>
        index === at ? value(text, (other) => row[sheet.columns.indexOf(other)] ?? '') : text,
      ),
    ),
  }
}

export const without = (sheet: Sheet, ...names: readonly string[]): Sheet => {
  const kept = sheet.columns
    .map((name, index) => ({ name, index }))
    .filter(({ name }) => !names.includes(name))
  return {
    columns: kept.map(({ name }) => name),
    rows: sheet.rows.map((row) => kept.map(({ index }) => row[index] ?? '')),
  }
}

interface Mutation {
  readonly name: string
  readonly playbook: PlaybookId
  readonly sheet: (sheet: Sheet) => Sheet
  /** What has to be asked; null: the answer stays the truth. */
  readonly asks: Said | null
  /** The answer to the question, after which the truth has to come. */
  readonly choice?: readonly [string, string]
}

const times = (factor: number) => (text: string) =>
  text === '' ? '' : String(Number((Number(text) * factor).toPrecision(12)))
const question = (id: string): Said => ({ kind: 'question', id })

export const mutations: readonly Mutation[] = [
  {
    name: 'latency in seconds, by its name',
    playbook: 'latency_tail',
    sheet: (sheet) => changed(sheet, 'latency_ms', 'latency_s', times(0.001)),
    asks: null,
  },
  {
    name: 'latency in seconds, by its size',
    playbook: 'latency_tail',
    sheet: (sheet) => changed(sheet, 'latency_ms', 'latency', times(0.001)),
    asks: null,
  },
  {
    name: 'latency in milliseconds, by its size',
    playbook: 'latency_tail',
    sheet: (sheet) => changed(sheet, 'latency_ms', 'latency', (text) => text),
    asks: null,
  },
  {
    name: 'latency of no stated unit, without tokens to hold it against',
    playbook: 'latency_tail',
    sheet: (sheet) =>
      without(
        changed(sheet, 'latency_ms', 'duration', (text) => text),
        'completion_tokens',
        'ttft_ms',
      ),
    asks: question('unit:duration'),
    choice: ['unit:duration', 'ms'],
  },
  {
    name: 'milliseconds that are called seconds',
    playbook: 'latency_tail',
    sheet: (sheet) => changed(sheet, 'latency_ms', 'latency_s', (text) => text),
    asks: question('unit:latency_s'),
    choice: ['unit:latency_s', 'ms'],
  },
  {
    name: 'cost in cents, by its name',
    playbook: 'cost_breakdown',
    sheet: (sheet) => changed(sheet, 'cost_usd', 'cost_cents', times(100)),
    asks: null,
  },
  {
    name: 'cost in micro-dollars, by its name',
    playbook: 'cost_breakdown',
    sheet: (sheet) => changed(sheet, 'cost_usd', 'cost_microusd', times(1e6)),
    asks: null,
  },
  {
    name: 'cost as $0.01',
    playbook: 'cost_breakdown',
    sheet: (sheet) => changed(sheet, 'cost_usd', 'cost', (text) => `$${Number(text).toFixed(9)}`),
    asks: null,
  },
  {
    name: 'cost in cents that nothing says',
    playbook: 'cost_breakdown',
    sheet: (sheet) => changed(sheet, 'cost_usd', 'cost', times(100)),
    asks: question('unit:cost'),
    choice: ['unit:cost', 'cents'],
  },
  {
    name: 'cents that are called dollars',
    playbook: 'cost_breakdown',
    sheet: (sheet) => changed(sheet, 'cost_usd', 'cost_usd', times(100)),
    asks: question('unit:cost_usd'),
    choice: ['unit:cost_usd', 'cents'],
  },
  {
    name: 'cached input counted apart, estimated cost',
    playbook: 'cost_breakdown',
    sheet: (sheet) =>
      without(
        changed(sheet, 'prompt_tokens', 'prompt_tokens', (text, row) =>
          String(Number(text) - Number(row('cached_tokens'))),
        ),
        'cost_usd',
      ),
    asks: null,
  },
  {
    name: 'cached input counted within, estimated cost',
    playbook: 'cost_breakdown',
    sheet: (sheet) => without(sheet, 'cost_usd'),
    asks: null,
  },
  {
    name: 'times as Unix seconds',
    playbook: 'month_over_month',
    sheet: (sheet) => changed(sheet, 'timestamp', 'timestamp', (text) => String(Date.parse(text) / 1_000)),
    asks: null,
  },
  {
    name: 'times as Unix milliseconds',
    playbook: 'latency_tail',
    sheet: (sheet) => changed(sheet, 'timestamp', 'ts', (text) => String(Date.parse(text))),
    asks: null,
  },
]

const day = (text: string) => text.slice(0, 10)

/** The rows of a day, model, tenant and feature added up: what a bill shows. */
function daily(sheet: Sheet): Sheet {
  const at = (name: string) => sheet.columns.indexOf(name)
  const sums = new Map<string, [number, number, number, number]>()
  for (const row of sheet.rows) {
    const key = [
      day(row[at('timestamp')] ?? ''),
      ...['model', 'tenant', 'feature'].map((name) => row[at(name)] ?? ''),
    ].join(',')
    const sum = sums.get(key) ?? [0, 0, 0, 0]
    sum[0] += 1
    sum[1] += Number(row[at('prompt_tokens')])
    sum[2] += Number(row[at('completion_tokens')])
    sum[3] += Number(row[at('cost_usd')])
    sums.set(key, sum)
  }
  return {
    columns: [
      'date',
      'model',
      'tenant',
      'feature',
      'num_requests',
      'input_tokens',
      'output_tokens',
      'cost_usd',
    ],
    rows: [...sums].map(([key, [requests, input, output, cost]]) => [
      ...key.split(','),
      String(requests),
      String(input),
      String(output),
      cost.toFixed(9),
    ]),
  }
}

export async function unitMutations(files: TestFiles, csv: string, known: Truth): Promise<readonly Result[]> {
  const sheet = sheetOf(csv)
  const planted = plantedIn(known)
  const results: Result[] = []
  for (const { name, playbook, sheet: change, asks, choice } of mutations) {
    const expect = planted[playbook] ?? {}
    const profile = await files.profile('changed.csv', csvOf(change(sheet)))
    results.push(
      result('units', name, asks ?? figuresOf(expect), await cellsSaid(files, playbook, [profile], expect)),
    )
    if (choice !== undefined)
      results.push(
        result(
          'units',
          `${name}, once chosen`,
          figuresOf(expect),
          await cellsSaid(files, playbook, [profile], expect, new Map([choice])),
        ),
      )
  }
  const sums = await files.profile('daily.csv', csvOf(daily(sheet)))
  const grain: readonly (readonly [PlaybookId, Said])[] = [
    ['latency_tail', { kind: 'request', fields: ['latency_ms'] }],
    ['capacity', { kind: 'request', fields: ['time'] }],
    ['lengths_truncation', { kind: 'request', fields: ['output_tokens'] }],
    ['down_shift', { kind: 'request', fields: ['output_tokens'] }],
    ['batch_eligibility', { kind: 'request', fields: ['time'] }],
    ['cost_breakdown', { kind: 'answer', figures: { verdict: 'sufficient', asks: '' } }],
    ['month_over_month', { kind: 'answer', figures: { verdict: 'sufficient', asks: '' } }],
  ]
  for (const [id, said] of grain)
    results.push(result('units', `sums of days: ${id}`, said, verdictSaid(id, sums)))
  return results
}

/** Two columns that could be meant: the user is asked, unless they say the same. */
export async function levelColumns(files: TestFiles, csv: string): Promise<readonly Result[]> {
  const sheet = sheetOf(csv)
  const twin = (column: string, name: string, value: (text: string) => string): Sheet => {
    const at = sheet.columns.indexOf(column)
    return {
      columns: [...sheet.columns, name],
      rows: sheet.rows.map((row) => [...row, value(row[at] ?? '')]),
    }
  }
  const more = (text: string) => String(Number(text) * 1.07)
  const same = (text: string) => text
  const still: Said = { kind: 'answer', figures: { verdict: 'sufficient', asks: '' } }
  const cases: readonly (readonly [string, PlaybookId, Sheet, Said])[] = [
    [
      'cost_usd and total_cost',
      'cost_breakdown',
      twin('cost_usd', 'total_cost', more),
      question('column:cost_usd'),
    ],
    ['cost_usd and its copy', 'cost_breakdown', twin('cost_usd', 'total_cost', same), still],
    [
      'latency_ms and duration_ms',
      'latency_tail',
      twin('latency_ms', 'duration_ms', more),
      question('column:latency_ms'),
    ],
    [
      'prompt_tokens and input_tokens',
      'capacity',
      twin('prompt_tokens', 'input_tokens', (text) => String(Number(text) + 12)),
      question('column:input_tokens'),
    ],
    [
      'completion_tokens and output_tokens',
      'lengths_truncation',
      twin('completion_tokens', 'output_tokens', (text) => String(Number(text) + 3)),
      question('column:output_tokens'),
    ],
    [
      'model and model_name',
      'down_shift',
      twin('model', 'model_name', (text) => `${text}-x`),
      question('column:model'),
    ],
    [
      'timestamp and created_at',
      'month_over_month',
      twin('timestamp', 'created_at', (text) => new Date(Date.parse(text) + 86_400_000).toISOString()),
      question('column:time'),
    ],
    ['a second cost nobody asks about', 'latency_tail', twin('cost_usd', 'total_cost', more), still],
  ]
  const results: Result[] = []
  for (const [name, id, changedSheet, said] of cases) {
    const profile = await files.profile('level.csv', csvOf(changedSheet))
    results.push(result('two level columns', `${id}: ${name}`, said, verdictSaid(id, profile)))
  }
  return results
}
