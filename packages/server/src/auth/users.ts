import type { MakeId, UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Revocations } from './revocations.ts'

/** Who an issuer says somebody is. (issuer, subject) is the identity; the name is shown and may change. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly name: string | null
}

/** Of service accounts that have a token of this server: no provider can have a name that is no URL. */
export const serviceIssuer = 'holdfast:service'

export interface Users {
  /**
   * The user of an identity, made when it is met for the first time; a known one keeps its kind.
   * null: the user is disabled.
   */
  signIn(identity: Identity, kind: Principal['kind']): Promise<Principal | null>
  /** From its commit on none of their credentials is good; sessions end for good, tokens come back with `enable`. */
  disable(userId: UserId): Promise<boolean>
  enable(userId: UserId): Promise<boolean>
  /** There is such a user, and nobody disabled them. */
  isEnabled(userId: UserId): Promise<boolean>
}

export interface UsersOptions {
  readonly store: Pick<Store, 'db'>
  readonly revocations: Revocations
  readonly makeId: MakeId
}

export function createUsers({ store: { db }, revocations, makeId }: UsersOptions): Users {
  const known = (issuer: string, subject: string) =>
    db
      .selectFrom('users')
      .select(['id', 'kind', 'name', 'disabled_at'])
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst()
  return {
    async signIn({ issuer, subject, name }, kind) {
      let user = await known(issuer, subject)
      if (user === undefined) {
        await db
          .insertInto('users')
          .values({ id: makeId('user'), issuer, subject, kind, name, disabled_at: null })
          // Two first sign-ins at once: the later one takes the user of the earlier.
          .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
          .execute()
        user = await known(issuer, subject)
      } else if (name !== null && name !== user.name)
        await db.updateTable('users').set({ name }).where('id', '=', user.id).execute()
      if (user === undefined || user.disabled_at !== null) return null
      return { kind: user.kind, userId: user.id }
    },
    disable: (userId) =>
      revocations.revoke(async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable('users')
          .set({ disabled_at: sql<Date>`now()` })
          .where('id', '=', userId)
          .where('disabled_at', 'is', null)
          .executeTakeFirstOrThrow()
        await tx.deleteFrom('sessions').where('user_id', '=', userId).execute()
        return numUpdatedRows > 0n ? { done: true, userId } : { done: false }
      }),
    async enable(userId) {
      const { numUpdatedRows } = await db
        .updateTable('users')
        .set({ disabled_at: null })
        .where('id', '=', userId)
        .where('disabled_at', 'is not', null)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },
    async isEnabled(userId) {
      const found = await db
        .selectFrom('users')
        .select('id')
        .where('id', '=', userId)
        .where('disabled_at', 'is', null)
        .executeTakeFirst()
      return found !== undefined
    },
  }
}
