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
  /** A statement without an answer for so long makes the pool look whether the database is there at all. */
  silentMs: 5_000,
  /** How often that is looked at. */
  lookMs: 1_000,
  /** A database that takes longer than this to say hello is away. */
  knockMs: 3_000,
  /** …and one that does not say goodbye within this is left. */
  goodbyeMs: 500,
  /** A transaction whose process stands still gives its locks back, soon enough for a hand-over within 10 s (R2). */
  idleInTransactionMs: 5_000,
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
  /** Default: postgresLimits. For tests that cannot wait as long. */
  readonly timing?: PoolTiming
}

export type PoolTiming = Partial<
  Record<keyof Pick<typeof postgresLimits, 'silentMs' | 'lookMs' | 'knockMs'>, number>
>

/** Connections as kysely takes them, and whether there is anybody at the other end. */
export interface StorePool {
  readonly pool: PostgresPool
  readonly presence: WatchedPresence
}

/**
 * A database that is gone says so, or its machine does. One whose machine or network is gone says nothing: statements
 * that wait for it are noticed by their age (silentMs), a probe tells a slow one from none, and where there is none
 * their connections are cut, so that nobody waits much longer than silentMs and knockMs together.
 */
export function createPool({ connectionString, logger, limits, timing }: PoolOptions): StorePool {
  const { silentMs, lookMs, knockMs } = { ...postgresLimits, ...timing }
  const config: pg.PoolConfig = {
    connectionString,
    connectionTimeoutMillis: postgresLimits.connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: postgresLimits.keepAliveMs,
    options: sessionOptions,
    types: { getTypeParser: (typeOid: number) => typeParser(typeOid) },
    ...limits,
  }
  const pool = new pg.Pool(config)
  const presence = createPresence({ probe: () => knock(connectionString, knockMs), logger })
  /** What was connected before the database went away may be a socket that nobody holds the other end of. */
  let generation = 0
  const generationOf = new WeakMap<pg.PoolClient, number>()
  presence.onBack(() => {
    generation += 1
  })
  const waitingSinceMs = new Map<pg.PoolClient, number>()
  const looking = setInterval(() => {
    for (const [client, sinceMs] of waitingSinceMs) {
      if (performance.now() - sinceMs < silentMs) continue
      if (presence.away) cut(client)
      else presence.suspect()
    }
  }, lookMs).unref()
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
      waitingSinceMs.set(client, performance.now())
      try {
        return await send(text, [...parameters])
      } catch (error) {
        // Also one that was not answered in time: the answer may yet come, and would be taken for another's.
        if (storeFault(error) === 'away') broken = true
        throw presence.failed(error)
      } finally {
        waitingSinceMs.delete(client)
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
      async end() {
        clearInterval(looking)
        await pool.end()
      },
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
export async function knock(
  connectionString: string,
  withinMs: number = postgresLimits.knockMs,
): Promise<void> {
  const client = new pg.Client({
    connectionString,
    application_name: 'holdfast probe',
    connectionTimeoutMillis: withinMs,
    query_timeout: withinMs,
  })
  // What is wrong shows in what is awaited. Without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    leave(client)
  }
}

/** Nobody waits for the goodbye: a server that fell silent never says it. */
function leave(client: pg.Client): void {
  const timer = setTimeout(() => client.connection.stream.destroy(), postgresLimits.goodbyeMs).unref()
  void client.end().finally(() => clearTimeout(timer))
}

/** At once, and without a goodbye that nobody hears: who waits for an answer on it gets an error. */
function cut(client: pg.PoolClient): void {
  // PoolClient's types leave out that it is a Client.
  if (client instanceof pg.Client) client.connection.stream.destroy()
}
