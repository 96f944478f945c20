import { HoldfastError } from '@holdfast/protocol'
import { retry } from '../environment/retry.ts'
import { type RetryPolicy, reconnectPolicy } from '../environment/retry-policy.ts'
import type { Bus, Hint } from './bus.ts'
import { unpackHints } from './hint-text.ts'
import { createListeners } from './listeners.ts'
import { createOutbox, type SendHints } from './outbox.ts'

/** One connection to whatever carries hints, from hearing the others to its end. */
export interface BusSession {
  readonly send: SendHints
  /** Resolves when the connection is gone, however that came. */
  readonly over: Promise<unknown>
  /** Prompt, also where nobody answers. */
  end(): Promise<void>
}

/** What a bus tells of itself: that it is cut off, and back. */
export interface BusLogger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

export interface SessionBusOptions {
  /** A session that hears the other nodes; own hints may come back to it, or not. */
  readonly openSession: (hear: (payload: string) => void) => Promise<BusSession>
  /** What is connected to, as a person may read it: `PostgreSQL`. */
  readonly what: string
  readonly payloadBytes: number
  /** How often the first connection is tried before the node goes on without. */
  readonly policy: RetryPolicy
  /** Of a refusal that no patience helps: wrong credentials. */
  readonly isRefusal: (error: unknown) => boolean
  readonly logger: BusLogger
}

/**
 * A bus over one connection at a time, which is made again for ever when it is lost. Each time that succeeds, hints of
 * others may have been missed: resync.
 *
 * A node starts without its bus where that does not answer: hints make it faster and nothing else (B1), and a fleet
 * must be able to restart while what carries them is away.
 * @throws {HoldfastError} not_ready: the first connection was refused
 */
export async function openSessionBus(options: SessionBusOptions): Promise<Bus> {
  const { openSession, what, payloadBytes, policy, isRefusal, logger } = options
  const subscribers = createListeners<[Hint]>()
  const resyncs = createListeners<[]>()
  const outbox = createOutbox({ payloadBytes, logger })
  const ended = new AbortController()
  const hear = (payload: string): void => {
    for (const hint of unpackHints(payload)) subscribers.tell(hint)
  }
  const common = { what: `bus: connecting to ${what}`, signal: ended.signal }

  /** null: nobody answers, and the policy's patience is over. */
  const first = async (): Promise<BusSession | null> => {
    const isWorthRepeating = (error: unknown): boolean => !isRefusal(error)
    try {
      return await retry(() => openSession(hear), { ...common, policy, isWorthRepeating, logger })
    } catch (error) {
      if (!isRefusal(error)) return null
      const why = error instanceof Error ? error.message : String(error)
      throw new HoldfastError(
        'not_ready',
        `${what} does not let this node in: ${why}. Check the credentials.`,
        {
          cause: error,
        },
      )
    }
  }
  const again = (): Promise<BusSession> =>
    retry(() => openSession(hear), {
      ...common,
      policy: reconnectPolicy,
      isWorthRepeating: () => true,
      // The loss and the return are told once each; what lies between is for whoever looks closely.
      logger: { warn: (fields, message) => logger.debug(fields, message) },
    })

  let session = await first()
  if (session === null) logger.error({}, `bus: ${what} does not answer; polls go on without hints`)
  const keep = async (): Promise<void> => {
    for (;;) {
      if (session !== null) {
        outbox.route(sendDuring(session))
        await session.over
        outbox.route(null)
        if (ended.signal.aborted) return
        logger.warn({}, `bus: the connection to ${what} was lost; polls go on without hints`)
      }
      session = await again()
      logger.info({}, `bus: connected to ${what}`)
      resyncs.tell()
    }
  }
  const kept = keep().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error
  })

  const end = async (): Promise<void> => {
    await outbox.close()
    ended.abort()
    subscribers.clear()
    resyncs.clear()
    await session?.end()
    await kept
    // One that was being made meanwhile.
    await session?.end()
  }
  let ending: Promise<void> | null = null
  return {
    publish(hint) {
      if (ended.signal.aborted) return
      outbox.add(hint)
      queueMicrotask(() => subscribers.tell(hint))
    },
    subscribe: subscribers.add,
    onResync: resyncs.add,
    [Symbol.asyncDispose]: () => (ending ??= end()),
  }
}

/**
 * A sending that ends with its session at the latest: a client that lost its server may never say so to who waits for
 * an answer. (Not a race with `over`: of every sending something would stay with it until the session ends.)
 */
function sendDuring({ send, over }: BusSession): SendHints {
  let abandon: (() => void) | null = null
  void over.then(() => abandon?.())
  return (payloads) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    abandon = () => reject(new Error('The connection was lost'))
    send(payloads).then(resolve, reject)
    return promise
  }
}
