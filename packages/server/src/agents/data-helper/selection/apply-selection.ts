import { quoteName } from '../../../workspace/casts.ts'
import type { SqlQuery } from '../../../workspace/workspace.ts'
import { spanFrom } from '../columns/finish-mapping.ts'
import type { RunSql } from '../computed.ts'
import type { Choices, FileMapping } from '../field-mapping.ts'
import type { Filter, TimeWindow } from '../questions/reading.ts'
import { filterSql, windowSql } from '../questions/reading-sql.ts'
import { plainTerm } from '../questions/sentence.ts'
import { type KnownTerm, knownTerms } from '../questions/terms.ts'
import { describeSelection, type Selection, type SelectionFile } from './selection.ts'

/** What a selection leaves of the files. */
export interface Limited {
  readonly mappings: readonly FileMapping[]
  /** "only rows where …"; null where nothing is limited. */
  readonly says: string | null
  /** Files that cannot be limited so, and are left out. */
  readonly notes: readonly string[]
}

/**
 * Puts a selection into the mappings: its conditions go into `keep`, and rows and span become those of the rows that are
 * left, so that minimums are judged on them. A file that lacks what the selection speaks of is left out: all of its rows
 * beside some of another's would answer neither question.
 */
export async function applySelection(
  selection: Selection,
  files: readonly (SelectionFile & { readonly table: string })[],
  choices: Choices,
  run: RunSql,
): Promise<Limited> {
  const says = describeSelection(selection)
  if (says === null) return { mappings: files.map(({ mapping }) => mapping), says, notes: [] }
  const mappings: FileMapping[] = []
  const notes: string[] = []
  for (const { profile, mapping, table } of files) {
    const conditions = conditionsFor(selection, knownTerms(profile, mapping, choices))
    if (typeof conditions === 'string') {
      notes.push(`${mapping.fileName} is left out: it cannot be limited, as it has no ${conditions}.`)
      continue
    }
    const keep = [...(mapping.keep === null ? [] : [`(${mapping.keep})`]), ...conditions].join(' AND ')
    const [result] = await run({
      tables: [{ name: table, fileId: mapping.fileId }],
      prepare: [],
      queries: [countQuery(mapping, table, keep)],
    })
    const [rows, from, to] = result?.rows[0] ?? []
    const span =
      typeof from === 'string' && typeof to === 'string'
        ? spanFrom(Date.parse(from), Date.parse(to), mapping.timeStep)
        : null
    mappings.push({ ...mapping, keep, rows: typeof rows === 'number' ? rows : 0, span })
  }
  return { mappings, says, notes }
}

function countQuery({ fields }: FileMapping, table: string, keep: string): SqlQuery {
  const time = fields.time?.sql
  const span = time === undefined ? '' : `, min(${time}) AS first_time, max(${time}) AS last_time`
  return {
    id: 'selected_rows',
    sql: `SELECT CAST(count(*) AS DOUBLE) AS rows${span} FROM ${quoteName(table)} WHERE ${keep}`,
  }
}

/** The selection's conditions on another file's columns: the same field where it has one, the same name otherwise. */
function conditionsFor(
  { filters, window }: Selection,
  terms: readonly KnownTerm[],
): readonly string[] | string {
  const conditions: string[] = []
  for (const filter of filters) {
    const term = sameTerm(terms, filter.term)
    if (term === null) return filter.term.field ?? filter.term.label
    conditions.push(`coalesce(${filterSql(retargeted(filter, term))}, false)`)
  }
  if (window !== null) {
    const term = sameTerm(terms, window.term)
    if (term === null) return 'time'
    const own: TimeWindow = { ...window, term: plainTerm(term) }
    conditions.push(...windowSql(own))
  }
  return conditions
}

function sameTerm(terms: readonly KnownTerm[], { field, label }: Filter['term']): KnownTerm | null {
  return terms.find((term) => (field === null ? term.label === label : term.field === field)) ?? null
}

function retargeted(filter: Filter, term: KnownTerm): Filter {
  return { ...filter, term: plainTerm(term) }
}
