import { type Kysely, sql } from 'kysely'

/** No references to users: what happened stays told when a user is gone, by an id that then names nobody. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`create table audit (
      id bigint generated always as identity primary key,
      at timestamptz(3) not null default clock_timestamp(),
      event text not null,
      user_id text collate "C",
      by text,
      address text,
      agent text,
      detail json not null
    )`,
    sql`create index audit_user on audit (user_id, id desc)`,
    sql`create index audit_at on audit (at)`,
    // One row a subject and kind: the window it is in, and what was used of it.
    sql`create table usage (
      subject text collate "C" not null,
      what text not null,
      begins timestamptz not null,
      amount bigint not null,
      primary key (subject, what)
    )`,
    // What a user may have in place of the settings' number.
    sql`create table quotas (
      subject text collate "C" not null,
      what text not null,
      most bigint not null,
      primary key (subject, what)
    )`,
  ])
    await statement.execute(db)
}
