import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings, View } from '../../playbook.ts'
import { type Cells, readCells } from '../cells.ts'
import { listGroups } from '../say.ts'
import { paretoPercent } from './cost-sql.ts'

/** Recorded cost this far from list prices is said; discounts, batches and rounding explain less. */
const listGapPercent = 5

const dimensions = [
  ['model', 'By model'],
  ['tenant', 'By tenant'],
  ['feature', 'By feature'],
  ['token_kind', 'By token kind'],
  ['provider', 'By provider'],
  ['api_key', 'By API key'],
  ['user', 'By user'],
] as const

export function costFindings(results: ReadonlyMap<string, SqlResult>, view: View): Findings {
  const cells = readCells(results)
  const paragraphs = [total(cells, view), ...bulk(cells), ...splits(cells), ...months(cells), ...kinds(cells)]
  return { figures: cells.figures, paragraphs, caveats: caveats(cells, view) }
}

function total(cells: Cells, view: View): string {
  const cost = cells.cite({
    id: 'cost_total',
    label: view.estimated.has('cost_usd') ? 'Estimated total cost' : 'Total cost',
    query: 'cost_total',
    column: 'cost_usd',
    unit: 'USD',
  })
  if (cost === null) return 'No row has a cost that can be read.'
  const rows = cells.cite({ id: 'rows', label: 'Rows', query: 'cost_total', column: 'rows', unit: 'rows' })
  const from = cells.cite({
    id: 'first_time',
    label: 'From',
    query: 'cost_total',
    column: 'first_time',
    unit: 'UTC',
  })
  const to = cells.cite({
    id: 'last_time',
    label: 'To',
    query: 'cost_total',
    column: 'last_time',
    unit: 'UTC',
  })
  const period = from === null || to === null ? '' : `, from ${from} to ${to}`
  const what = view.estimated.has('cost_usd') ? 'Total cost, **estimated** at list prices' : 'Total cost'
  const text = `${what}: ${cost} over ${rows}${period}.`
  if ((cells.number('cost_total', 'failed_cost_usd') ?? 0) <= 0) return text
  const failed = cells.cite({
    id: 'failed_cost',
    label: 'Cost of failed requests',
    query: 'cost_total',
    column: 'failed_cost_usd',
    unit: 'USD',
  })
  return `${text} Of it ${failed} went into requests that failed.`
}

function bulk(cells: Cells): readonly string[] {
  const few = cells.number('cost_pareto', 'items_for_bulk')
  const all = cells.number('cost_pareto', 'items')
  if (few === null || all === null || all < 3) return []
  const items = cells.cite({
    id: 'items_for_bulk',
    label: `Items that make ${paretoPercent} % of the cost`,
    query: 'cost_pareto',
    column: 'items_for_bulk',
    unit: '',
  })
  const count = cells.cite({ id: 'items', label: 'Items', query: 'cost_pareto', column: 'items', unit: '' })
  const first = cells.cite({
    id: 'item_1',
    label: 'Largest item',
    query: 'cost_pareto',
    column: 'item',
    unit: '',
  })
  const share = cells.cite({
    id: 'item_1_share',
    label: 'Share of the largest item',
    query: 'cost_pareto',
    column: 'cumulative_percent',
    unit: '%',
  })
  return [
    `${items} of ${count} items make ${paretoPercent} % of the cost; the largest, ${first}, makes ${share}.`,
  ]
}

/** A split that has the same costs as one before it (each tenant with one key of its own) says nothing new. */
function splits(cells: Cells): readonly string[] {
  const seen = new Set<string>()
  return dimensions.flatMap(([field, title]) => {
    const query = `cost_by_${field}`
    const costs = Array.from({ length: cells.rows(query) }, (_, row) =>
      cells.value(query, 'cost_usd', row),
    ).join()
    if (seen.has(costs)) return []
    seen.add(costs)
    return split(cells, field, title)
  })
}

function split(cells: Cells, field: string, title: string): readonly string[] {
  const groups = listGroups(cells, {
    query: `cost_by_${field}`,
    name: field,
    id: field,
    parts: [' {cost_usd|USD}', ' ({share_percent|%})'],
  })
  return groups === null ? [] : [`${title}: ${groups}.`]
}

function months(cells: Cells): readonly string[] {
  const count = cells.rows('cost_by_month')
  if (count === 0) return []
  // The latest months; a file may hold years.
  const from = Math.max(0, count - 6)
  const parts = Array.from({ length: count - from }, (_, index) => {
    const row = from + index
    const query = 'cost_by_month'
    const month = String(cells.value(query, 'month', row))
    const label = `Cost in ${month}`
    const cost = cells.cite({ id: `month_${month}`, label, query, column: 'cost_usd', unit: 'USD', row })
    return `${month} ${cost ?? 'without a cost'}`
  })
  return [`By month: ${parts.join(', ')}.`]
}

function kinds(cells: Cells): readonly string[] {
  const count = cells.rows('tokens_by_kind')
  if (count === 0) return []
  const parts = Array.from({ length: count }, (_, row) => {
    const kind = String(cells.value('tokens_by_kind', 'kind', row))
    const id = `tokens_${kind.replaceAll(/[^a-z]+/g, '_')}`
    const tokens = cells.cite({
      id,
      label: `Tokens: ${kind}`,
      query: 'tokens_by_kind',
      column: 'tokens',
      unit: 'tokens',
      row,
    })
    const cost = cells.cite({
      id: `${id}_list_cost`,
      label: `List cost: ${kind}`,
      query: 'tokens_by_kind',
      column: 'list_cost_usd',
      unit: 'USD',
      row,
    })
    return `${kind} ${tokens}${cost === null ? '' : ` (${cost} at list prices)`}`
  })
  return [`By token kind: ${parts.join(', ')}.`]
}

function caveats(cells: Cells, view: View): readonly string[] {
  const found: string[] = []
  if (view.estimated.has('cost_usd'))
    found.push(
      `The cost is estimated from tokens at list prices of ${view.prices?.asOf ?? 'today'}; discounts, batches and fees that are not per token are not in it.`,
    )
  const unmatched = view.prices?.unmatched ?? []
  if (unmatched.length > 0 && view.estimated.has('cost_usd'))
    found.push(`No list price is known for ${unmatched.join(', ')}: these rows are not in the total.`)
  const without = cells.number('cost_total', 'rows_without_cost') ?? 0
  if (without > 0) found.push(`${without} rows have no cost and add nothing.`)
  const ratio = cells.number('list_cost', 'recorded_to_list')
  if (ratio !== null && Math.abs(ratio - 1) * 100 > listGapPercent)
    found.push(
      ratio > 50 && ratio < 200
        ? `The recorded cost is ${ratio} times what list prices give: the column may be in cents.`
        : `The recorded cost is ${ratio} times what list prices of ${view.prices?.asOf ?? 'today'} give; trust the invoice.`,
    )
  if (!view.fields.has('tenant') && !view.fields.has('feature'))
    found.push(
      'Nothing in the data says who or what a request was for, so cost is not split by tenant or feature.',
    )
  return found
}
