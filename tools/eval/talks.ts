import {
  openConversation,
  type Turn,
} from '../../packages/server/src/agents/data-helper/testing/conversation.ts'
import type { TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import type { FileProfile } from '../../packages/server/src/workspace/file-profile.ts'
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

export const answer = (figures: Readonly<Record<string, unknown>>): Said => ({ kind: 'answer', figures })

/** About some rows, of which the words do not tell, or not so that they can be read: an answer over others is wrong. */
const unreadable = [
  'Where did the money go in August?',
  'break down the spend excluding umbrella',
  'cost breakdown for requests that do not come from acme',
  'Where does the money go with acme left out?',
  'cost breakdown for non-acme traffic',
  'cost breakdown where latency is between 5 and 10 s',
  'cost breakdown for tenant umbrella',
  'Where did the money go for umbrella?',
  'cost breakdown, only umbrella',
  'cost breakdown for acme and umbrella',
  'Why is gpt-6 so slow?',
  'how much will we pay next month',
  'what would it cost to run everything on gpt-5-mini',
  'cost per user',
  'cost per 1k tokens',
  'cost of long prompts',
  'ratio of completion to prompt tokens',
  'Where did the money go between 10 and 20 October?',
  'Where did the money go in late October?',
  'Where did the money go for 17 and 18 October?',
  'Where did the money go in September and October?',
  'Where did the money go in the first week of October?',
  'Where did the money go on 8 October between 14:00 and 16:00?',
  'Why is it slow at night?',
  'why is this quarter more expensive than last quarter?',
] as const

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
    cost('cost breakdown of requests that failed', (get) => Number(get('status')) >= 400),
    cost('cost breakdown where tenant is not acme', (get) => get('tenant') !== 'acme'),
    cost('cost breakdown where tenant != acme', (get) => get('tenant') !== 'acme'),
    cost('Where does the money go for everyone but acme?', (get) => get('tenant') !== 'acme'),
    cost('Where does the money go, not including acme?', (get) => get('tenant') !== 'acme'),
    cost('cost breakdown where model contains mini', (get) => get('model').includes('mini')),
    cost('cost breakdown where status is 429', (get) => get('status') === '429'),
    cost('break down the spend on sonnet', (get) => get('model').includes('sonnet')),
    cost('how expensive is the mini model', (get) => get('model').includes('mini')),
    cost('where does the money go for requests with more than 1000 prompt tokens', (get) => {
      return Number(get('prompt_tokens')) > 1_000
    }),
    cost('cost breakdown of the support bot', (get) => get('feature') === 'support_bot'),
    ...unreadable.map(
      (question): Case => ({
        question,
        expected: { kind: 'question', id: 'whole' },
        cells: total,
      }),
    ),
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
    figure(
      'which tenants use sonnet',
      'rows',
      count((get) => get('model').includes('sonnet') && get('tenant') === 'acme'),
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
