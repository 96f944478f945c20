import { HoldfastError } from '@holdfast/protocol'
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { migrate, readEpoch } from './migrate.ts'
import { preparedName } from './prepared.ts'
import type { Schema } from './schema.ts'
import { sessionOptions } from './session.ts'
import type { Store, StoreLogger } from './store.ts'
import { typeParser } from './type-parsers.ts'

export const postgresLimits = {
  /** Connections of one node. Appends share one of them; the rest serve reads and transactions. */
  poolSize: 10,
  /** No statement of ours is long; one that is waits for a lock that will not come. */
  statementMs: 30_000,
  /** A transaction whose process stands still gives its locks back. */
  idleInTransactionMs: 30_000,
  connectMs: 10_000,
} as const

export interface PostgresStoreOptions {
  readonly connectionString: string
  /** Default: postgresLimits.poolSize. */
  readonly poolSize?: number
  readonly logger?: StoreLogger
}

/**
 * The store of many processes. An acknowledged commit survives power loss where the server's fsync and
 * synchronous_commit are on, as they are by default.
 * @throws {HoldfastError} not_ready: no connection, or a migration failed
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  await migrateAlone(options)
  await using opening = new AsyncDisposableStack()
  const db = connect(options, {
    max: options.poolSize ?? postgresLimits.poolSize,
    statement_timeout: postgresLimits.statementMs,
    idle_in_transaction_session_timeout: postgresLimits.idleInTransactionMs,
  })
  opening.defer(() => db.destroy())
  const epoch = await readEpoch(db)
  const owned = opening.move()
  let closing: Promise<void> | null = null
  return {
    kind: 'postgres',
    capabilities: { durability: 'power-loss', exclusive: false },
    db,
    epoch,
    [Symbol.asyncDispose]: () => (closing ??= owned.disposeAsync()),
  }
}

/** Migrations have no statement timeout: they may be long, and a second node waits until the first is through. */
async function migrateAlone(options: PostgresStoreOptions): Promise<void> {
  const db = connect(options, { max: 1 })
  try {
    await migrate(db)
  } catch (error) {
    throw notReady(options.connectionString, error)
  } finally {
    await db.destroy()
  }
}

function connect({ connectionString, logger }: PostgresStoreOptions, limits: pg.PoolConfig): Kysely<Schema> {
  const pool = new pg.Pool({
    connectionString,
    connectionTimeoutMillis: postgresLimits.connectMs,
    options: sessionOptions,
    types: { getTypeParser: (typeOid: number) => typeParser(typeOid) },
    ...limits,
  })
  // Without a listener a lost connection would end the process. The pool makes another one.
  pool.on('error', (error) => logger?.warn({ error }, 'store: an idle database connection was lost'))
  pool.on('connect', (client) => {
    // The pool listens only while a connection is idle; this is for the rest, between a transaction's statements.
    // The statement that comes next fails and says so to its caller.
    client.on('error', (error) => logger?.debug({ error }, 'store: a database connection was lost'))
  })
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: preparing(pool) }) })
}

/** kysely hands statements over as text; those that carry a name are prepared (prepared.ts). */
function preparing(pool: pg.Pool): PostgresPool {
  const known = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    const query = (text: string, parameters: readonly unknown[]): Promise<unknown> => {
      const name = preparedName(text)
      const values = [...parameters]
      return name === null ? client.query(text, values) : client.query({ name, text, values })
    }
    return {
      // kysely types the overload for cursors too; none is configured.
      query: query as PostgresPoolClient['query'],
      release: (destroy) => client.release(destroy),
    }
  }
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      const wrapped = known.get(client) ?? wrap(client)
      known.set(client, wrapped)
      return wrapped
    },
  }
}

function notReady(connectionString: string, error: unknown): Error {
  if (error instanceof HoldfastError) return error
  return new HoldfastError(
    'not_ready',
    `PostgreSQL at ${place(connectionString)} cannot be used: ${messageOf(error)}. ` +
      'Check the database URL, and that the server runs and lets this user in.',
    { cause: error },
  )
}

function messageOf(error: unknown): string {
  // A host with several addresses: one error each, and no message of its own.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** Host, port and database; never the password. */
function place(connectionString: string): string {
  if (!URL.canParse(connectionString)) return 'the given database URL'
  const { host, pathname } = new URL(connectionString)
  return `${host}${pathname}`
}
