import { retry } from '../environment/retry.ts'
import { reconnectPolicy } from '../environment/retry-policy.ts'
import type { StoreLogger, StorePresence } from './store.ts'
import { StoreAwayError, storeFault } from './store-fault.ts'

/** Of an embedded store, which is there as long as its process is. */
export const alwaysThere: StorePresence = { away: false, onBack: () => () => {} }

export interface WatchedPresence extends StorePresence, AsyncDisposable {
  /**
   * While the database is away it is asked by one probe alone: what comes meanwhile is answered at once, and does not
   * gather into the crowd that a server meets as it comes back.
   * @throws {StoreAwayError}
   */
  assertThere(): void
  /** Something does not answer: looks whether the database is there. */
  suspect(): void
  /** Something failed: what to throw instead, and perhaps a reason to look whether the database is there. */
  failed(error: unknown): unknown
}

export interface PresenceOptions {
  /** Connects anew, asks one question and leaves; rejects where the database cannot be used. */
  readonly probe: () => Promise<void>
  readonly logger: StoreLogger | undefined
  readonly nowMs?: () => number
}

export const presenceLimits = {
  /** A database that is busy, or refuses, is told of at most this often. */
  toldMs: 5_000,
} as const

/**
 * there ──a statement lost its connection, and a probe finds nobody──▶ away ──a probe succeeds──▶ there
 *
 * A connection can be lost while all is well (somebody ended it): then the probe succeeds, and nothing else happens.
 */
export function createPresence({ probe, logger, nowMs = Date.now }: PresenceOptions): WatchedPresence {
  const listeners = new Set<() => void>()
  const ended = new AbortController()
  let awaySinceMs: number | null = null
  let toldAtMs = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | null = null

  const firstFailure = (error: unknown): void => {
    if (awaySinceMs !== null) return
    awaySinceMs = nowMs()
    logger?.error({ error }, 'store: PostgreSQL is away; requests are answered with 503 until it is back')
  }
  const look = async (): Promise<void> => {
    try {
      await retry(
        async () => {
          try {
            await probe()
          } catch (error) {
            // Too busy for another connection, or not letting us in, is not away.
            if (storeFault(error) === 'away') throw error
          }
        },
        {
          policy: reconnectPolicy,
          what: 'store: connecting to PostgreSQL',
          isWorthRepeating: () => true,
          logger: {
            warn(fields, message) {
              firstFailure('error' in fields ? fields.error : null)
              logger?.debug(fields, message)
            },
          },
          signal: ended.signal,
        },
      )
    } catch (error) {
      if (ended.signal.aborted) return
      throw error
    }
    if (awaySinceMs === null) return
    logger?.warn({ awayMs: nowMs() - awaySinceMs }, 'store: PostgreSQL is back')
    awaySinceMs = null
    for (const listener of listeners) listener()
  }

  const suspect = (): void => {
    if (ended.signal.aborted) return
    looking ??= look().finally(() => {
      looking = null
    })
  }

  return {
    suspect,
    get away() {
      return awaySinceMs !== null
    },
    onBack(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    assertThere() {
      if (awaySinceMs !== null) throw new StoreAwayError('away')
    },
    failed(error) {
      const fault = storeFault(error)
      if (fault === null) return error
      if (fault === 'away') suspect()
      if (fault !== 'away' && nowMs() - toldAtMs >= presenceLimits.toldMs) {
        toldAtMs = nowMs()
        logger?.error(
          { error },
          `store: PostgreSQL does not take a request (${fault}); such are answered with 503`,
        )
      }
      return new StoreAwayError(fault, { cause: error })
    },
    async [Symbol.asyncDispose]() {
      ended.abort()
      listeners.clear()
      await looking
    },
  }
}
