import type { MakeId, UserId } from '@holdfast/protocol'
import { userId } from '@holdfast/protocol'
import type { Store } from '../store/store.ts'

const key = 'local_user'

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
  return userId(row.value)
}
