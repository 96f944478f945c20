import type { MakeId, UserId } from '@holdfast/protocol'
import { userId } from '@holdfast/protocol'
import type { Store } from '../store/store.ts'

const key = 'local_user'

/** Of nobody but this server: no provider can be configured under a name that is no URL. */
export const localIssuer = 'holdfast:local'

/** The one user of local mode: made with the data directory and kept in it, so that threads stay theirs. */
export async function localUserId(store: Pick<Store, 'db'>, makeId: MakeId): Promise<UserId> {
  await store.db
    .insertInto('meta')
    .values({ key, value: makeId('user') })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const row = await store.db
    .selectFrom('meta')
    .select('value')
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  const id = userId(row.value)
  // Data directories of before there was a table of users get their row here too.
  await store.db
    .insertInto('users')
    .values({ id, issuer: localIssuer, subject: id, kind: 'local', name: null, disabled_at: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
  return id
}
