import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SqlResult } from '../../../../workspace/workspace.ts'
import { vegaLiteSpec } from '../../charts/vega-lite-spec.ts'
import { formatFigure } from '../../format-figure.ts'
import type { Findings } from '../../playbook.ts'
import { parseSimpleQuestion } from '../../questions/parse.ts'
import type { SimpleReading } from '../../questions/reading.ts'
import { readingSql } from '../../questions/reading-sql.ts'
import { openTestTable, sharedData, type TestTable } from '../../questions/test-table.ts'
import { simpleChart, simpleFindings } from './simple-findings.ts'
import { overviewFindings, overviewLimits, overviewQueries } from './table-overview.ts'

const generic = sharedData('synthetic-exports/generic_requests.csv')

async function ask(
  table: TestTable,
  question: string,
): Promise<{ reading: SimpleReading; result: SqlResult; findings: Findings }> {
  const parsed = parseSimpleQuestion(question, { tableName: 'data', profile: table.profile })
  if (!parsed.ok) throw new Error(parsed.why)
  const result = await table.run(readingSql(parsed.reading), 'answer')
  return { reading: parsed.reading, result, findings: simpleFindings(parsed.reading, result, table.profile) }
}

async function overview(
  table: TestTable,
): Promise<{ results: ReadonlyMap<string, SqlResult>; findings: Findings }> {
  const results = await table.runAll(overviewQueries(table.profile, 'data'))
  return { results, findings: overviewFindings(results, table.profile) }
}

/** D3 as the report checks it: each figure is the cell it names, each citation a figure. */
function expectBacked(findings: Findings, results: ReadonlyMap<string, SqlResult>): void {
  for (const figure of findings.figures) {
    const result = results.get(figure.query)
    const cell = result?.rows[figure.row]?.[result.columns.indexOf(figure.column)]
    expect(cell, figure.id).toBe(figure.value)
  }
  const ids = findings.figures.map((figure) => figure.id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const match of findings.paragraphs.join(' ').matchAll(/\[fig:([^\]]+)\]/gu))
    expect(ids).toContain(match[1])
}

function shown(findings: Findings): string {
  return findings.paragraphs.join('\n').replaceAll(/\[fig:([^\]]+)\]/gu, (_, id: string) => {
    const figure = findings.figures.find((each) => each.id === id)
    return figure === undefined ? '?' : formatFigure(figure)
  })
}

describe.skipIf(!generic.present)('any table on generic_requests.csv (needs ../shared/data)', () => {
  let table: TestTable
  beforeAll(async () => {
    table = await openTestTable({ path: generic.path })
  })
  afterAll(() => table[Symbol.asyncDispose]())

  it('[D3] says what it read and names the groups with their cells', async () => {
    const { findings, result } = await ask(table, 'average latency by tenant')
    expectBacked(findings, new Map([['answer', result]]))
    expect(shown(findings)).toBe(
      'I read this as: mean of latency_ms by tenant, over all 4,457 rows.\n- globex: 5,869 ms\n- acme: 4,151 ms\n- initech: 3,608 ms',
    )
  })

  it('[D3] gives one figure with the rows behind it', async () => {
    const { findings, result } = await ask(table, 'total cost for tenant acme')
    expectBacked(findings, new Map([['answer', result]]))
    expect(shown(findings)).toContain('The answer is $16.71, from 2,599 rows.')
  })

  it('names the extremes along time, and says that times are UTC', async () => {
    const { findings } = await ask(table, 'requests per day')
    expect(shown(findings)).toContain('- highest, 17 Oct 2026: 285 rows')
    expect(findings.caveats).toContain('Times are taken as UTC.')
  })

  it('says how many rows are left out', async () => {
    const { findings } = await ask(table, 'average ttft by model')
    expect(findings.caveats.join(' ')).toContain(
      '262 rows of the groups shown are left out: ttft_ms is missing',
    )
  })

  it('says so when no row fits', async () => {
    const { findings } = await ask(table, 'total cost for tenant initech on 2026-12-24')
    expect(findings.figures).toEqual([])
    expect(findings.paragraphs.join(' ')).toContain('No row of generic_requests.csv fits')
  })

  it.each([
    ['average latency by tenant', 'bar'],
    ['cost per day', 'line'],
    ['cost per day by model', 'line'],
    ['cost by feature and model', 'bar'],
    ['median prompt tokens by feature and model', 'rect'],
    ['requests by weekday', 'bar'],
  ] as const)('draws %s as %s', async (question, mark) => {
    const { reading, result } = await ask(table, question)
    const plan = simpleChart(reading, result)
    expect(plan?.mark).toBe(mark)
    if (plan !== null) expect(() => vegaLiteSpec(plan, question, result)).not.toThrow()
  })

  it('draws nothing for a single figure', async () => {
    const { reading, result } = await ask(table, 'how many rows')
    expect(simpleChart(reading, result)).toBeNull()
  })

  it('[D3] describes the table', async () => {
    const { findings, results } = await overview(table)
    expectBacked(findings, results)
    const text = shown(findings)
    expect(text).toContain('generic_requests.csv: 4,457 rows, 14 columns; 0 rows repeat another row in full.')
    expect(text).toContain('ttft_ms (262 values), finish_reason (262 values)')
    expect(text).toContain('model is gpt-5 in 64.7 % of the rows.')
    expect(text).toContain(
      'It reaches from 1 Sep 2026 to 31 Oct 2026; the fullest day is 17 Oct 2026 with 285 rows.',
    )
  })
})

describe('the overview of other tables', () => {
  it('counts rows that repeat another in full', async () => {
    await using table = await openTestTable({ csv: 'a,b\n1,x\n1,x\n2,x\n1,x\n' })
    const { results, findings } = await overview(table)
    expect(results.get('overview_size')?.rows).toEqual([[4, 2, 2]])
    expectBacked(findings, results)
  })

  it('finds columns that move together', async () => {
    const lines = Array.from(
      { length: 40 },
      (_, index) => `${index},${index * 3 + (index % 2)},${(index * 7919) % 13}`,
    )
    await using table = await openTestTable({ csv: `size,weight,noise\n${lines.join('\n')}\n` })
    const { findings } = await overview(table)
    expect(shown(findings)).toContain('size and weight move together most')
  })

  it('is bounded for 200 columns', async () => {
    const header = Array.from({ length: 200 }, (_, index) => `c${index}`).join(',')
    const rows = Array.from({ length: 30 }, (_, row) =>
      Array.from({ length: 200 }, (__, index) => row * index).join(','),
    )
    await using table = await openTestTable({ csv: `${header}\n${rows.join('\n')}\n` })
    const { results, findings } = await overview(table)
    expect(results.get('overview_columns')?.rows).toHaveLength(overviewLimits.columns)
    expect(results.get('overview_numbers')?.rows).toHaveLength(overviewLimits.numbers)
    expect(results.get('overview_correlations')?.rows.length).toBeLessThanOrEqual(overviewLimits.pairs)
    expect(findings.caveats.join(' ')).toContain('200 columns')
    expectBacked(findings, results)
  })

  it('describes a table of one text column, and one without rows', async () => {
    await using text = await openTestTable({ csv: 'note\nhello\nworld\n' })
    const one = await overview(text)
    expectBacked(one.findings, one.results)
    await using empty = await openTestTable({ csv: 'a,b\n' })
    const { findings, results } = await overview(empty)
    expectBacked(findings, results)
    expect(shown(findings)).toContain('0 rows')
  })

  it('survives names that are SQL', async () => {
    await using table = await openTestTable({ csv: `a"b,c'd; DROP\n1,x\n2,y\n3,x\n4,x\n` })
    const { findings, results } = await overview(table)
    expectBacked(findings, results)
  })
})
