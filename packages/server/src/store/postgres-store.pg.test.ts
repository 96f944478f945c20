import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { postgresLimits } from './postgres-pool.ts'
import { openPostgresStore } from './postgres-store.ts'
import { storeContract } from './store.contract.ts'
import { openTestPostgresStore, startTestPostgres } from './testing/postgres.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  storeContract('the store on PostgreSQL', () => openTestPostgresStore(postgres))

  test('[L6] of four nodes that start on an empty database at once, each finds the same epoch', async () => {
    await using database = await postgres.createDatabase()
    const { connectionString } = database
    const stores = await Promise.all(
      [1, 2, 3, 4].map(() => openPostgresStore({ connectionString, poolSize: 1 })),
    )
    try {
      expect(new Set(stores.map(({ epoch }) => epoch)).size).toBe(1)
      expect(stores[0]?.capabilities).toEqual({ durability: 'power-loss', exclusive: false })
    } finally {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
    }
  })

  test('a lost connection fails its statement or its transaction, and the store goes on', async () => {
    await using database = await postgres.createDatabase()
    const { connectionString } = database
    const lost: string[] = []
    const log = (_: object, message: string): void => void lost.push(message)
    const logger = { error: log, warn: log, debug: log }
    await using store = await openPostgresStore({ connectionString, poolSize: 1, logger })
    const other = new pg.Client({ connectionString })
    await other.connect()
    const others =
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()'
    try {
      // Idle.
      await sql`select 1`.execute(store.db)
      await other.query(others)
      await expect.poll(() => lost.length).toBeGreaterThan(0)
      expect((await sql<{ one: number }>`select 1 as one`.execute(store.db)).rows).toEqual([{ one: 1 }])
      // Between two statements of a transaction: nobody is waiting for an answer.
      const transaction = store.db.transaction().execute(async (tx) => {
        await sql`select 1`.execute(tx)
        const before = lost.length
        await other.query(others)
        await expect.poll(() => lost.length).toBeGreaterThan(before)
        await sql`select 1`.execute(tx)
      })
      await expect(transaction).rejects.toThrow()
      expect((await sql<{ one: number }>`select 1 as one`.execute(store.db)).rows).toEqual([{ one: 1 }])
    } finally {
      await other.end()
    }
  })

  test('no statement and no idle transaction holds its locks past the limits', async () => {
    await using store = await openTestPostgresStore(postgres)
    const { rows } = await sql`select
      extract(epoch from current_setting('statement_timeout')::interval)::int4 * 1000 as "statementMs",
      extract(epoch from current_setting('idle_in_transaction_session_timeout')::interval)::int4 * 1000
        as "idleInTransactionMs"`.execute(store.db)
    const { statementMs, idleInTransactionMs } = postgresLimits
    expect(rows).toEqual([{ statementMs, idleInTransactionMs }])
  })

  test('a server that is not there is an error that names the place, never the password', async () => {
    const error: unknown = await openPostgresStore({
      connectionString: 'postgres://someone:secret@127.0.0.1:1/holdfast',
    }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'not_ready' })
    expect(String(error)).toContain('127.0.0.1:1/holdfast')
    expect(String(error)).not.toContain('secret')
  })
})
