import { HoldfastError } from '@holdfast/protocol'
import { Kysely, PostgresDialect } from 'kysely'
import { retry } from '../environment/retry.ts'
import { type RetryPolicy, retryPolicies } from '../environment/retry-policy.ts'
import { migrate, readEpoch } from './migrate.ts'
import { createPool, knock, type PoolTiming, postgresLimits } from './postgres-pool.ts'
import type { Schema } from './schema.ts'
import type { Store, StoreLogger } from './store.ts'
import { storeFault } from './store-fault.ts'

export interface PostgresStoreOptions {
  readonly connectionString: string
  /** Default: postgresLimits.poolSize. */
  readonly poolSize?: number
  /** How often a server that does not answer yet is tried. Default: once. */
  readonly policy?: RetryPolicy
  /** As the database shows its connections. Default: servingName. */
  readonly name?: string
  readonly logger?: StoreLogger
  readonly timing?: PoolTiming
}

/** Of the connections of servers: whoever wants none beside itself looks for them by it. */
export const servingName = 'holdfast'

/**
 * The store of many processes. An acknowledged commit survives power loss where the server's fsync and
 * synchronous_commit are on, as they are by default. A server that goes away later is met again by itself.
 * @throws {HoldfastError} not_ready: no connection, or a migration failed
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { connectionString, poolSize, logger } = options
  try {
    await retry(() => knock(connectionString), {
      policy: options.policy ?? retryPolicies.development,
      what: `store: connecting to PostgreSQL at ${place(connectionString)}`,
      // A wrong password stays wrong.
      isWorthRepeating: (error) => storeFault(error) === 'away' || storeFault(error) === 'busy',
      logger,
    })
    await migrateAlone(options)
  } catch (error) {
    throw notReady(connectionString, error)
  }
  await using opening = new AsyncDisposableStack()
  const { pool, presence } = createPool({
    connectionString,
    logger,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
    limits: {
      application_name: options.name ?? servingName,
      max: poolSize ?? postgresLimits.poolSize,
      statement_timeout: postgresLimits.statementMs,
      query_timeout: postgresLimits.answerMs,
      idle_in_transaction_session_timeout: postgresLimits.idleInTransactionMs,
    },
  })
  opening.use(presence)
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  opening.defer(() => db.destroy())
  const epoch = await readEpoch(db)
  const owned = opening.move()
  let closing: Promise<void> | null = null
  return {
    kind: 'postgres',
    capabilities: { durability: 'power-loss', exclusive: false },
    db,
    presence,
    epoch,
    [Symbol.asyncDispose]: () => (closing ??= owned.disposeAsync()),
  }
}

/** Migrations have no statement timeout: they may be long, and a second node waits until the first is through. */
async function migrateAlone({ connectionString, logger }: PostgresStoreOptions): Promise<void> {
  const { pool, presence } = createPool({ connectionString, logger, limits: { max: 1 } })
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  try {
    await migrate(db)
  } finally {
    await db.destroy()
    await presence[Symbol.asyncDispose]()
  }
}

function notReady(connectionString: string, error: unknown): Error {
  if (error instanceof HoldfastError && storeFault(error.cause) === null) return error
  const reason = error instanceof HoldfastError ? error.cause : error
  return new HoldfastError(
    'not_ready',
    `PostgreSQL at ${place(connectionString)} cannot be used: ${messageOf(reason)}. ` +
      'Check the database URL, and that the server runs and lets this user in.',
    { cause: reason },
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
