import type { Report } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { csvOf, fileName, markdownOf, templateOf } from './export.ts'

test('CSV quotes what needs it, and no cell becomes a formula', () => {
  const csv = csvOf({
    columns: ['a', 'b,c'],
    rows: [
      ['say "hi"', 1.5],
      ['=HYPERLINK("x")', -2],
      [null, true],
      ['two\nlines', '-1'],
    ],
  })
  expect(csv).toBe(
    'a,"b,c"\r\n"say ""hi""",1.5\r\n"\'=HYPERLINK(""x"")",-2\r\n,true\r\n"two\nlines",\'-1\r\n',
  )
})

test('a template holds the fields that are missing and a sample of each', () => {
  const item = { why: '', format: '', howTo: [], unlocks: '' }
  expect(
    templateOf([
      { ...item, field: 'time', sample: '2026-09-01T02:00:07Z' },
      { ...item, field: 'cost_usd', sample: '0.01 (or more)' },
    ]),
  ).toBe('time,cost_usd\r\n2026-09-01T02:00:07Z,0.01 (or more)\r\n')
})

test('a report as Markdown has numbered citations, the cells behind them, caveats and SQL', () => {
  const report: Report = {
    title: 'Costs',
    playbook: 'cost',
    outcome: 'answered',
    text: 'Total: **$3** [fig:total]',
    figures: [{ id: 'total', label: 'Total', value: 3, unit: 'USD', query: 'q', row: 0, column: 'cost' }],
    queries: [
      {
        id: 'q',
        title: 'Total cost',
        sql: 'select 3',
        verified: true,
        columns: ['cost'],
        rows: [[3]],
        truncated: false,
      },
    ],
    charts: [],
    caveats: ['List prices'],
  }
  const text = markdownOf(report)
  expect(text).toContain('Total: **$3** [1]')
  expect(text).toContain('1. Total: 3 USD (q, row 1, cost)')
  expect(text).toContain('- List prices')
  expect(text).toContain('```sql\nselect 3\n```')
})

test('file names hold no path', () => {
  expect(fileName('../a/b: "c"', 'csv')).toBe('a b c.csv')
  expect(fileName('///', 'csv')).toBe('holdfast.csv')
})
