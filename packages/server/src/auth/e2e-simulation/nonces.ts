import { e2eLimits } from '@holdfast/protocol/e2e'
import { sql } from 'kysely'
import type { Store } from '../../store/store.ts'

/** A request is good from skewSeconds before its time to skewSeconds after; and clocks of nodes differ a little. */
const keptSeconds = 2 * e2eLimits.skewSeconds + 30

/** In the store, so that no node lets in what another one did. Resolves with false: it was used before. */
export async function useNonce({ db }: Pick<Store, 'db'>, nonce: string): Promise<boolean> {
  await db.deleteFrom('e2e_nonces').where('expires_at', '<', sql<Date>`now()`).execute()
  const { numInsertedOrUpdatedRows = 0n } = await db
    .insertInto('e2e_nonces')
    .values({ nonce, expires_at: sql<Date>`now() + make_interval(secs => ${keptSeconds})` })
    .onConflict((conflict) => conflict.column('nonce').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows > 0n
}
