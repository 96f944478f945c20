import { systemIdMaker } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../store/store.ts'
import { createQuotas, noQuotas, QuotaReachedError, type Quotas } from './quotas.ts'

const makeId = systemIdMaker()
const limits = { ...noQuotas, messages: 3, tokens: 1_000, upload_bytes: 100 }

/** Limits of users, on a store. */
export function quotasContract(name: string, openStore: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store
    let quotas: Quotas
    beforeAll(async () => {
      store = await openStore()
      quotas = createQuotas({ store, limits })
    })
    afterAll(() => store[Symbol.asyncDispose]())
    const reached = async (work: Promise<void>): Promise<QuotaReachedError> =>
      work.then(
        () => {
          throw new Error('The quota was not reached')
        },
        (error: unknown) => {
          if (error instanceof QuotaReachedError) return error
          throw error
        },
      )
    /** As if the window of everything had begun so much earlier. */
    const pass = (seconds: number) =>
      sql`update usage set begins = begins - make_interval(secs => ${seconds})`.execute(store.db)

    test('as many as are allowed, one more is not, and it says when to come back', async () => {
      const user = makeId('user')
      for (let count = 0; count < 3; count += 1) await quotas.take(user, { messages: 1 })
      const error = await reached(quotas.take(user, { messages: 1 }))
      expect(error).toMatchObject({ code: 'quota_reached', kind: 'messages', retryable: true })
      expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(1)
      expect(error.retryAfterSeconds).toBeLessThanOrEqual(60)
      expect(error.message).toContain('3 messages a minute')
      // Another user has a number of their own, and so has the next minute.
      await quotas.take(makeId('user'), { messages: 1 })
      await pass(60)
      await quotas.take(user, { messages: 1 })
    })

    test('of many at once on two nodes exactly as many pass', async () => {
      const user = makeId('user')
      const other = createQuotas({ store, limits })
      const tried = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? quotas : other).take(user, { messages: 1 }),
        ),
      )
      expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    })

    test('0 takes nothing and asks whether anything is left', async () => {
      const user = makeId('user')
      for (let count = 0; count < 5; count += 1) await quotas.take(user, { tokens: 0 })
      await quotas.spend(user, { tokens: 999 })
      await quotas.take(user, { tokens: 0 })
      // What was used is counted, also beyond the limit.
      await quotas.spend(user, { tokens: 5_000 })
      expect((await reached(quotas.take(user, { tokens: 0, messages: 1 }))).kind).toBe('tokens')
      // All or nothing: who is refused for one has used nothing of the others.
      for (let count = 0; count < 3; count += 1) await quotas.take(user, { messages: 1 })
    })

    test('an amount that does not fit takes nothing; one that is given back can be taken again', async () => {
      const user = makeId('user')
      await reached(quotas.take(user, { upload_bytes: 101 }))
      await quotas.take(user, { upload_bytes: 100 })
      await reached(quotas.take(user, { upload_bytes: 1 }))
      await quotas.spend(user, { upload_bytes: -60 })
      await quotas.take(user, { upload_bytes: 60 })
      await quotas.spend(user, { upload_bytes: -1_000 })
      await quotas.take(user, { upload_bytes: 100 })
    })

    test('a user’s own number beats that of the settings, both ways', async () => {
      const [more, none] = [makeId('user'), makeId('user')]
      await store.db
        .insertInto('quotas')
        .values([
          { subject: more, what: 'messages', most: 5 },
          { subject: none, what: 'messages', most: 0 },
        ])
        .execute()
      for (let count = 0; count < 5; count += 1) await quotas.take(more, { messages: 1 })
      await reached(quotas.take(more, { messages: 1 }))
      await reached(quotas.take(none, { messages: 1 }))
    })

    test('what has no limit is never short; and where nothing has one nothing is counted', async () => {
      const user = makeId('user')
      await quotas.take(user, { tool_seconds: 1_000_000 })
      const free = createQuotas({ store, limits: noQuotas })
      await free.take(user, { messages: 1_000 })
      await free.spend(user, { tokens: 1_000_000 })
      const rows = await store.db.selectFrom('usage').select('what').where('subject', '=', user).execute()
      expect(rows).toEqual([{ what: 'tool_seconds' }])
    })
  })
}
