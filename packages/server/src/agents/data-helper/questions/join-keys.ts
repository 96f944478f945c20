import type { FileId } from '@holdfast/protocol'
import { quoteName } from '../../../workspace/casts.ts'
import type { SqlJob, SqlResult } from '../../../workspace/workspace.ts'
import type { FieldName } from '../fields.ts'
import { namesFile } from './join-clause.ts'
import { termsOf } from './joined-terms.ts'
import type { TableInfo } from './parse.ts'
import { rawText } from './reading-sql.ts'
import type { KnownTerm } from './terms.ts'
import { nameWords } from './words.ts'

export interface KeySide {
  readonly fileId: FileId
  readonly fileName: string
  readonly table: string
  readonly column: string
  /** Rows that count at all, as of a reading. */
  readonly keep: string | null
}

/** Two columns that may say the same thing: each row of `base` would look up its key in `lookup`. */
export interface KeyPair {
  readonly base: KeySide
  readonly lookup: KeySide
}

/** What the two columns hold, counted over all rows. */
export interface KeyFacts {
  readonly pair: KeyPair
  /** Of the base. */
  readonly rows: number
  /** Rows of the base whose key is in the lookup. */
  readonly matched: number
  /** The key that is in most rows of the lookup, where one is in more than one. */
  readonly repeated: { readonly key: string; readonly rows: number } | null
  /** The most rows of the base that share a key. */
  readonly baseMost: number
}

/** `tenant`, or `tenant = client` where the files call it differently. */
export function keyName({ base, lookup }: KeyPair): string {
  return base.column === lookup.column ? base.column : `${base.column} = ${lookup.column}`
}

export function keyId({ base, lookup }: KeyPair): string {
  return JSON.stringify([base.fileId, base.column, lookup.fileId, lookup.column])
}

export function keyPair(base: TableInfo, from: string, lookup: TableInfo, to: string): KeyPair {
  return { base: side(base, from), lookup: side(lookup, to) }
}

function side({ profile, mapping, tableName }: TableInfo, column: string): KeySide {
  const { fileId, fileName } = profile
  return { fileId, fileName, table: tableName, column, keep: mapping?.keep ?? null }
}

/** Columns that bear one name, are one field, or refer to each other. `sure` where nobody has to name them. */
export function sharedColumns(
  base: TableInfo,
  lookup: TableInfo,
): readonly { readonly pair: KeyPair; readonly sure: boolean }[] {
  const others = columnsOf(lookup)
  return columnsOf(base).flatMap(({ column, term }) =>
    others.flatMap(({ column: other, term: otherTerm }) => {
      const refers = refersTo(column, lookup, other) || refersTo(other, base, column)
      const sameField = term.field !== null && term.field === otherTerm.field
      const sameName = nameWords(column).join(' ') === nameWords(other).join(' ')
      if (!refers && !sameField && !sameName) return []
      const sure = refers || (tellsWho(column, term) && tellsWho(other, otherTerm))
      return [{ pair: keyPair(base, column, lookup, other), sure }]
    }),
  )
}

/** Columns as they stand, with values in them. */
function columnsOf(table: TableInfo): readonly { readonly column: string; readonly term: KnownTerm }[] {
  return termsOf(table).flatMap((term) => {
    const [column, second] = term.columns
    return column === undefined || second !== undefined || term.distinct === 0 ? [] : [{ column, term }]
  })
}

/** Words that many tables use, each for something of its own: the id of a request is not the id of a customer. */
const ownWords = new Set('id name key no number code index row title label type description'.split(' '))

/** `customer_id` refers to the `id` of customers.csv. */
function refersTo(column: string, table: TableInfo, key: string): boolean {
  const words = nameWords(column)
  const [own, more] = nameWords(key)
  if (own === undefined || more !== undefined || !ownWords.has(own)) return false
  const subject = words.slice(0, -1)
  return words.at(-1) === own && subject.length > 0 && subject.every((word) => namesFile(word, table))
}

/** A number whose name ends so is a name, not a quantity. */
const idWords = new Set(['id', 'key', 'code', 'no', 'nr', 'number', 'uuid'])

/** Says how a row went, not whose it is: two files may share every value of it and nothing else. */
const outcomeFields: ReadonlySet<FieldName> = new Set(['status', 'finish_reason', 'token_kind'])

function tellsWho(column: string, { kind, field }: KnownTerm): boolean {
  if (field !== null && outcomeFields.has(field)) return false
  const words = nameWords(column)
  if (kind === 'number') return words.length > 1 && idWords.has(words.at(-1) ?? '')
  return kind === 'text' && (words.length > 1 || !ownWords.has(words[0] ?? ''))
}

/** How two columns fit each other, as one row. Rows are counted once a key first, so that nothing is multiplied. */
export function keyFactsSql({ base, lookup }: KeyPair): string {
  const keys = ({ table, column, keep }: KeySide): string =>
    [
      `SELECT ${rawText(column)} AS key, count(*) AS times FROM ${quoteName(table)}`,
      ...(keep === null ? [] : [`WHERE (${keep})`]),
      `GROUP BY 1`,
    ].join(' ')
  const most = `SELECT key, times FROM "lookup keys" WHERE key IS NOT NULL ORDER BY times DESC, key LIMIT 1`
  return [
    `WITH "base keys" AS (${keys(base)}),`,
    `"lookup keys" AS (${keys(lookup)}),`,
    `"most rows" AS (${most})`,
    `SELECT coalesce(sum(b.times), 0)::DOUBLE AS rows,`,
    `  coalesce(sum(b.times) FILTER (WHERE l.key IS NOT NULL), 0)::DOUBLE AS matched,`,
    `  coalesce(max(b.times) FILTER (WHERE b.key IS NOT NULL), 0)::DOUBLE AS base_most,`,
    `  (SELECT key FROM "most rows") AS most_key,`,
    `  coalesce((SELECT times FROM "most rows"), 0)::DOUBLE AS most_rows`,
    `FROM "base keys" AS b LEFT JOIN "lookup keys" AS l ON b.key = l.key`,
  ].join('\n')
}

/** One job that counts every pair. */
export function keyFactsJob(pairs: readonly KeyPair[]): SqlJob {
  const sides = pairs.flatMap(({ base, lookup }) => [base, lookup])
  const tables = new Map(sides.map(({ table, fileId }) => [table, { name: table, fileId }]))
  return {
    tables: [...tables.values()],
    prepare: [],
    queries: pairs.map((pair, index) => ({ id: `key_${index + 1}`, sql: keyFactsSql(pair) })),
  }
}

export function keyFacts(pairs: readonly KeyPair[], results: readonly SqlResult[]): readonly KeyFacts[] {
  return pairs.map((pair, index) => {
    const [rows, matched, baseMost, key, most] = results[index]?.rows[0] ?? []
    const mostRows = count(most)
    return {
      pair,
      rows: count(rows),
      matched: count(matched),
      baseMost: count(baseMost),
      repeated: mostRows > 1 ? { key: String(key), rows: mostRows } : null,
    }
  })
}

function count(cell: unknown): number {
  if (typeof cell !== 'number') throw new Error(`A count of rows is ${JSON.stringify(cell)}`)
  return cell
}
