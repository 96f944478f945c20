import { connect, errors, type NodeConnectionOptions } from '@nats-io/transport-node'
import type { RetryPolicy } from '../environment/retry-policy.ts'
import type { Bus } from './bus.ts'
import { type BusLogger, type BusSession, openSessionBus } from './session-bus.ts'

export const natsBusLimits = {
  /** Of one message. NATS takes 1 MiB by default; smaller ones reach a follower sooner. */
  payloadBytes: 64 * 1024,
  connectMs: 5_000,
  /** How often a connection is tried; after two that were not answered it is dead. */
  heartbeatMs: 10_000,
} as const

export interface NatsBusOptions {
  /** `nats://` or `tls://`, with `user:password@` or `token@` where needed; several of one cluster with commas between. */
  readonly url: string
  /** Of the store (L6): deployments that share a NATS hear their own hints only. */
  readonly epoch: string
  readonly policy: RetryPolicy
  readonly logger: BusLogger
}

/** Hints over core NATS, at most once and unordered, which is all that B1 asks for. Nothing is kept there. */
export function openNatsBus({ url, epoch, policy, logger }: NatsBusOptions): Promise<Bus> {
  const options = natsOptions(url)
  return openSessionBus({
    openSession: (hear) => openSession(options, `holdfast.${epoch}.hints`, hear, logger),
    what: `NATS at ${options.servers.join(', ')}`,
    payloadBytes: natsBusLimits.payloadBytes,
    policy,
    isRefusal: (error) => error instanceof errors.AuthorizationError,
    logger,
  })
}

/** The client knows no credentials within a URL, and stumbles over them: they are taken out here. */
export function natsOptions(url: string): NodeConnectionOptions & { readonly servers: string[] } {
  const urls = url.split(',').map((one) => new URL(one.trim()))
  const signed = urls.find(({ username }) => username !== '')
  const [user, pass] = [
    decodeURIComponent(signed?.username ?? ''),
    decodeURIComponent(signed?.password ?? ''),
  ]
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || '4222'}`),
    ...(urls.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
  }
}

async function openSession(
  options: NodeConnectionOptions,
  subject: string,
  hear: (payload: string) => void,
  logger: BusLogger,
): Promise<BusSession> {
  const connection = await connect({
    ...options,
    name: 'holdfast',
    // Own subscribers were told at once.
    noEcho: true,
    // Made again by session-bus.ts, as every connection of ours: the client would hold back what is published
    // meanwhile without a bound.
    reconnect: false,
    timeout: natsBusLimits.connectMs,
    pingInterval: natsBusLimits.heartbeatMs,
    maxPingOut: 2,
  })
  const tellErrors = async (): Promise<void> => {
    for await (const status of connection.status())
      if (status.type === 'error') logger.warn({ error: status.error }, 'bus: NATS refused something')
  }
  void tellErrors()
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) hear(message.string())
    },
  })
  try {
    // The subscription has reached the server.
    await connection.flush()
  } catch (error) {
    await connection.close()
    throw error
  }
  return {
    async send(payloads) {
      for (const payload of payloads) connection.publish(subject, payload)
      await connection.flush()
    },
    over: connection.closed(),
    end: () => connection.close(),
  }
}
