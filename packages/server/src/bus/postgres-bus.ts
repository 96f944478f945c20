import pg from 'pg'
import type { RetryPolicy } from '../environment/retry-policy.ts'
import type { Bus } from './bus.ts'
import { type BusLogger, type BusSession, openSessionBus } from './session-bus.ts'

export const postgresBusLimits = {
  /** Of one notification; PostgreSQL takes up to 7,999. */
  payloadBytes: 7_900,
  connectMs: 5_000,
  /** Ours are statements of a moment: one that does not come back is a connection that is dead. */
  answerMs: 5_000,
  /** How often a connection is tried: one that a firewall has forgotten says nothing by itself. */
  heartbeatMs: 10_000,
  /** A server that does not say goodbye is left. */
  goodbyeMs: 500,
} as const

/** A channel is its database's, and so this store's alone. */
const channel = 'holdfast_hints'

export interface PostgresBusOptions {
  readonly connectionString: string
  readonly policy: RetryPolicy
  readonly logger: BusLogger
  /** Default: postgresBusLimits. For tests that cannot wait as long. */
  readonly timing?: { readonly answerMs: number; readonly heartbeatMs: number }
}

/**
 * LISTEN and NOTIFY on one connection of their own. What a node has to say is gathered and sent after its commits
 * (B2): within the events' transactions NOTIFY would take a lock of the whole database until each has committed
 * (9,709 → 1,932 transactions/s in a trial). It needs a session to itself: through a pooler that lends connections
 * by the transaction nothing arrives, and the polls are all there is (B1).
 */
export function openPostgresBus({
  connectionString,
  policy,
  logger,
  timing = postgresBusLimits,
}: PostgresBusOptions): Promise<Bus> {
  return openSessionBus({
    openSession: (hear) => openSession(connectionString, timing, hear),
    what: 'PostgreSQL',
    payloadBytes: postgresBusLimits.payloadBytes,
    policy,
    // The store is in use with the same URL: whatever stands against this connection may pass.
    isRefusal: () => false,
    logger,
  })
}

async function openSession(
  connectionString: string,
  { answerMs, heartbeatMs }: { readonly answerMs: number; readonly heartbeatMs: number },
  hear: (payload: string) => void,
): Promise<BusSession> {
  const client = new pg.Client({
    connectionString,
    application_name: 'holdfast bus',
    connectionTimeoutMillis: postgresBusLimits.connectMs,
    query_timeout: answerMs,
    keepAlive: true,
  })
  const over = Promise.withResolvers<void>()
  client.on('end', over.resolve)
  // What is wrong shows in the end that follows. Without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    client.on('notification', ({ payload = '', processId }) => {
      // Own subscribers were told at once.
      if (processId !== rows[0]?.pid) hear(payload)
    })
    await client.query(`listen ${channel}`)
  } catch (error) {
    await leave(client)
    throw error
  }
  let last: Promise<void> = Promise.resolve()
  /** One after another. A statement that fails or is not answered ends the connection, and so the session. */
  const query = (text: string, values: readonly unknown[] = []): Promise<void> => {
    const asked = last.then(async () => {
      try {
        await client.query(text, [...values])
      } catch (error) {
        client.connection.stream.destroy()
        throw error
      }
    })
    last = asked.catch(() => {})
    return asked
  }
  const heartbeat = setInterval(() => void query('select 1').catch(() => {}), heartbeatMs)
  client.on('end', () => clearInterval(heartbeat))
  return {
    send: (payloads) =>
      query('select pg_notify($1, payload) from unnest($2::text[]) as payload', [channel, payloads]),
    over: over.promise,
    end: () => leave(client),
  }
}

async function leave(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), postgresBusLimits.goodbyeMs)
  await client.end()
  clearTimeout(timer)
}
