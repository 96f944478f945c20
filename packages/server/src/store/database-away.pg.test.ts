import { systemIdMaker } from '@holdfast/protocol'
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { openPostgresStore } from './postgres-store.ts'
import type { Store } from './store.ts'
import { StoreAwayError } from './store-fault.ts'
import { openMuteProxy } from './testing/mute-proxy.ts'
import { startTestPostgres } from './testing/postgres.ts'
import { openPostgresServer } from './testing/postgres-server.ts'

const postgres = await startTestPostgres()
const makeId = systemIdMaker()

const one = (store: Store): Promise<unknown> => sql`select 1 as one`.execute(store.db)
const fails = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )

function back(store: Store): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  store.presence.onBack(resolve)
  return promise
}

// A server of its own: nobody else's is stopped.
describe.skipIf(!postgres.available)(`a real PostgreSQL that goes away${postgres.note}`, () => {
  test.each(['fast', 'immediate'] as const)(
    '%s: statements fail as not ready, at once, and work again by themselves',
    async (how) => {
      await using server = await openPostgresServer()
      const told: string[] = []
      const tell = (_: object, message: string): void => void told.push(message)
      const logger = { error: tell, warn: tell, debug() {} }
      await using store = await openPostgresStore({ connectionString: server.url, poolSize: 3, logger })
      const id = makeId('thread')
      await store.db
        .insertInto('threads')
        .values({ id, owner: makeId('user'), title: 'kept' })
        .execute()

      // One in the middle of a statement, one between two statements of a transaction, one idle.
      const underWay = fails(sql`select pg_sleep(60)`.execute(store.db))
      const entered = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const transaction = fails(
        store.db.transaction().execute(async (tx) => {
          await tx.updateTable('threads').set({ title: 'lost' }).where('id', '=', id).execute()
          entered.resolve()
          await goOn.promise
          await sql`select 1`.execute(tx)
        }),
      )
      await one(store)
      await entered.promise
      await server.stop(how)
      goOn.resolve()
      expect(await underWay).toBeInstanceOf(StoreAwayError)
      expect(await transaction).toBeInstanceOf(StoreAwayError)
      await expect.poll(() => store.presence.away).toBe(true)

      // Not one attempt to connect each: a thousand requests are answered before a probe is.
      const beganMs = performance.now()
      const errors = await Promise.all(Array.from({ length: 1_000 }, () => fails(one(store))))
      expect(performance.now() - beganMs).toBeLessThan(1_000)
      expect(errors.every((error) => error instanceof StoreAwayError)).toBe(true)

      const isBack = back(store)
      await server.start()
      await isBack
      expect(store.presence.away).toBe(false)
      expect(await store.db.selectFrom('threads').select('title').where('id', '=', id).execute()).toEqual([
        { title: 'kept' },
      ])
      expect(told).toEqual([
        'store: PostgreSQL is away; requests are answered with 503 until it is back',
        'store: PostgreSQL is back',
      ])
    },
  )

  test('a store that is closed while the database is away is closed soon, and looks no more', async () => {
    await using server = await openPostgresServer()
    const store = await openPostgresStore({ connectionString: server.url })
    await one(store)
    await server.stop('fast')
    await fails(one(store))
    await expect.poll(() => store.presence.away).toBe(true)
    await store[Symbol.asyncDispose]()
  })

  test('a node waits at its start for a database that is still starting, as long as its policy says', async () => {
    await using server = await openPostgresServer()
    await server.stop('fast')
    const failures: object[] = []
    const starting = Promise.withResolvers<void>()
    const logger = {
      error() {},
      debug() {},
      warn(fields: object) {
        failures.push(fields)
        if (failures.length === 2) starting.resolve(server.start())
      },
    }
    const policy = { attempts: 1_000, baseMs: 50, mostMs: 50 }
    await using store = await openPostgresStore({ connectionString: server.url, policy, logger })
    await starting.promise
    await one(store)
    expect(failures[0]).toMatchObject({ attempt: 1, of: 1_000 })
  })

  test('a database that falls silent: who waits is told within seconds, and it is met again when it speaks', async () => {
    await using database = await postgres.createDatabase()
    await using proxy = await openMuteProxy(database.connectionString)
    const timing = { silentMs: 300, lookMs: 50, knockMs: 300 }
    await using store = await openPostgresStore({ connectionString: proxy.url, poolSize: 3, timing })
    await Promise.all([one(store), one(store)])
    // One that is slow is left alone: the database is there.
    await sql`select pg_sleep(1)`.execute(store.db)
    proxy.mute()
    const beganMs = performance.now()
    expect(await fails(one(store))).toBeInstanceOf(StoreAwayError)
    expect(performance.now() - beganMs).toBeLessThan(5_000)
    expect(store.presence.away).toBe(true)
    const isBack = back(store)
    proxy.unmute()
    await isBack
    await Promise.all([one(store), one(store), one(store)])
  })

  test('one connection that is ended is no absence: the others work on', async () => {
    await using database = await postgres.createDatabase()
    const told: string[] = []
    const tell = (_: object, message: string): void => void told.push(message)
    await using store = await openPostgresStore({
      connectionString: database.connectionString,
      poolSize: 2,
      logger: { error: tell, warn: tell, debug() {} },
    })
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(store.db)
    const waiting = fails(sql`select pg_sleep(60)`.execute(store.db))
    await expect
      .poll(
        async () =>
          (
            await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`.execute(store.db)
          ).rows.length,
      )
      .toBe(1)
    expect(rows).toHaveLength(1)
    expect(await waiting).toBeInstanceOf(StoreAwayError)
    await one(store)
    expect([store.presence.away, told]).toEqual([false, []])
  })

  test('a server without room for another connection is busy, and not away', async () => {
    await using stack = new AsyncDisposableStack()
    const { connectionString } = stack.use(await postgres.createDatabase())
    const admin = new pg.Client({ connectionString })
    await admin.connect()
    const url = new URL(connectionString)
    const role = `crowded_${crypto.randomUUID().replaceAll('-', '')}`
    await admin.query(`create role ${role} login password 'x'`)
    await admin.query(`alter database ${url.pathname.slice(1)} owner to ${role}`)
    stack.defer(async () => {
      await admin.query(`reassign owned by ${role} to current_user`)
      await admin.query(`drop owned by ${role}`)
      await admin.query(`drop role ${role}`)
      await admin.end()
    })
    url.username = role
    url.password = 'x'
    const told: string[] = []
    const tell = (_: object, message: string): void => void told.push(message)
    const logger = { error: tell, warn: tell, debug() {} }
    const store = stack.use(await openPostgresStore({ connectionString: url.href, poolSize: 3, logger }))
    await store.db.connection().execute(async (held) => {
      await sql`select 1`.execute(held)
      await admin.query(`alter role ${role} connection limit 1`)
      const error = await fails(Promise.all([one(store), one(store)]))
      expect(error).toBeInstanceOf(StoreAwayError)
      expect(String(error)).toContain('more to do')
      expect(store.presence.away).toBe(false)
      // Those that have a connection work on.
      await sql`select 1`.execute(held)
    })
    await one(store)
    expect(told).toEqual(['store: PostgreSQL does not take a request (busy); such are answered with 503'])
  })
})
