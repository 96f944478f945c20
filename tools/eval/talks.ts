import {
  openConversation,
  type Turn,
} from '../../packages/server/src/agents/data-helper/testing/conversation.ts'
import type { TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
import type { Truth } from './answers.ts'
import type { Sheet } from './mutations.ts'
import { type Result, result, type Said } from './score.ts'

/** What a turn says, with the cells that are looked for: the first figure whose query and column fit. */
export function said(turn: Turn, cells: Readonly<Record<string, readonly [string, string]>>): Said {
  if (turn.outcome === 'failed') return { kind: 'nothing', why: turn.text }
  if (turn.report === null) {
    const { request } = turn
    if (request?.question !== undefined) return { kind: 'question', id: request.question.id }
    return { kind: 'request', fields: request?.items.map(({ field }) => field) ?? [] }
  }
  const { queries } = turn.report
  const figures = Object.entries(cells).map(([name, [query, column]]) => {
    const found = queries.find(({ id }) => id === query)
    return [name, found?.rows[0]?.[found.columns.indexOf(column)] ?? null]
  })
  return { kind: 'answer', figures: { ...Object.fromEntries(figures), playbook: turn.report.playbook } }
}

interface Case {
  readonly question: string
  readonly expected: Said
  readonly cells: Readonly<Record<string, readonly [string, string]>>
}

/** The same figures from the rows themselves, by other means than SQL. */
function counted(sheet: Sheet) {
  const at = (row: readonly string[], column: string) => row[sheet.columns.indexOf(column)] ?? ''
  const sum = (keep: (get: (column: string) => string) => boolean) =>
    sheet.rows
      .filter((row) => keep((column) => at(row, column)))
      .reduce((total, row) => total + Number(at(row, 'cost_usd')), 0)
  const count = (keep: (get: (column: string) => string) => boolean) =>
    sheet.rows.filter((row) => keep((column) => at(row, column))).length
  const most = (column: string) => Math.max(...sheet.rows.map((row) => Number(at(row, column))))
  return { sum: (keep: Parameters<typeof sum>[0]) => Number(sum(keep).toFixed(6)), count, most }
}

const answer = (figures: Readonly<Record<string, unknown>>): Said => ({ kind: 'answer', figures })

/** Questions about some rows, superlatives, counts with a condition: answered as asked. */
export function limitedCases(sheet: Sheet): readonly Case[] {
  const { sum, count, most } = counted(sheet)
  const total = { total: ['cost_total', 'cost_usd'] } as const
  const cost = (question: string, keep: Parameters<typeof sum>[0]): Case => ({
    question,
    expected: answer({ total: sum(keep), playbook: 'cost_breakdown' }),
    cells: total,
  })
  const october = (get: (column: string) => string) => get('timestamp').startsWith('2026-10')
  const figure = (question: string, column: string, value: number): Case => ({
    question,
    expected: answer({ value, playbook: 'any_table' }),
    cells: { value: ['answer', column] },
  })
  return [
    cost('Where did the money go in October?', october),
    cost('break down the spend excluding acme', (get) => get('tenant') !== 'acme'),
    cost('where does the money go, only gpt-5-mini', (get) => get('model') === 'gpt-5-mini'),
    cost(
      'where did the money go in October, without globex',
      (get) => october(get) && get('tenant') !== 'globex',
    ),
    cost('cost breakdown for requests over 5 seconds', (get) => Number(get('latency_ms')) > 5_000),
    cost('cost breakdown of failed requests', (get) => Number(get('status')) >= 400),
    {
      question: 'Where did the money go in August?',
      expected: { kind: 'question', id: 'whole' },
      cells: total,
    },
    {
      question: 'break down the spend excluding umbrella',
      expected: { kind: 'question', id: 'whole' },
      cells: total,
    },
    figure(
      'how many requests cost more than 1 cent',
      'rows',
      count((get) => Number(get('cost_usd')) > 0.01),
    ),
    figure(
      'how many requests took longer than 10 seconds',
      'rows',
      count((get) => Number(get('latency_ms')) > 10_000),
    ),
    figure('most expensive request', 'max_cost_usd', most('cost_usd')),
    figure('the slowest request', 'max_latency_ms', most('latency_ms')),
    {
      question: 'cheapest model',
      expected: answer({ model: 'gpt-5-mini', playbook: 'any_table' }),
      cells: { model: ['answer', 'model'] },
    },
    {
      question: 'which feature is the most expensive',
      expected: answer({ feature: 'nightly_summaries', playbook: 'any_table' }),
      cells: { feature: ['answer', 'feature'] },
    },
  ]
}

export async function limitedQuestions(
  files: TestFiles,
  profile: FileProfile,
  sheet: Sheet,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const { question, expected, cells } of limitedCases(sheet)) {
    const turn = await openConversation(files).say(question, profile)
    results.push(result('some rows only', question, expected, said(turn, cells)))
  }
  return results
}

/** The missing file arrives in the same thread, or the question is answered: the answer is the truth. */
export async function secondTurns(
  files: TestFiles,
  {
    generic,
    daily,
    doubtful,
  }: { readonly generic: FileProfile; readonly daily: FileProfile; readonly doubtful: FileProfile },
  known: Truth,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const arrives: readonly (readonly [
    string,
    Said,
    Said,
    Readonly<Record<string, readonly [string, string]>>,
  ])[] = [
    [
      'What is our p95 latency over everything and why is it slow?',
      { kind: 'request', fields: ['latency_ms'] },
      answer({ p95: known.latency_ms_ok.p95 }),
      { p95: ['latency_overall', 'p95_ms'] },
    ],
    [
      'What is our peak load per minute?',
      { kind: 'request', fields: ['time'] },
      answer({ rpm: known.peak_minute.rpm }),
      { rpm: ['peak_minute', 'peak_requests_per_minute'] },
    ],
    [
      'Why do requests fail?',
      { kind: 'request', fields: ['time', 'status'] },
      answer({ failed: known.errors.total }),
      { failed: ['errors_total', 'failed'] },
    ],
    [
      'Are answers being cut off?',
      { kind: 'request', fields: ['output_tokens'] },
      answer({ cut: known.truncation.length }),
      { cut: ['truncated_answers', 'truncated'] },
    ],
  ]
  for (const [question, first, then, cells] of arrives) {
    const talk = openConversation(files)
    results.push(
      result('second turn', `${question} (sums of days)`, first, said(await talk.say(question, daily), {})),
    )
    results.push(
      result(
        'second turn',
        `${question} (the log arrives)`,
        then,
        said(await talk.say('here it is', generic), cells),
      ),
    )
  }
  const asked = openConversation(files)
  const cells = { p95: ['latency_overall', 'p95_ms'] } as const
  results.push(
    result(
      'second turn',
      'a unit is asked',
      { kind: 'question', id: 'unit:duration' },
      said(await asked.say('Why is it slow?', doubtful), cells),
    ),
    result(
      'second turn',
      'and answered',
      answer({ p95: known.latency_ms_ok.p95 }),
      said(await asked.say('milliseconds', ...[]), cells),
    ),
    // Asked once, remembered for the thread.
    result(
      'second turn',
      'and not asked again',
      answer({ p95: known.latency_ms_ok.p95 }),
      said(await asked.say('what causes the long tail?'), cells),
    ),
  )
  return results
}
