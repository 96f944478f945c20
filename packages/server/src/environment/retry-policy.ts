import type { Tier } from './settings.ts'

/** How patient connecting to database, bus, identity provider and model is. The one owner of retries. */
export interface RetryPolicy {
  /** Tries in all; 1 means none is repeated. */
  readonly attempts: number
  /** Before try n + 1: a random time from 0 to baseMs · 2ⁿ⁻¹ (full jitter, so that a fleet does not knock at once). */
  readonly baseMs: number
}

const impatient: RetryPolicy = { attempts: 1, baseMs: 1_000 }
const patient: RetryPolicy = { attempts: 3, baseMs: 1_000 }

/** A developer wants the first error at once; a deployment starts beside things that are still starting. */
export const retryPolicies: Readonly<Record<Tier, RetryPolicy>> = {
  development: impatient,
  test: impatient,
  staging: patient,
  production: patient,
}
