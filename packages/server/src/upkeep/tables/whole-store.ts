import { HoldfastError } from '@holdfast/protocol'
import { type Kysely, sql } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { Store, Tx } from '../../store/store.ts'
import type { TableShape } from './table-shapes.ts'

/** Work on everything at once takes its time: neither it nor its pauses are cut short. */
export async function withoutHaste(tx: Tx): Promise<void> {
  for (const name of ['statement_timeout', 'idle_in_transaction_session_timeout'])
    await sql`set local ${sql.raw(name)} = 0`.execute(tx)
}

/** All that `work` reads is of one moment. */
export async function inSnapshot<T>(db: Kysely<Schema>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      await withoutHaste(tx)
      return await work(tx)
    })
}

/** What a store has that nobody has used yet. */
const ownRows = new Set(['meta', 'chores'])

/** The tables that hold somebody's rows. */
export async function usedTables(tx: Tx, tables: readonly TableShape[]): Promise<readonly string[]> {
  const used: string[] = []
  for (const { name } of tables) {
    if (ownRows.has(name)) continue
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(tx)
    if (rows.length > 0) used.push(name)
  }
  return used
}

/**
 * A server keeps what it once read of the store: its epoch above all (L6). A PGlite directory is locked against it.
 * @param db a transaction of the store that keeps others from starting; left out for a first look
 * @throws {HoldfastError} not_ready: servers are connected
 */
export async function requireNoServer(
  store: Store,
  servingName: string,
  db: Kysely<Schema> = store.db,
): Promise<void> {
  if (store.capabilities.exclusive) return
  const { rows } = await sql<{ count: number }>`select count(*) as count from pg_stat_activity
    where datname = current_database() and application_name = ${servingName}`.execute(db)
  const count = rows[0]?.count ?? 0
  if (count > 0)
    throw new HoldfastError(
      'not_ready',
      `Servers are using this database (${count} connections). Stop all of them first: this must not happen under them.`,
    )
}

/** The migrations that made the tables what they are. */
export async function migrationsOf(tx: Tx): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(tx)
  return rows.map(({ name }) => name)
}

export async function emptyTables(tx: Tx, tables: readonly TableShape[]): Promise<void> {
  await sql`truncate ${sql.join(tables.map(({ name }) => sql.table(name)))}`.execute(tx)
}
