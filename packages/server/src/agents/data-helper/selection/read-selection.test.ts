import { describe, expect, test } from 'vitest'
import { mapFile } from '../field-mapping.ts'
import type { PlaybookId } from '../playbook.ts'
import { playbooks } from '../playbooks/playbooks.ts'
import { numbers, profileOf, texts, timestamps } from '../testing/profiles.ts'
import { describeSelection, readSelection } from './read-selection.ts'

const profile = profileOf([
  timestamps,
  texts('model', 'gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5'),
  texts('tenant', 'acme', 'globex', 'initech'),
  texts('feature', 'report', 'chat', 'nightly_summaries'),
  texts('status', '200', '429', '504'),
  numbers('prompt_tokens', 900),
  numbers('completion_tokens', 230),
  numbers('cost_usd', 0.004),
  numbers('latency_ms', 3_400),
])
const file = { profile, mapping: mapFile(profile, new Map()) }
const read = (question: string, playbook: PlaybookId = 'cost_breakdown') =>
  readSelection(question, playbook, file, new Map())
const said = (question: string, playbook?: PlaybookId) => {
  const found = read(question, playbook)
  return found.kind === 'read' ? describeSelection(found.selection) : found
}

describe('a question about some rows', () => {
  test.each([
    [
      'Where did the money go in October?',
      /^only rows from 2026-10-01 and before 2026-11-01 UTC by timestamp$/,
    ],
    ['peak load on 3 October', /from 2026-10-03 and before 2026-10-04/],
    ['where does the money go since 2026-10-15', /^only rows from 2026-10-15 UTC/],
    ['Where does the money go excluding acme?', /^only rows where tenant is not acme$/],
    ['cost breakdown without globex and initech', /tenant is none of globex, initech/],
    ['cost breakdown, leaving out the nightly_summaries', /feature is not nightly_summaries/],
    ['how expensive is acme', /tenant is acme/],
    ['Why is gpt-5-mini slow?', /model is gpt-5-mini/],
    ['p95 for claude-sonnet-4-5 and gpt-5', /model is one of claude-sonnet-4-5, gpt-5/],
    ['peak load of acme', /tenant is acme/],
    ['cost of nightly_summaries', /feature is nightly_summaries/],
    ['could the nightly summaries wait', /feature is nightly_summaries/],
    ['where does the money go for requests over 5 seconds', /latency_ms > 5,000 ms/],
    ['where does the money go for requests above 1 cent', /cost_usd > 0.01 USD/],
    ['where does the money go in October, excluding acme', /tenant is not acme, from 2026-10-01/],
  ])('%s', (question, expected) => expect(said(question)).toMatch(expected))

  test.each([
    ['What did we spend in August?', /there is no aug/],
    ['what did we spend last month', /depends on today's date/],
    ['cost breakdown excluding umbrella', /cannot tell what/],
    ['where does the money go on weekends', /days of the week/],
    ['where does the money go for more than 5 widgets', /cannot tell what/],
  ])('is not answered over all of them where it cannot be read: %s', (question, why) => {
    expect(read(question)).toMatchObject({ kind: 'unread', why: expect.stringMatching(why) })
  })

  test.each([
    ...playbooks
      .filter(({ id }) => id !== 'any_table')
      .flatMap(({ id, asks }) => asks.map((ask) => [id, ask] as const)),
    ['cost_breakdown', 'cost report'],
    ['latency_tail', 'why is our chat so slow'],
    ['down_shift', 'do we need gpt-5 for everything'],
    ['errors_retries', 'when did the 429 errors come'],
  ] as const)('%s: %s asks about all rows', (playbook, question) => {
    expect(said(question, playbook)).toBeNull()
  })
})

describe('periods to compare', () => {
  const periods = (question: string) => {
    const found = read(question, 'month_over_month')
    return found.kind === 'read'
      ? found.selection.compare.map(({ from, to }) => [from?.slice(0, 10), to?.slice(0, 10)])
      : found
  }
  const september = ['2026-09-01', '2026-10-01']
  const october = ['2026-10-01', '2026-11-01']

  test.each([
    ['why did the cost go up in October', [october]],
    ['compare September with October', [september, october]],
    ['what changed between September and October', [september, october]],
    ['why are we paying more than last month', []],
  ])('%s', (question, expected) => expect(periods(question)).toEqual(expected))

  test('a window limits nothing there, a value does', () => {
    expect(said('why did the cost of acme go up in October', 'month_over_month')).toBe(
      'only rows where tenant is acme',
    )
  })
})
