import { systemIdMaker } from '@holdfast/protocol'
import { type Kysely, sql } from 'kysely'

/**
 * Ids compare byte by byte (collation "C"): it is their order (ULID), and the same on every database.
 * `events.data` is json, not jsonb: it keeps its text, and U+0000 in a string survives.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`create table meta (
      key text collate "C" primary key,
      value text not null
    )`,
    sql`create table threads (
      id text collate "C" primary key,
      owner text collate "C" not null,
      title text not null,
      head bigint not null default 0,
      created_at timestamptz(3) not null default now()
    )`,
    // A user's threads, newest first: ids sort by the time they were made.
    sql`create index threads_owner on threads (owner, id desc)`,

    sql`create table events (
      thread_id text collate "C" not null references threads on delete cascade,
      seq bigint not null,
      id text collate "C" not null,
      run_id text collate "C" not null,
      agent text not null,
      type text not null,
      at timestamptz(3) not null,
      data json not null,
      producer_key text collate "C",
      primary key (thread_id, seq)
    )`,
    // L5. Not partial: rows without a key never collide anyway, and this one index also serves readRun.
    sql`create unique index events_producer on events (run_id, producer_key)`,

    sql`create table runs (
      id text collate "C" primary key,
      thread_id text collate "C" not null references threads on delete cascade,
      owner text collate "C" not null,
      agent text not null,
      model text,
      status text not null check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
      attempt integer not null default 0,
      lease_epoch bigint not null default 0,
      lease_node text collate "C",
      lease_expires_at timestamptz,
      cancel_by text check (cancel_by in ('user', 'superseded')),
      idempotency_key text collate "C",
      request_hash text not null,
      queued_at_seq bigint not null,
      created_at timestamptz(3) not null default now()
    )`,
    // The claim looks for the oldest run that has not ended; those that have are most of the table.
    sql`create index runs_open on runs (created_at) where status in ('queued', 'running')`,
    sql`create index runs_thread on runs (thread_id, queued_at_seq desc)`,
    sql`create unique index runs_idempotency on runs (owner, idempotency_key)
      where idempotency_key is not null`,

    sql`create table files (
      id text collate "C" primary key,
      thread_id text collate "C" not null references threads on delete cascade,
      owner text collate "C" not null,
      name text not null,
      kind text not null,
      bytes bigint not null,
      sha256 text not null,
      profile json,
      created_at timestamptz(3) not null default now()
    )`,
    sql`create index files_thread on files (thread_id, id)`,

    sql`create table artifacts (
      id text collate "C" primary key,
      thread_id text collate "C" not null references threads on delete cascade,
      run_id text collate "C" not null,
      owner text collate "C" not null,
      kind text not null,
      title text not null,
      media_type text not null,
      rows bigint,
      bytes bigint not null,
      created_at timestamptz(3) not null default now()
    )`,
    sql`create index artifacts_thread on artifacts (thread_id, id)`,
    // L6: the store is born with its epoch, in the transaction that makes it.
    sql`insert into meta (key, value) values ('epoch', ${systemIdMaker()('epoch')})`,
  ])
    await statement.execute(db)
}
