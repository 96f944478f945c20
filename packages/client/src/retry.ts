import { backoffMs } from './backoff.ts'
import { HoldfastHttpError, HoldfastNetworkError } from './errors.ts'
import { longestTimerMs } from './platform.ts'

export const retryLimits = {
  /** Of one request that is safe to repeat. */
  attempts: 6,
} as const

/** Of a gateway or a server that could not take the request; the server's own 429 says when to come back. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Repeats what is safe to repeat while the server cannot be reached or cannot take it, with full jitter and never
 * before its Retry-After.
 */
export async function retrying<Result>(
  task: () => Promise<Result>,
  { signal, random }: { readonly signal: AbortSignal | undefined; readonly random: () => number },
): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task()
    } catch (error) {
      const refused = error instanceof HoldfastHttpError && passing.has(error.status) ? error : null
      const repeatable = refused !== null || error instanceof HoldfastNetworkError
      if (!repeatable || attempt + 1 >= retryLimits.attempts) throw error
      signal?.throwIfAborted()
      await pause(backoffMs(attempt, refused?.retryAfterMs ?? 0, random), signal)
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = (): void => {
    clearTimeout(timer)
    reject(signal?.reason as Error)
  }
  const timer = setTimeout(
    () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    },
    Math.min(ms, longestTimerMs),
  )
  signal?.addEventListener('abort', abort, { once: true })
  return promise
}
