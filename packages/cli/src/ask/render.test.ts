import type { NewEvent, QueryResult } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import {
  asked,
  completed,
  queued,
  report,
  requested,
  runId,
  started,
  stored,
  threadId,
} from './events.test-support.ts'
import { renderReport, renderResult, shellQuote } from './render.ts'
import { buildResult } from './result.ts'
import { tell, untold } from './story.ts'

const options = {
  question: "What's it cost?",
  withSql: false,
  flags: ['--data-dir', 'my data'],
  bold: (words: string) => words,
}
const result = (...events: readonly NewEvent[]) =>
  buildResult({ threadId, runId }, stored([queued, started(), ...events]).reduce(tell, untold), null)

test('a report for a person', () => {
  const byModel: QueryResult = {
    id: 'by_model',
    title: 'Cost by model',
    sql: 'SELECT …',
    verified: true,
    columns: ['model', 'cost'],
    rows: [
      ['gpt-5', 15.313071],
      ['claude', 8.5],
    ],
    truncated: true,
  }
  expect(
    renderReport({ ...report, queries: [...report.queries, byModel] }, options),
  ).toBe(`Where the money goes
====================

In all 24.120929 USD.

Each of 1 figures is a cell of a query: --sql lists them, and shows the queries.

Cost by model  [by_model, verified playbook]

model        cost
------  ---------
gpt-5   15.313071
claude        8.5
(more rows existed than were kept)

Keep in mind
  - List prices, not the invoice.
`)
})

test('with --sql each query is shown: its SQL and its rows, one wide row as a list', () => {
  const columns = ['a', 'b', 'c', 'd', 'e']
  const queries = report.queries.map((query) => ({ ...query, columns, rows: [[1, 2, 3, 4, 5]] }))
  const shown = renderReport({ ...report, queries }, { ...options, withSql: true })
  expect(shown).toContain(`Figures, and the query each comes from
  Total cost: 24.120929 USD  [cost_total]

Total cost  [cost_total, verified playbook]

    SELECT sum(cost) AS cost
    FROM usage

column  value
------  -----
a           1
b           2`)
  expect(renderReport(report, options)).not.toContain('SELECT')
})

test('a query without rows says so', () => {
  const queries = report.queries.map((query) => ({ ...query, rows: [] }))
  expect(renderReport({ ...report, queries }, options)).toContain('(no rows)')
})

test('[D3] ad-hoc SQL is called unverified', () => {
  const queries = report.queries.map((query) => ({ ...query, verified: false }))
  expect(renderReport({ ...report, queries }, { ...options, withSql: true })).toContain(
    '[cost_total, ad-hoc SQL, unverified]',
  )
})

test('a request is a checklist, and says how to go on', () => {
  expect(renderResult(result(requested, completed('needs_data')), null, options)).toBe(`Needed (insufficient):

  [ ] time
      why      to see how cost moves
      format   RFC 3339
      sample   2026-10-01T12:00:00Z
      unlocks  cost a day
      how to export it
        OpenAI: Usage page, Export

With the file, continue in the same thread:
  npx holdfast ask 'What'\\''s it cost?' --thread ${threadId} --data-dir 'my data' --data FILE
`)
})

test('a question is asked with its choices, and an example of an answer', () => {
  expect(
    renderResult(result(asked, completed('needs_data')), null, options),
  ).toBe(`One question: Is duration in milliseconds or in seconds?
  ms  milliseconds
  s  seconds

Answer in the same thread, for example:
  npx holdfast ask ms --thread ${threadId} --data-dir 'my data'
`)
})

test('nothing a server says reaches the terminal as an escape sequence', () => {
  const evil = '\u001b[2J'
  const hostile = {
    ...report,
    title: evil,
    text: evil,
    caveats: [evil],
    queries: report.queries.map((query) => ({ ...query, title: evil, columns: [evil], rows: [[evil]] })),
    figures: report.figures.map((figure) => ({ ...figure, label: evil, value: evil })),
  }
  expect(renderReport(hostile, { ...options, withSql: true })).not.toContain('\u001b')
})

test.each([
  ['plain', 'plain'],
  ['two words', "'two words'"],
  ["it's", "'it'\\''s'"],
  ['$(rm -rf)', "'$(rm -rf)'"],
  ['', "''"],
])('%s is quoted for a shell as %s', (word, quoted) => {
  expect(shellQuote(word)).toBe(quoted)
})
