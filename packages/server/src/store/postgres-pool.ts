import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { preparedName } from './prepared.ts'
import { createPresence, type WatchedPresence } from './presence.ts'
import { sessionOptions } from './session.ts'
import type { StoreLogger } from './store.ts'
import { storeFault } from './store-fault.ts'
import { typeParser } from './type-parsers.ts'

export const postgresLimits = {
  /** Connections of one node. Appends share one of them; the rest serve reads and transactions. */
  poolSize: 10,
  /** No statement of ours is long; one that is waits for a lock that will not come. */
  statementMs: 30_000,
  /** The same, for a server that does not even say so: the connection is given up. */
  answerMs: 35_000,
  /** A transaction whose process stands still gives its locks back. */
  idleInTransactionMs: 30_000,
  /** For a new connection, and for a free one of the pool. */
  connectMs: 10_000,
  /** From when on a silent connection is asked by the kernel whether the other side is still there. */
  keepAliveMs: 10_000,
} as const

export interface PoolOptions {
  readonly connectionString: string
  readonly logger: StoreLogger | undefined
  /** Of this pool besides what all of ours have. */
  readonly limits: pg.PoolConfig
}

/** Connections as kysely takes them, and whether there is anybody at the other end. */
export interface StorePool {
  readonly pool: PostgresPool
  readonly presence: WatchedPresence
}

export function createPool({ connectionString, logger, limits }: PoolOptions): StorePool {
  const config: pg.PoolConfig = {
    connectionString,
    application_name: 'holdfast',
    connectionTimeoutMillis: postgresLimits.connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: postgresLimits.keepAliveMs,
    options: sessionOptions,
    types: { getTypeParser: (typeOid: number) => typeParser(typeOid) },
    ...limits,
  }
  const pool = new pg.Pool(config)
  const presence = createPresence({ probe: () => knock(connectionString), logger })
  /** What was connected before the database went away may be a socket that nobody holds the other end of. */
  let generation = 0
  const generationOf = new WeakMap<pg.PoolClient, number>()
  presence.onBack(() => {
    generation += 1
  })
  // Without a listener a lost connection would end the process. The pool makes another one.
  pool.on('error', (error) => {
    logger?.debug({ error }, 'store: an idle database connection was lost')
    presence.failed(error)
  })
  pool.on('connect', (client) => {
    generationOf.set(client, generation)
    // The pool listens only while a connection is idle; this is for the rest, between a transaction's statements.
    // The statement that comes next fails and says so to its caller.
    client.on('error', (error) => logger?.debug({ error }, 'store: a database connection was lost'))
  })

  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    let broken = false
    const send = (text: string, values: unknown[]): Promise<unknown> => {
      const name = preparedName(text)
      return name === null ? client.query(text, values) : client.query({ name, text, values })
    }
    /** kysely hands statements over as text; those that carry a name are prepared (prepared.ts). */
    const query = async (text: string, parameters: readonly unknown[]): Promise<unknown> => {
      try {
        return await send(text, [...parameters])
      } catch (error) {
        // Also one that was not answered in time: the answer may yet come, and would be taken for another's.
        if (storeFault(error) === 'away') broken = true
        throw presence.failed(error)
      }
    }
    return {
      // kysely types the overload for cursors too; none is configured.
      query: query as PostgresPoolClient['query'],
      release: (destroy) => client.release(broken || destroy),
    }
  }
  const connect = async (): Promise<pg.PoolClient> => {
    for (;;) {
      presence.assertThere()
      const client = await pool.connect().catch((error: unknown) => {
        throw presence.failed(error)
      })
      if (generationOf.get(client) === generation) return client
      client.release(true)
    }
  }
  return {
    presence,
    pool: {
      options: pool.options,
      end: () => pool.end(),
      async connect() {
        const client = await connect()
        const known = wrapped.get(client) ?? wrap(client)
        wrapped.set(client, known)
        return known
      },
    },
  }
}

/** A connection of its own, one question, and away again: is the database there? */
export async function knock(connectionString: string): Promise<void> {
  const client = new pg.Client({
    connectionString,
    application_name: 'holdfast',
    connectionTimeoutMillis: postgresLimits.connectMs,
    query_timeout: postgresLimits.connectMs,
  })
  // What is wrong shows in what is awaited. Without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end()
  }
}
