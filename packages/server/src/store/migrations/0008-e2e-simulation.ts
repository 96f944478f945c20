import { type Kysely, sql } from 'kysely'

/** Simulated users are told from real ones by the database itself, and what lets them in is shared by all nodes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    // A provider may call its own people sim_…: the issuer is what no provider can have, so it decides.
    sql`alter table users add constraint users_simulated_issuer
      check ((kind = 'simulated') = (issuer like 'holdfast:e2e:%'))`,
    sql`alter table users add constraint users_simulated_subject
      check (kind <> 'simulated' or subject like 'sim\\_%\\_%')`,
    sql`create table e2e_nonces (
      nonce text collate "C" primary key,
      expires_at timestamptz(3) not null
    )`,
    sql`create index e2e_nonces_expiry on e2e_nonces (expires_at)`,
    sql`create table e2e_signing_keys (
      kid text collate "C" primary key,
      public_jwk json not null,
      expires_at timestamptz(3) not null
    )`,
    sql`create table e2e_refusals (
      address text collate "C" primary key,
      begins timestamptz(3) not null,
      times int not null,
      blocked_until timestamptz(3)
    )`,
  ])
    await statement.execute(db)
}
