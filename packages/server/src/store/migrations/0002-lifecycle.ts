import { type Kysely, sql } from 'kysely'

/**
 * The stream `user/me`. No reference to threads: the rows of a thread that is deleted stay, or the user's counter
 * would have gaps. They hold ids and states, nothing a user wrote.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    sql`create table lifecycle_heads (
      user_id text collate "C" primary key,
      head bigint not null
    )`,
    sql`create table lifecycle (
      user_id text collate "C" not null,
      seq bigint not null,
      at timestamptz(3) not null,
      type text not null,
      thread_id text collate "C" not null,
      run_id text collate "C",
      data json not null,
      primary key (user_id, seq)
    )`,
  ])
    await statement.execute(db)
}
