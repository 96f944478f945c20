import type { SqlResult } from '../../../../workspace/workspace.ts'
import type { Findings } from '../../playbook.ts'
import { noMatch, ofLookup } from '../../questions/joined-rows.ts'
import type { Filter, Join, SimpleReading } from '../../questions/reading.ts'
import { readCells } from '../cells.ts'

export function matchTitle({ fileName }: SimpleReading, join: Join): string {
  return `Rows of ${fileName} that have a match in ${join.fileName} on ${join.key.said}`
}

/** J3: how many rows found no match, and what became of them. */
export function matchFindings(
  reading: SimpleReading,
  join: Join,
  result: SqlResult,
): Pick<Findings, 'figures' | 'paragraphs'> {
  const cells = readCells(new Map([[result.id, result]]))
  const cite = (id: string, label: string, column: string, unit: string): string | null =>
    cells.cite({ id, label, query: result.id, column, unit })
  const asked = cells.number(result.id, 'rows_asked')
  const without = cells.number(result.id, 'rows_without_match')
  if (asked === 0) return { figures: [], paragraphs: [] }
  const whole = asked === cells.number(result.id, 'rows_of_file')
  const rows = cite('rows_asked', 'Rows asked about', 'rows_asked', 'rows')
  const scope = whole ? `of ${reading.fileName}` : 'the question is about'
  if (without === 0)
    return { figures: cells.figures, paragraphs: [`All ${rows} ${scope} have a match in ${join.fileName}.`] }
  const none = cite('rows_without_match', 'Rows without a match', 'rows_without_match', '')
  const has = without === 1 ? 'has' : 'have'
  const fate = `Of the ${rows} ${scope}, ${none} ${has} no match in ${join.fileName}; ${fateOf(reading, join, without === 1)}.`
  return { figures: cells.figures, paragraphs: [fate] }
}

/** What an answer makes of rows without a match. */
function fateOf({ aggregate, measure, groups, filters }: SimpleReading, join: Join, one: boolean): string {
  const [they, are, their] = one ? ['it', 'is', 'its'] : ['they', 'are', 'their']
  const excludes = filters.find((filter) => ofLookup(join, filter.term) && !keepsMissing(filter))
  if (excludes !== undefined)
    return `${they} ${are} left out, as ${their} ${excludes.term.label} is not known`
  // The total of no plan is none of the plans' totals.
  if (aggregate.kind === 'of_totals' && ofLookup(join, aggregate.over.term))
    return `${they} ${are} left out, as ${their} ${aggregate.over.term.label} is not known`
  if (groups.some(({ term }) => ofLookup(join, term))) return `${they} ${are} under ${noMatch}`
  const named = [
    ...(aggregate.kind === 'rate' ? [aggregate.of.term] : []),
    ...(measure === null ? [] : [measure]),
    ...filters.map(({ term }) => term),
  ].find((term) => ofLookup(join, term))
  return `${one ? 'it counts as a row' : 'they count as rows'} without ${named?.label ?? 'a value there'}`
}

/** Conditions that a row without a value meets. */
function keepsMissing(filter: Filter): boolean {
  if (filter.kind === 'missing') return !filter.negated
  return filter.kind === 'in' && filter.negated
}

/** The match stands right after the answer. */
export function withMatch(found: Findings, match: Pick<Findings, 'figures' | 'paragraphs'>): Findings {
  return {
    ...found,
    figures: [...found.figures, ...match.figures],
    paragraphs: [...found.paragraphs, ...match.paragraphs],
  }
}
