import { position, systemIdMaker, type UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../account.ts'
import { openRevocations } from '../auth/revocations.ts'
import { createThreads } from '../log/create-threads.ts'
import { createLifecycleLog } from '../log/lifecycle-log.ts'
import { createEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import { createUserDeletions } from './user-deletions.ts'

const makeId = systemIdMaker()
const untimed = (): AbortSignal => new AbortController().signal

/** What becomes of a user who leaves, on any store. */
export function userDeletionsContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store
    beforeAll(async () => {
      store = await open()
    })
    afterAll(() => store[Symbol.asyncDispose]())

    async function newUser(kind: Principal['kind'] = 'user'): Promise<Principal> {
      const userId = makeId('user')
      await store.db
        .insertInto('users')
        .values({ id: userId, issuer: 'here', subject: userId, kind, name: null, disabled_at: null })
        .execute()
      return { kind, userId }
    }
    /** Leaves as a whole server would, where `threads` can be made to fail. */
    async function leave(
      principal: Principal,
      threads: ReturnType<typeof createThreads> = createThreads(store),
    ): Promise<void> {
      await using log = createEventLog(store)
      using revocations = openRevocations({ store, onPollError: () => {} })
      const none = async () => []
      const deps = { store, threads, log, revocations, workspace: { files: none }, tokens: { list: none } }
      await createAccount(deps).remove(principal)
    }
    const rowsOf = async ({ userId }: Principal) => {
      const lifecycle = createLifecycleLog(store)
      return {
        threads: (await createThreads(store).list({ kind: 'user', userId })).items.length,
        lifecycle: (await lifecycle.read(userId, position(0), 1_000)).length,
        pending: (await pending(userId)).length,
      }
    }
    const pending = (userId: UserId) =>
      store.db.selectFrom('user_deletions').selectAll().where('user_id', '=', userId).execute()
    /** As if so much time had passed. */
    const age = ({ userId }: Principal, seconds: number) =>
      sql`update user_deletions set requested_at = requested_at - make_interval(secs => ${seconds}),
        due_at = due_at - make_interval(secs => ${seconds}) where user_id = ${userId}`.execute(store.db)
    const next = () =>
      createUserDeletions({ store, threads: createThreads(store), limits: { rowsPerStatement: 2 } })

    test('threads and what tells of them go, and nothing of another user', async () => {
      const [gone, stays] = [await newUser(), await newUser()]
      const threads = createThreads(store)
      for (let made = 0; made < 5; made += 1) await threads.create(gone)
      await threads.create(stays)
      await leave(gone)
      expect(await rowsOf(gone)).toEqual({ threads: 0, lifecycle: 0, pending: 1 })
      expect(await rowsOf(stays)).toEqual({ threads: 1, lifecycle: 1, pending: 0 })
      expect(await store.db.selectFrom('users').select('id').where('id', '=', gone.userId).execute()).toEqual(
        [],
      )
    })

    test('a server that dies half-way has let nobody in any more; another one does the rest', async () => {
      const user = await newUser()
      const threads = createThreads(store)
      for (let made = 0; made < 5; made += 1) await threads.create(user)
      let removed = 0
      const dying = {
        ...threads,
        remove: async (...args: Parameters<typeof threads.remove>) => {
          if (removed === 2) throw new Error('killed')
          removed += 1
          await threads.remove(...args)
        },
      }
      await expect(leave(user, dying)).rejects.toThrow('killed')
      expect(await store.db.selectFrom('users').select('id').where('id', '=', user.userId).execute()).toEqual(
        [],
      )
      expect(await rowsOf(user)).toMatchObject({ threads: 3, pending: 1 })
      // Not before its time: whoever has it may still be at it.
      await next().finish(untimed())
      expect(await rowsOf(user)).toMatchObject({ threads: 3 })
      await age(user, 61)
      await next().finish(untimed())
      expect(await rowsOf(user)).toEqual({ threads: 0, lifecycle: 0, pending: 1 })
    })

    test('what a request that was under way made since goes a day later, and then nothing is kept', async () => {
      const user = await newUser()
      await leave(user)
      await createThreads(store).create(user)
      await next().finish(untimed())
      expect(await rowsOf(user)).toMatchObject({ threads: 1 })
      await age(user, 24 * 60 * 60)
      await next().finish(untimed())
      expect(await rowsOf(user)).toEqual({ threads: 0, lifecycle: 0, pending: 0 })
    })

    test('the one user of local mode begins anew: what they make from then on stays', async () => {
      const user = await newUser('local')
      const threads = createThreads(store)
      await threads.create(user)
      await leave(user)
      expect(await rowsOf(user)).toEqual({ threads: 0, lifecycle: 2, pending: 0 })
      await threads.create(user)
      await age(user, 48 * 60 * 60)
      await next().finish(untimed())
      expect(await rowsOf(user)).toMatchObject({ threads: 1 })
    })
  })
}
