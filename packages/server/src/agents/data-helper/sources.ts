import { type FileMapping, isMapped, type Span } from './field-mapping.ts'
import type { FieldName } from './fields.ts'
import type { Playbook } from './playbook.ts'

/** The files an answer is computed from, best first, and why others are left out. */
export interface Sources {
  readonly used: readonly FileMapping[]
  readonly notes: readonly string[]
}

/**
 * Files are added up only where that counts nothing twice: parts of one export whose times do not overlap, or the
 * exports of different vendors. Otherwise the file that answers most is taken alone: a gateway's log and a vendor's
 * bill show the same requests.
 */
export function chooseSources(playbook: Playbook, mappings: readonly FileMapping[]): Sources {
  const ranked = mappings
    .filter((mapping) => mapping.rows > 0)
    .toSorted((left, right) => score(playbook, right) - score(playbook, left) || right.rows - left.rows)
  const [best] = ranked
  if (best === undefined) return { used: mappings.slice(0, 1), notes: [] }
  const used = [best]
  const notes: string[] = []
  for (const other of ranked.slice(1)) {
    const reason = whyNot(playbook, used, other)
    if (reason === null) used.push(other)
    else notes.push(`${other.fileName} is not used beside ${best.fileName}: ${reason}.`)
  }
  return { used, notes }
}

/** Required fields weigh more than any number of optional ones. */
function score(playbook: Playbook, mapping: FileMapping): number {
  const has = (fields: readonly FieldName[]) => fields.some((field) => isMapped(mapping, field))
  const open = (fields: readonly FieldName[]) => mapping.questions.some(({ field }) => fields.includes(field))
  const fits = playbook.grains.includes(mapping.grain) ? 100 : 0
  const required = playbook.required.filter(({ anyOf }) => has(anyOf)).length
  const asked = playbook.required.filter(({ anyOf }) => !has(anyOf) && open(anyOf)).length
  const optional = playbook.optional.filter(({ anyOf }) => has(anyOf)).length
  const estimated = playbook.required.some(({ anyOf }) =>
    anyOf.some((field) => mapping.fields[field]?.estimated === true),
  )
  return fits + required * 20 + asked * 10 + optional - (estimated ? 5 : 0)
}

function whyNot(playbook: Playbook, used: readonly FileMapping[], other: FileMapping): string | null {
  const [best] = used
  if (best === undefined) return null
  const required = playbook.required.flatMap(({ anyOf }) => anyOf).filter((field) => isMapped(best, field))
  const lacking = required.filter((field) => !isMapped(other, field))
  if (lacking.length > 0) return `it lacks ${lacking.join(', ')}`
  if (best.grain !== other.grain) return `its rows stand for a ${other.grain}, not a ${best.grain}`
  const vendors = used.map((mapping) => mapping.vendor)
  if (other.vendor !== null && vendors.every((vendor) => vendor !== null && vendor !== other.vendor))
    return null
  const alike = used.every((mapping) => mapping.format === other.format && sameColumns(mapping, other))
  if (alike && used.every((mapping) => apart(mapping.span, other.span))) return null
  return 'both may show the same requests, and adding them up would count those twice'
}

function sameColumns(left: FileMapping, right: FileMapping): boolean {
  const columns = (mapping: FileMapping) =>
    Object.values(mapping.fields)
      .map((field) => `${field.field}=${field.columns.join('+')}`)
      .toSorted()
      .join()
  return columns(left) === columns(right)
}

function apart(left: Span | null, right: Span | null): boolean {
  return left !== null && right !== null && (left.to < right.from || right.to < left.from)
}
