import type { Tier } from './settings.ts'

/** How patient connecting to database, bus, identity provider and model is. The one owner of the numbers; retry.ts does it. */
export interface RetryPolicy {
  /** Tries in all; 1 means none is repeated. */
  readonly attempts: number
  /** Before try n + 1: a random time from 0 to baseMs · 2ⁿ⁻¹ (full jitter, so that a fleet does not knock at once). */
  readonly baseMs: number
  /** …and never more than this. */
  readonly mostMs: number
}

const impatient: RetryPolicy = { attempts: 1, baseMs: 1_000, mostMs: 30_000 }
const patient: RetryPolicy = { ...impatient, attempts: 3 }

/** A developer wants the first error at once; a deployment starts beside things that are still starting. */
export const retryPolicies: Readonly<Record<Tier, RetryPolicy>> = {
  development: impatient,
  test: impatient,
  staging: patient,
  production: patient,
}

/**
 * For what was there and went away under a running server, in every tier: a restarted database is met again within
 * two seconds of its return, and 100 nodes knock some 100 times a second meanwhile.
 */
export const reconnectPolicy: RetryPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  baseMs: 250,
  mostMs: 2_000,
}
