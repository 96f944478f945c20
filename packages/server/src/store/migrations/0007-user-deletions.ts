import { type Kysely, sql } from 'kysely'

/** As thread_deletions has it: what must be finished even if whoever began it dies. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`create table user_deletions (
      user_id text collate "C" primary key,
      requested_at timestamptz(3) not null default now(),
      due_at timestamptz(3) not null default now()
    )`,
    sql`create index user_deletions_due on user_deletions (due_at)`,
  ])
    await statement.execute(db)
}
