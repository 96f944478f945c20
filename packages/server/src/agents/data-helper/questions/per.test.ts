import { describe, expect, it, test } from 'vitest'
import { simpleFindings } from '../playbooks/any-table/simple-findings.ts'
import { openFiles } from '../testing/open-files.ts'
import { decided, said, tableOf } from '../testing/two-tables.ts'
import { asking, requestLog } from './parse.test-support.ts'
import { parseSimpleQuestion } from './parse.ts'
import { readingSql } from './reading-sql.ts'
import { openTestTable } from './test-table.ts'

const ask = asking(requestLog)

describe('an average of what adds up, per group', () => {
  test.each([
    'average cost per day',
    'average daily cost',
    'highest monthly spend',
    'average cost per customer',
    'median cost per model',
  ])('is asked: %s', (question) => {
    expect(ask(question)).toBe('asks: per:cost_usd')
  })

  test.each([
    ['average daily latency', 'mean of latency_ms by day'],
    ['average latency per model', 'mean of latency_ms by model'],
    ['average cost by model', 'mean of cost_usd by model'],
    ['daily cost', 'total of cost_usd by day'],
    ['total cost per customer', 'total of cost_usd by tenant'],
    ['monthly spend by model', 'total of cost_usd by'],
    ['average cost per request', 'mean of cost_usd'],
  ])('has one reading: %s', (question, reading) => {
    expect(ask(question)).toContain(reading)
  })

  it('can be the average of the totals', async () => {
    const rows = ['2026-09-01,1', '2026-09-01,2', '2026-09-02,9', '2026-09-02,n/a', ',5']
    await using table = await openTestTable({ csv: `day,cost_usd\n${rows.join('\n')}\n` })
    const parsed = parseSimpleQuestion('average daily cost', {
      tableName: 'data',
      profile: table.profile,
      choices: new Map([['per:cost_usd', 'of_totals']]),
    })
    if (!parsed.ok) throw new Error(parsed.why)
    const result = await table.run(readingSql(parsed.reading))
    expect(result.columns).toEqual(['mean_total_cost_usd', 'rows', 'left_out'])
    // (1 + 2) and 9; one row has no cost, one no day.
    expect(result.rows).toEqual([[6, 3, 2]])
    const findings = simpleFindings(parsed.reading, result, table.profile)
    expect(findings.figures.map(({ column, value }) => [column, value])).toEqual([
      ['mean_total_cost_usd', 6],
      ['rows', 3],
    ])
    expect(findings.caveats).toContain('Times are taken as UTC.')
    expect(parsed.reading.assumed.join()).toContain('only a day with rows counts')
    expect(ask('average daily cost', { 'per:cost_usd': 'of_totals' })).toBe(
      'mean of the total cost_usd of each day, over all 1,000 rows',
    )
  })

  it('can be the average of the totals of what only a second file names', async () => {
    await using files = await openFiles()
    const spent = await files.profile('spent.csv', 'tenant,cost_usd\na,1\na,2\nb,4\nc,8\nd,100\n')
    const plans = await files.profile('plans.csv', 'tenant,plan\na,free\nb,free\nc,pro\n')
    const choices = { 'per:cost_usd': 'of_totals' }
    const tables = [spent, plans].map((profile) => tableOf(profile, choices))
    const read = decided('average cost per plan', tables, ({ lookup }) =>
      lookup.fileName === 'plans.csv' ? {} : { repeated: { key: 'a', rows: 2 }, baseMost: 1 },
    )
    if (read.kind !== 'read') throw new Error(said(read))
    const [result] = await files.run({
      tables: [spent, plans].map(({ fileId, fileName }) => ({ name: fileName.replace('.csv', ''), fileId })),
      prepare: [],
      queries: [{ id: 'answer', sql: readingSql(read.reading) }],
    })
    // 1 + 2 + 4 of free and 8 of pro; d has no plan.
    expect(result?.rows).toEqual([[7.5, 4, 1]])
  })
})

describe('an average of counts', () => {
  test.each([
    ['average requests per day', 'mean of the number of rows of each day, over all 1,000 rows'],
    ['average number of requests per day', 'mean of the number of rows of each day'],
    ['average daily requests', 'mean of the number of rows of each day'],
    ['median requests per hour', 'median of the number of rows of each hour'],
    ['average number of failed requests per day', 'mean of the number of rows of each day'],
    ['average number of requests per tenant', 'mean of the number of rows of each tenant'],
    ['average number of prompt tokens per request', 'mean of prompt_tokens'],
  ])('has one reading: %s', (question, reading) => {
    expect(ask(question)).toContain(reading)
  })

  test.each([
    ['average requests', 'needs one group that is counted'],
    ['average requests per day per model', 'needs one group that is counted'],
    ['p95 requests per day', 'of counts I take the average'],
  ])('is refused with what would do: %s', (question, why) => {
    expect(ask(question)).toContain(why)
  })

  it('counts what has a group, and says what has none', async () => {
    const rows = ['2026-09-01,1', '2026-09-01,', '2026-09-01,3', '2026-09-02,9', ',5']
    await using table = await openTestTable({ csv: `day,cost_usd\n${rows.join('\n')}\n` })
    const parsed = parseSimpleQuestion('average requests per day', {
      tableName: 'data',
      profile: table.profile,
    })
    if (!parsed.ok) throw new Error(parsed.why)
    const result = await table.run(readingSql(parsed.reading))
    expect([result.columns, result.rows]).toEqual([['mean_rows', 'rows', 'left_out'], [[2, 4, 1]]])
    const { figures, caveats } = simpleFindings(parsed.reading, result, table.profile)
    expect(figures.map(({ column, value, unit }) => [column, value, unit])).toEqual([
      ['mean_rows', 2, 'rows'],
      ['rows', 4, 'rows'],
    ])
    expect(caveats).toContain('1 row has no day and is left out.')
  })
})
