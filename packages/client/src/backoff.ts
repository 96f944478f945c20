import { CloseReason } from '@holdfast/protocol'

export const backoffLimits = {
  /** First ceiling of the full jitter; doubles with every attempt. */
  baseMs: 500,
  ceilingMs: 20_000,
  /** Nobody looks at a hidden page: it may take longer, and comes back at once when it is shown. */
  hiddenCeilingMs: 5 * 60_000,
  /** A connection that was healthy for this long starts the next series anew. */
  healthyMs: 30_000,
  /** For closes that ask for a prompt return and name no time, such as a lifetime reached. */
  soonMs: 2_000,
  /** Spreads the return of many clients that get their network back at the same moment. */
  wakeJitterMs: 500,
} as const

/** `rand(0, min(ceiling, 0.5 s · 2ⁿ))` on top of what the server asked for, so never below it. */
export function backoffMs(
  attempt: number,
  floorMs: number,
  random: () => number,
  ceilingMs: number = backoffLimits.ceilingMs,
): number {
  return floorMs + random() * Math.min(ceilingMs, backoffLimits.baseMs * 2 ** attempt)
}

/** What a close frame says of itself. A gateway may put anything there, or nothing. */
export function readCloseReason(reason: string): CloseReason {
  try {
    return CloseReason.safeParse(JSON.parse(reason)).data ?? { r: '' }
  } catch {
    // Not JSON: not from a Holdfast server, and no hint.
    return { r: '' }
  }
}
