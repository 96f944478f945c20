import { backoffMs } from './backoff.ts'
import { HoldfastHttpError } from './errors.ts'

export const retryLimits = {
  /** Of one request that is safe to repeat. */
  attempts: 6,
} as const

/**
 * Repeats what is safe to repeat while the server cannot be reached (a TypeError of fetch) or is not ready (503),
 * with full jitter and never before its Retry-After.
 */
export async function retrying<Result>(
  task: () => Promise<Result>,
  { signal, random }: { readonly signal: AbortSignal | undefined; readonly random: () => number },
): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task()
    } catch (error) {
      const notReady = error instanceof HoldfastHttpError && error.status === 503
      const repeatable = notReady || error instanceof TypeError
      if (!repeatable || attempt + 1 >= retryLimits.attempts || signal?.aborted) throw error
      await pause(backoffMs(attempt, notReady ? error.retryAfterMs : 0, random), signal)
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = (): void => {
    clearTimeout(timer)
    reject(signal?.reason as Error)
  }
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', abort)
    resolve()
  }, ms)
  signal?.addEventListener('abort', abort, { once: true })
  return promise
}
