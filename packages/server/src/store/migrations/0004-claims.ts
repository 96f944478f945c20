import { type Kysely, sql } from 'kysely'

/**
 * What many runs at a time need.
 *
 * Events lose their reference to threads: the append holds its thread's row anyway, and the check of every single
 * event cost 13 of 33 µs. Whoever deletes a thread deletes its events.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`alter table events drop constraint events_thread_id_fkey`,
    sql`alter table runs add column interrupted integer not null default 0`,
    sql`drop index runs_open`,
    // The claim goes from user to user and takes each one's oldest queued runs.
    sql`create index runs_queued on runs (owner, created_at) where status = 'queued'`,
    // Few at a time, so that this one also finds the leases that ran out. None on lease_expires_at: every heartbeat
    // would have to write it.
    sql`create index runs_running on runs (owner) where status = 'running'`,
  ])
    await statement.execute(db)
}
