import type { Cells } from './cells.ts'

/** A row of a result that sentences are made of. */
export interface Place {
  readonly query: string
  /** Default 0. */
  readonly row?: number
  /** Begins the ids of the figures, so that two sentences may use one column. Default: the query's id. */
  readonly id?: string
  /** What the row is of, for the labels of its figures: "Cost of chat". */
  readonly of?: string
}

const slot = /\{([a-z0-9_]+)(?:\|([^}]*))?\}/g

/**
 * A sentence over one row: `{column|unit}` becomes the citation of that cell. Null where the query did not run, has no
 * such row, or one of the cells is empty: what is not known is not said.
 */
export function say(cells: Cells, place: Place, template: string): string | null {
  const { query, row = 0, id = query, of } = place
  for (const [, column = ''] of template.matchAll(slot)) {
    const value = cells.value(query, column, row)
    if (value === null || typeof value === 'boolean') return null
  }
  return template.replaceAll(slot, (_, column: string, unit: string | undefined) => {
    const label = `${labelOf(column)}${of === undefined ? '' : ` of ${of}`}`
    return cells.cite({ id: `${id}_${column}`, label, query, column, unit: unit ?? '', row }) ?? ''
  })
}

const unitSuffix = / (usd|ms|percent|utc)$/

/** `failed_cost_usd` is labelled "Failed cost". */
function labelOf(column: string): string {
  const words = column.replaceAll('_', ' ').replace(unitSuffix, '')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export interface GroupList {
  readonly query: string
  /** The column that names a group. */
  readonly name: string
  /** Begins the ids of the figures. Default: the query's id. */
  readonly id?: string
  /** Groups named in the text; the table has them all. Default 5. */
  readonly most?: number
  /** Said of each group after its name, each left out where a cell is empty; columns as in `say`. */
  readonly parts: readonly string[]
}

/** "gpt-5 $15.31 (63.48 %), gpt-5-mini $0.77 (3.2 %), and 2 more in the table"; null where there is no group. */
export function listGroups(
  cells: Cells,
  { query, name, id = query, most = 5, parts }: GroupList,
): string | null {
  const count = cells.rows(query)
  if (count === 0) return null
  const groups = Array.from({ length: Math.min(count, most) }, (_, row) => {
    const place = { query, row, id: `${id}_${row + 1}`, of: String(cells.value(query, name, row)) }
    const named = say(cells, { query, row, id: place.id }, `{${name}}`) ?? '(none)'
    return `${named}${parts.map((part) => say(cells, place, part) ?? '').join('')}`
  })
  const more = count > most ? `, and ${count - most} more in the table` : ''
  return `${groups.join(', ')}${more}`
}

/** The sentences that could be said, as one paragraph; none where none could. */
export function paragraph(...sentences: readonly (string | null)[]): readonly string[] {
  const said = sentences.filter((sentence) => sentence !== null && sentence !== '')
  return said.length === 0 ? [] : [said.join(' ')]
}
