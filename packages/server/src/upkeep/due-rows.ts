import { type Kysely, sql } from 'kysely'
import type { Schema } from '../store/schema.ts'

export interface DueRowsOptions {
  readonly table: 'thread_deletions' | 'user_deletions'
  readonly key: 'thread_id' | 'user_id'
  /** Another node takes a row up after this, should the one that has it have died or failed. */
  readonly retryMs: number
  /** After this everything is done once more, and then the row is forgotten. */
  readonly settleMs: number
}

export interface DueRow {
  readonly key: string
  /** Nothing of before the request can still be under way: this time is the last. */
  readonly settled: boolean
}

/** Rows that stand until what they ask for is done, by whichever node: each step of that may be repeated. */
export interface DueRows {
  /** Of all nodes one has it, for retryMs. null: none is due. */
  claim(): Promise<DueRow | null>
  /** It was done: due once more after settleMs, or forgotten. */
  done(row: DueRow): Promise<void>
}

export function createDueRows(
  db: Kysely<Schema>,
  { table, key, retryMs, settleMs }: DueRowsOptions,
): DueRows {
  const [rows, id] = [sql.table(table), sql.ref(key)]
  const interval = (ms: number) => sql`make_interval(secs => ${ms / 1_000})`
  return {
    async claim() {
      const { rows: claimed } = await sql<DueRow>`update ${rows} set due_at = now() + ${interval(retryMs)}
        where ${id} = (select ${id} from ${rows} where due_at <= now() order by due_at limit 1 for update skip locked)
        returning ${id} as key, requested_at <= now() - ${interval(settleMs)} as settled`.execute(db)
      return claimed[0] ?? null
    },
    async done({ key: value, settled }) {
      if (settled) await sql`delete from ${rows} where ${id} = ${value}`.execute(db)
      else
        await sql`update ${rows} set due_at = requested_at + ${interval(settleMs)} where ${id} = ${value}`.execute(
          db,
        )
    },
  }
}
