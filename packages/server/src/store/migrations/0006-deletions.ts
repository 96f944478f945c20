import { type Kysely, sql } from 'kysely'

/** What must be finished even if whoever began it dies, and what one node at a time does now and then. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`create table thread_deletions (
      thread_id text collate "C" primary key,
      requested_at timestamptz(3) not null default now(),
      due_at timestamptz(3) not null default now()
    )`,
    sql`create index thread_deletions_due on thread_deletions (due_at)`,
    sql`create table chores (
      name text collate "C" primary key,
      due_at timestamptz(3) not null
    )`,
  ])
    await statement.execute(db)
}
