import pg from 'pg'
import { inject } from 'vitest'
import { openPostgresStore } from '../postgres-store.ts'
import type { Store } from '../store.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly connectionString: string
}

export interface TestPostgres {
  readonly available: boolean
  /** Put behind a suite's name: empty, or why the suite is skipped. */
  readonly note: string
  /** A new, empty database, dropped when it is disposed of, with whatever is still connected. */
  createDatabase(): Promise<TestDatabase>
}

/**
 * The real PostgreSQL of this test run (vitest.postgres.ts). At the top of a test file:
 *
 *     const postgres = await startTestPostgres()
 *     describe.skipIf(!postgres.available)(`the log on PostgreSQL${postgres.note}`, () => …)
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const response = await fetch(inject('postgresDoor'))
  const text = await response.text()
  if (!response.ok) {
    const unavailable = `no PostgreSQL: ${text.split('\n')[0]}`
    return {
      available: false,
      note: ` (skipped, ${unavailable})`,
      createDatabase: () => Promise.reject(new Error(unavailable)),
    }
  }
  return { available: true, note: '', createDatabase: () => createDatabase(text) }
}

/** A migrated store on a database of its own; both go together. */
export async function openTestPostgresStore(postgres: TestPostgres): Promise<Store> {
  await using opening = new AsyncDisposableStack()
  const { connectionString } = opening.use(await postgres.createDatabase())
  const store = opening.use(await openPostgresStore({ connectionString, poolSize: 5 }))
  const owned = opening.move()
  return { ...store, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `holdfast_test_${crypto.randomUUID().replaceAll('-', '')}`
  await command(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    connectionString: url.href,
    [Symbol.asyncDispose]: () => command(serverUrl, `drop database if exists ${name} with (force)`),
  }
}

async function command(serverUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
