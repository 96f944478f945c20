import type { RealtimeLimits } from './limits.ts'

export interface DrainPlan {
  /** All have left by then. */
  readonly withinMs: number
  /** When each leaves. */
  readonly leaveAfterMs: readonly number[]
}

/**
 * Spreads the leaving of so many connections at random: clients come back elsewhere as they leave here, and a few
 * of them need no time at all.
 */
export function planDrain(
  connections: number,
  random: () => number,
  { drainMs, drainPerConnectionMs }: Pick<RealtimeLimits, 'drainMs' | 'drainPerConnectionMs'>,
): DrainPlan {
  const withinMs = Math.min(drainMs, connections * drainPerConnectionMs)
  return { withinMs, leaveAfterMs: Array.from({ length: connections }, () => withinMs * random()) }
}
