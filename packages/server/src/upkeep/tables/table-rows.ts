import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../../store/store.ts'
import type { ColumnShape, TableShape } from './table-shapes.ts'

/** A row as the database writes it: each value in PostgreSQL's text form, which it reads back exactly. */
export type RowTexts = readonly (string | null)[]

export const rowLimits = {
  /** A page aims at so much text: it is in memory, and one statement inserts it. */
  pageBytes: 2 * 1024 * 1024,
  pageRows: 2_000,
  /** Of the first page, before it is known how long rows are. */
  firstRows: 100,
} as const

export interface RowPage {
  readonly rows: readonly RowTexts[]
  readonly bytes: number
}

const names = (columns: readonly { readonly name: string }[]): RawBuilder<unknown> =>
  sql.join(columns.map(({ name }) => sql.ref(name)))

/** Texts compare byte by byte, so that the order is the same on every database. */
function orderOf({ key, columns }: TableShape): RawBuilder<unknown> {
  return sql.join(
    key.map((name) => {
      const type = columns.find((column) => column.name === name)?.type
      return type === 'text' ? sql`${sql.ref(name)} collate "C"` : sql.ref(name)
    }),
  )
}

/** All rows in the order of the primary key, a page at a time, as the transaction sees them. */
export async function* readRows(tx: Tx, table: TableShape): AsyncGenerator<RowPage> {
  const texts = sql.join(
    table.columns.map(({ name }, n) => sql`${sql.ref(name)}::text as ${sql.ref(`c${n}`)}`),
  )
  const from = sql.table(table.name)
  await sql`declare copied no scroll cursor for select ${texts} from ${from} order by ${orderOf(table)}`.execute(
    tx,
  )
  let most: number = rowLimits.firstRows
  for (;;) {
    const fetched = await sql<Record<string, string | null>>`fetch ${sql.lit(most)} from copied`.execute(tx)
    const rows = fetched.rows.map((row) => table.columns.map((_, n) => row[`c${n}`] ?? null))
    if (rows.length === 0) break
    const bytes = rows.reduce((sum, row) => sum + row.reduce((all, text) => all + (text?.length ?? 0), 0), 0)
    yield { rows, bytes }
    most = nextRows(rows.length, bytes)
  }
  await sql`close copied`.execute(tx)
}

/** So many rows like the last ones fill a page. */
export function nextRows(rows: number, bytes: number): number {
  const most = Math.floor((rowLimits.pageBytes * rows) / Math.max(bytes, 1))
  return Math.min(Math.max(most, 1), rowLimits.pageRows)
}

/** @param columns those that the rows have values for, in their order */
export async function insertRows(
  tx: Tx,
  table: string,
  columns: readonly ColumnShape[],
  rows: readonly RowTexts[],
): Promise<void> {
  const arrays = sql.join(columns.map((_, n) => sql`${rows.map((row) => row[n] ?? null)}::text[]`))
  const values = sql.join(columns.map(({ type }, n) => sql`${sql.ref(`r.c${n}`)}::${sql.raw(type)}`))
  const names_ = sql.join(columns.map((_, n) => sql.ref(`c${n}`)))
  await sql`insert into ${sql.table(table)} (${names(columns)}) overriding system value
    select ${values} from unnest(${arrays}) as r(${names_})`.execute(tx)
}

/** The database goes on numbering after the rows that were inserted. */
export async function continueNumbering(tx: Tx, { name, numbered }: TableShape): Promise<void> {
  if (numbered === null) return
  await sql`select setval(pg_get_serial_sequence(${name}, ${numbered}),
    greatest(coalesce(max(${sql.ref(numbered)}), 0), 1), max(${sql.ref(numbered)}) is not null)
    from ${sql.table(name)}`.execute(tx)
}

/** What a table holds: two with the same are the same, row for row. */
export interface TableDigest {
  readonly rows: number
  /** SHA-256 over all rows in the order of the primary key, as hex. */
  readonly sha256: string
}

export interface TableDigester {
  add(rows: readonly RowTexts[]): void
  result(): TableDigest
}

export function createTableDigester(): TableDigester {
  const hash = createHash('sha256')
  let count = 0
  return {
    add(rows) {
      count += rows.length
      for (const row of rows) hash.update(rowLine(row))
    },
    result: () => ({ rows: count, sha256: hash.copy().digest('hex') }),
  }
}

/** One line of JSON: no value holds a line break that JSON would not write as `\n`. */
export const rowLine = (row: RowTexts): string => `${JSON.stringify(row)}\n`

/** Reads the table once more. */
export async function digestTable(tx: Tx, table: TableShape): Promise<TableDigest> {
  const digester = createTableDigester()
  for await (const { rows } of readRows(tx, table)) digester.add(rows)
  return digester.result()
}
