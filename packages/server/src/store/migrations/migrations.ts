import type { Migration } from 'kysely/migration'
import * as first from './0001-first.ts'
import * as lifecycle from './0002-lifecycle.ts'
import * as identity from './0003-identity.ts'
import * as claims from './0004-claims.ts'
import * as auditAndQuotas from './0005-audit-and-quotas.ts'
import * as deletions from './0006-deletions.ts'
import * as userDeletions from './0007-user-deletions.ts'
import * as e2eSimulation from './0008-e2e-simulation.ts'
import * as openRuns from './0009-open-runs.ts'

/** One file a migration, never changed once released; they run in the order of these names. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-lifecycle': lifecycle,
  '0003-identity': identity,
  '0004-claims': claims,
  '0005-audit-and-quotas': auditAndQuotas,
  '0006-deletions': deletions,
  '0007-user-deletions': userDeletions,
  '0008-e2e-simulation': e2eSimulation,
  '0009-open-runs': openRuns,
}
