import { type Kysely, sql } from 'kysely'

/** Users and what they show to be let in. Secrets are kept as their SHA-256, in hex. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`create table users (
      id text collate "C" primary key,
      issuer text collate "C" not null,
      subject text collate "C" not null,
      kind text not null check (kind in ('user', 'service', 'simulated', 'local')),
      name text,
      created_at timestamptz(3) not null default now(),
      disabled_at timestamptz(3),
      unique (issuer, subject)
    )`,
    sql`create table sessions (
      digest text collate "C" primary key,
      id text collate "C" not null unique,
      user_id text collate "C" not null references users on delete cascade,
      created_at timestamptz(3) not null default now(),
      used_at timestamptz(3) not null default now(),
      expires_at timestamptz(3) not null,
      ends_at timestamptz(3) not null
    )`,
    sql`create index sessions_user on sessions (user_id, id)`,
    sql`create index sessions_expiry on sessions (expires_at)`,
    sql`create table tokens (
      id text collate "C" primary key,
      digest text collate "C" not null,
      user_id text collate "C" not null references users on delete cascade,
      name text not null,
      scopes json not null,
      created_at timestamptz(3) not null default now(),
      expires_at timestamptz(3) not null,
      used_at timestamptz(3)
    )`,
    sql`create index tokens_user on tokens (user_id, id)`,
    sql`create table ws_tickets (
      digest text collate "C" primary key,
      user_id text collate "C" not null references users on delete cascade,
      scopes json not null,
      session_digest text collate "C" references sessions on delete cascade,
      token_id text collate "C" references tokens on delete cascade,
      origin text,
      expires_at timestamptz(3) not null,
      redeemed_at timestamptz(3),
      ends_at timestamptz(3)
    )`,
    sql`create index ws_tickets_user on ws_tickets (user_id)`,
    // The foreign keys are followed when a session or a token goes.
    sql`create index ws_tickets_session on ws_tickets (session_digest)`,
    sql`create index ws_tickets_token on ws_tickets (token_id)`,
    sql`create table revocations (
      id bigint generated always as identity primary key,
      user_id text collate "C" not null,
      at timestamptz(3) not null default clock_timestamp()
    )`,
    // Polled every second by every node: only what is newer than its last look.
    sql`create index revocations_at on revocations (at)`,
  ])
    await statement.execute(db)
}
