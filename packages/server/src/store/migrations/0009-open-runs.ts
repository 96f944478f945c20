import { type Kysely, sql } from 'kysely'

/**
 * What of a thread waits or is under way: asked of every run that a worker looks at, and of every thread in a list. By
 * runs_thread alone all runs that a thread ever had were read for it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index runs_open on runs (thread_id, queued_at_seq)
    where status in ('queued', 'running')`.execute(db)
}
