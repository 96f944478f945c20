import type { Figure, QueryResult } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { buildReport } from './report.ts'

const query: QueryResult = {
  id: 'totals',
  title: 'Totals',
  sql: 'SELECT 24.12 AS cost',
  verified: true,
  columns: ['cost'],
  rows: [[24.12]],
  truncated: false,
}
const figure: Figure = {
  id: 'total',
  label: 'Total',
  value: 24.12,
  unit: 'USD',
  query: 'totals',
  row: 0,
  column: 'cost',
}
const parts = {
  title: 'Cost',
  playbook: 'cost_breakdown',
  outcome: 'answered' as const,
  figures: [figure],
  paragraphs: ['It cost [fig:total].'],
  caveats: [],
  queries: [query],
  charts: [],
}
const format = ({ value }: Figure) => `$${value}`

describe('[D3] every figure is the cell it names', () => {
  test('figures stand in the text with their citation', () => {
    expect(buildReport(parts, format).text).toBe('It cost **$24.12** [fig:total].')
  })

  test.each<[string, Partial<Figure>]>([
    ['another value', { value: 24.13 }],
    ['another row', { row: 1 }],
    ['no such column', { column: 'price' }],
    ['no such query', { query: 'nothing' }],
  ])('%s is refused', (_, change) => {
    expect(() => buildReport({ ...parts, figures: [{ ...figure, ...change }] }, format)).toThrow(
      /Figure total says/,
    )
  })

  test('a citation of nothing is refused', () => {
    expect(() => buildReport({ ...parts, paragraphs: ['[fig:else]'] }, format)).toThrow(/\[fig:else\]/)
  })
})
