import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'

/** Simulated users, of any deployment: a database of staging may have been copied. */
export async function simulatedLeftovers({ db }: Pick<Store, 'db'>): Promise<readonly Principal[]> {
  const rows = await db
    .selectFrom('users')
    .select('id')
    .where('kind', '=', 'simulated')
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => ({ kind: 'simulated', userId: id }))
}

/** What could let one in: keys that their tokens are verified by, and what was counted. */
export async function forgetSimulation({ db }: Pick<Store, 'db'>): Promise<void> {
  for (const table of ['e2e_signing_keys', 'e2e_nonces', 'e2e_refusals'] as const)
    await db.deleteFrom(table).execute()
}
