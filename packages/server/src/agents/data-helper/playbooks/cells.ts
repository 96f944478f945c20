import type { Cell, Figure } from '@holdfast/protocol'
import type { SqlResult } from '../../../workspace/workspace.ts'

/** Where a figure's value stands, and what it is called. */
export interface FigureOf {
  readonly id: string
  readonly label: string
  readonly query: string
  readonly column: string
  readonly unit: string
  /** Default 0. */
  readonly row?: number
}

/** Reads a playbook's results and collects the figures its text cites (D3). */
export interface Cells {
  readonly figures: readonly Figure[]
  /** The cell, or null where the query did not run or has no such row. */
  value(query: string, column: string, row?: number): Cell
  number(query: string, column: string, row?: number): number | null
  rows(query: string): number
  /** Makes a figure and gives its citation; null where there is no value to cite. */
  cite(figure: FigureOf): string | null
}

export function readCells(results: ReadonlyMap<string, SqlResult>): Cells {
  const figures: Figure[] = []
  const value = (query: string, column: string, row = 0): Cell => {
    const result = results.get(query)
    const index = result?.columns.indexOf(column) ?? -1
    return result?.rows[row]?.[index] ?? null
  }
  return {
    figures,
    value,
    number(query, column, row) {
      const cell = value(query, column, row)
      return typeof cell === 'number' ? cell : null
    },
    rows: (query) => results.get(query)?.rows.length ?? 0,
    cite({ id, label, query, column, unit, row = 0 }) {
      const cell = value(query, column, row)
      if (cell === null || typeof cell === 'boolean') return null
      figures.push({ id, label, value: cell, unit, query, row, column })
      return `[fig:${id}]`
    },
  }
}
