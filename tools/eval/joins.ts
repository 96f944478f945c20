import { openConversation } from '../../packages/server/src/agents/data-helper/testing/conversation.ts'
import type { TestFiles } from '../../packages/server/src/agents/data-helper/testing/open-files.ts'
import { csvOf, type Sheet } from './mutations.ts'
import { type Result, result, type Said } from './score.ts'
import { said } from './talks.ts'

/** Whom the log's tenants are; initech is missing, umbrella is in no log. */
const accounts: Sheet = {
  columns: ['tenant', 'plan', 'region'],
  rows: [
    ['acme', 'enterprise', 'EU'],
    ['globex', 'pro', 'US'],
    ['umbrella', 'pro', 'EU'],
  ],
}

const twice: Sheet = { ...accounts, rows: [...accounts.rows, ['acme', 'free', 'US']] }
const strangers: Sheet = { ...accounts, rows: [['umbrella', 'enterprise', 'EU']] }
const unkeyed: Sheet = {
  columns: ['plan', 'region'],
  rows: accounts.rows.map((row) => row.slice(1)),
}
const sited = (sheet: Sheet): Sheet => {
  const at = sheet.columns.indexOf('tenant')
  return {
    columns: [...sheet.columns, 'site_id'],
    rows: sheet.rows.map((row) => [...row, `site-${row[at]}`]),
  }
}

interface JoinCase {
  readonly name: string
  readonly question: string
  readonly log: Sheet
  readonly accounts: Sheet
  readonly expected: Said
  /** Column of the answer whose first row is looked at. */
  readonly column: string
}

const answer = (value: unknown): Said => ({ kind: 'answer', figures: { value, playbook: 'any_table' } })
const refused: Said = { kind: 'question', id: 'instead' }

/** The log beside a table of its tenants: joined where that is safe, and only where the log alone does not answer. */
export function joinCases(log: Sheet): readonly JoinCase[] {
  const sum = (keep: (get: (column: string) => string) => boolean): number => {
    const get = (row: readonly string[]) => (column: string) => row[log.columns.indexOf(column)] ?? ''
    const kept = log.rows.filter((row) => keep(get(row)))
    return Number(kept.reduce((total, row) => total + Number(get(row)('cost_usd')), 0).toFixed(6))
  }
  const acme = answer(sum((get) => get('tenant') === 'acme'))
  const initech = answer(sum((get) => get('tenant') === 'initech'))
  const over = (name: string, question: string, expected: Said, more: Partial<JoinCase> = {}): JoinCase => ({
    name,
    question,
    log,
    accounts,
    expected,
    column: 'total_cost_usd',
    ...more,
  })
  const withSites = { log: sited(log), accounts: sited(accounts) }
  return [
    over('a condition', 'total cost for plan enterprise', acme),
    over('asked for', 'join the log and accounts on tenant: total cost for plan enterprise', acme),
    over('a value alone', 'total cost for enterprise', acme),
    over('a value left out', 'total cost by plan, excluding pro', acme),
    over('rows without a match stay', 'total cost where plan is missing', initech),
    over('one file answers', 'total cost for tenant acme', acme),
    over('a key twice', 'total cost for plan enterprise', refused, { accounts: twice }),
    over('no value in both', 'total cost for plan enterprise', refused, { accounts: strangers }),
    over('no key', 'total cost for plan enterprise', refused, { accounts: unkeyed }),
    over(
      'two keys',
      'total cost for plan enterprise',
      { kind: 'question', id: 'join_key:log.csv:accounts.csv' },
      withSites,
    ),
    over('the key is named', 'total cost for plan enterprise, joined on site_id', acme, withSites),
  ]
}

export async function joinedQuestions(files: TestFiles, sheet: Sheet): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const { name, question, log, accounts: second, expected, column } of joinCases(sheet)) {
    const turn = await openConversation(files).say(
      question,
      await files.profile('log.csv', csvOf(log)),
      await files.profile('accounts.csv', csvOf(second)),
    )
    const came = said(turn, { value: ['answer', column] })
    results.push(result('two files', `${name}: ${question}`, expected, came))
  }
  return results
}
