import { sql } from 'kysely'
import type { Store } from '../store/store.ts'

/** Whether this node is the one to do it now: of all nodes, the one that moves the time on. */
export async function takeTurn({ db }: Pick<Store, 'db'>, name: string, everyMs: number): Promise<boolean> {
  const next = sql<Date>`now() + make_interval(secs => ${everyMs / 1_000})`
  const row = await db
    .insertInto('chores')
    .values({ name, due_at: next })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ due_at: next }).where('chores.due_at', '<=', sql<Date>`now()`),
    )
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}
