import { setTimeout as sleepMs } from 'node:timers/promises'
import type { RetryPolicy } from './retry-policy.ts'

export interface RetryOptions {
  readonly policy: RetryPolicy
  /** What is tried, for the log: "connecting to PostgreSQL at db:5432/holdfast". Never a secret. */
  readonly what: string
  /** Of an error that another try may not meet. The caller knows; a wrong password is not one of them. */
  readonly isWorthRepeating: (error: unknown) => boolean
  /**
   * What the other side asked to be left alone for, in milliseconds; 0: it did not say. Default: 0. More than the
   * policy's mostMs is not waited for: the failure is thrown at once.
   */
  readonly askedToWaitMs?: (error: unknown) => number
  /** Told of every attempt that failed. */
  readonly logger?: { warn(fields: object, message: string): void } | undefined
  /** Ends the waiting, and the attempt where that heeds it; what is thrown then is its reason. */
  readonly signal?: AbortSignal | undefined
  /** Default: the clock. Rejects when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>
  /** 0 ≤ x < 1. Default: Math.random. */
  readonly random?: () => number
}

/** Before attempt `attempt + 1`, the first being 1. */
export function retryDelayMs({ baseMs, mostMs }: RetryPolicy, attempt: number, chance: number): number {
  return Math.min(mostMs, baseMs * 2 ** (attempt - 1)) * chance
}

/**
 * The one place that repeats what failed: connecting to database, bus, identity provider and models.
 * @throws what the last attempt threw: one not worth repeating, or the policy's last; the signal's reason once it aborts
 */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  {
    policy,
    what,
    isWorthRepeating,
    askedToWaitMs = () => 0,
    logger,
    signal,
    sleep = (ms, aborted) => sleepMs(ms, undefined, aborted === undefined ? {} : { signal: aborted }),
    random = Math.random,
  }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      return await work(attempt)
    } catch (error) {
      signal?.throwIfAborted()
      const leastMs = askedToWaitMs(error)
      const again = attempt < policy.attempts && leastMs <= policy.mostMs && isWorthRepeating(error)
      const nextInMs = again ? leastMs + Math.round(retryDelayMs(policy, attempt, random())) : null
      const of = Number.isFinite(policy.attempts) ? { of: policy.attempts } : {}
      logger?.warn({ attempt, ...of, nextInMs, error }, `${what} failed`)
      if (nextInMs === null) throw error
      try {
        await sleep(nextInMs, signal)
      } catch (interrupted) {
        // Whoever aborted said why; the timer only says that it was.
        signal?.throwIfAborted()
        throw interrupted
      }
    }
  }
}
