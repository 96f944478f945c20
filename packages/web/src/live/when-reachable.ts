import { HoldfastHttpError, HoldfastNetworkError } from '@holdfast/client'

/** Statuses of a server, or of a proxy before it, that is not there yet. */
const notThere: ReadonlySet<number> = new Set([429, 502, 503, 504])
const firstWaitMs = 500
const longestWaitMs = 15_000

/** Whether what was asked for may well be had in a moment, and how long to wait for it at least. */
function passing(error: unknown): { readonly afterMs: number } | null {
  if (error instanceof HoldfastNetworkError) return { afterMs: 0 }
  if (!(error instanceof HoldfastHttpError) || !notThere.has(error.status)) return null
  return { afterMs: error.retryAfterMs }
}

/**
 * Reads what the page cannot be without: again and again while the server cannot be reached, and at once when the
 * browser is back on a network. The reader need not do anything.
 *
 * @param onWait before each wait
 * @throws what `read` throws, unless it may pass; the reason of `signal`
 */
export async function whenReachable<Result>(
  read: () => Promise<Result>,
  { signal, onWait }: { readonly signal?: AbortSignal; readonly onWait?: (error: unknown) => void } = {},
): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await read()
    } catch (error) {
      const wait = passing(error)
      if (wait === null || signal?.aborted === true) throw error
      onWait?.(error)
      // Full jitter, as everywhere: a server that comes back is not asked by all tabs at once.
      const capMs = Math.min(longestWaitMs, firstWaitMs * 2 ** attempt)
      await timeOrNetwork(wait.afterMs + Math.random() * capMs)
      signal?.throwIfAborted()
    }
  }
}

/** After this long, or when the browser is back on a network. */
export function timeOrNetwork(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => {
    clearTimeout(timer)
    removeEventListener('online', done)
    resolve()
  }
  // A longer timer fires at once.
  const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1))
  addEventListener('online', done)
  return promise
}
