import { retryAfterClose } from '@holdfast/protocol'

export const backoffLimits = {
  /** First ceiling of the full jitter; doubles with every attempt. */
  baseMs: 500,
  ceilingMs: 20_000,
  /** A connection that was healthy for this long starts the next series anew. */
  healthyMs: 30_000,
  /** For closes that ask for a prompt return, such as a lifetime reached or a drain. */
  soonMs: 2_000,
} as const

/** `rand(0, min(20 s, 0.5 s · 2ⁿ))`, never below what the server asked for. */
export function backoffMs(attempt: number, floorMs: number, random: () => number): number {
  const ceiling = Math.min(backoffLimits.ceilingMs, backoffLimits.baseMs * 2 ** attempt)
  return floorMs + random() * ceiling
}

export interface LostConnection {
  readonly code: number
  readonly reason: string
  /** Attempts in a row that did not become healthy, this one not counted. */
  readonly attempt: number
}

/** What follows a lost connection. Pure. */
export type AfterLoss =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly attempt: number }
  | { readonly kind: 'stop' }

export function afterLoss({ code, reason, attempt }: LostConnection, random: () => number): AfterLoss {
  const hintMs = hintOf(reason)
  const retry = retryAfterClose(code)
  switch (retry) {
    case 'never':
    // A client of one fixed token has nothing to refresh it with.
    case 'after_refresh':
      return { kind: 'stop' }
    case 'once':
      return attempt > 0
        ? { kind: 'stop' }
        : { kind: 'retry', delayMs: backoffMs(0, hintMs, random), attempt: 1 }
    case 'soon':
      // Asked to go and to come back: no fault, so the series does not grow; the hint is a spread, not a floor.
      return { kind: 'retry', delayMs: random() * (hintMs || backoffLimits.soonMs), attempt }
    case 'backoff':
    case 'after_hint':
      return { kind: 'retry', delayMs: backoffMs(attempt, hintMs, random), attempt: attempt + 1 }
    default:
      return retry satisfies never
  }
}

/** `ms` of a close reason such as `{"r":"drain","ms":1000}`. */
function hintOf(reason: string): number {
  try {
    const { ms } = JSON.parse(reason) as { ms?: unknown }
    return typeof ms === 'number' && ms > 0 ? ms : 0
  } catch {
    // An empty or foreign reason holds no hint.
    return 0
  }
}
