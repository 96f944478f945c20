import { quoteName } from '../../../workspace/casts.ts'
import type { FieldName } from '../fields.ts'
import { noChoices, type TableInfo } from './parse.ts'
import type { Join, SimpleReading, Term } from './reading.ts'
import { type KnownTerm, knownTerms } from './terms.ts'
import { nameWords } from './words.ts'

/** A column of the second file as the joined rows have it. */
export interface LookupTerm {
  readonly term: KnownTerm
  /** It is a field, which a playbook may read as well. */
  readonly isField: boolean
  readonly columns: Join['columns']
}

/** What a question over two files may name, and how the second one's part of it is read. */
export interface JoinedTerms {
  readonly base: readonly KnownTerm[]
  readonly lookup: readonly LookupTerm[]
  /** A name that no column of the joined rows has. */
  readonly unique: (name: string) => string
}

export const termsOf = ({ profile, mapping, choices }: TableInfo): readonly KnownTerm[] =>
  knownTerms(profile, mapping, choices ?? noChoices)

/**
 * The first file's terms as they are, and those columns of the second that describe its rows. The second one's times
 * are not among them: the time of a joined question is that of what is measured. Nor do its columns stand for fields:
 * a status of customers says nothing about requests that failed.
 *
 * @param key the columns that are joined: one thing under two names; null before that is decided
 */
export function joinedTerms(
  base: TableInfo,
  lookup: TableInfo,
  key: { readonly base: string; readonly lookup: string } | null,
): JoinedTerms {
  const own = termsOf(base)
  const other = termsOf(lookup)
  const keyNames = other.filter(isColumn(key?.lookup)).flatMap(({ names }) => names)
  const unique = uniqueNames([
    ...base.profile.columns.map(({ name }) => name),
    ...own.map(({ label }) => label),
  ])
  const fields = new Set(own.flatMap(({ field }) => (field === null ? [] : [field])))
  return {
    base: own.map((term) =>
      isColumn(key?.base)(term) ? { ...term, names: [...term.names, ...keyNames] } : term,
    ),
    lookup: other
      .filter((term) => term.kind !== 'time' && term.columns.length === 1 && !isColumn(key?.lookup)(term))
      .map((term) => lookupTerm(ownNames(term, fields), unique, lookup.profile.fileName)),
    unique,
  }
}

/** By the words for a field people mean that of what is measured: a customer's price is not what is called cost. */
function ownNames(term: KnownTerm, fields: ReadonlySet<FieldName>): KnownTerm {
  const shared = term.field !== null && fields.has(term.field)
  return shared ? { ...term, names: term.columns.map(nameWords) } : term
}

const isColumn =
  (name: string | undefined) =>
  ({ columns }: Term): boolean =>
    columns.length === 1 && columns[0] === name

function lookupTerm(
  { rowSql: _, ...term }: KnownTerm,
  unique: (name: string) => string,
  fileName: string,
): LookupTerm {
  const label = unique(term.label)
  const name = label === term.label ? label : unique(`${term.label} (${fileName})`)
  const text = term.kind === 'text' ? name : unique(`${name} as text`)
  return {
    isField: term.field !== null,
    term: {
      ...term,
      label: name,
      columns: [text],
      sql: quoteName(name),
      textSql: quoteName(text),
      field: null,
    },
    columns: [
      { name, sql: term.kind === 'text' ? term.textSql : term.sql },
      ...(text === name ? [] : [{ name: text, sql: term.textSql }]),
    ],
  }
}

/** SQL does not tell names apart by case. */
function uniqueNames(taken: readonly string[]): (name: string) => string {
  const known = new Set(taken.map((name) => name.toLowerCase()))
  return (name) => {
    let free = name
    for (let count = 2; known.has(free.toLowerCase()); count += 1) free = `${name}_${count}`
    known.add(free.toLowerCase())
    return free
  }
}

/** Every term a reading computes with. */
export function usedTerms({ aggregate, measure, groups, filters, window }: SimpleReading): readonly Term[] {
  return [
    ...(measure === null ? [] : [measure]),
    ...groups.map(({ term }) => term),
    ...filters.map(({ term }) => term),
    ...(aggregate.kind === 'rate' ? [aggregate.of.term] : []),
    ...(aggregate.kind === 'of_totals' ? [aggregate.over.term] : []),
    ...(window === null ? [] : [window.term]),
  ]
}
