import { systemIdMaker, type UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Store } from '../store/store.ts'
import { removeExpiredRows } from './expired-rows.ts'

const makeId = systemIdMaker()
const later = (seconds: number) => sql<Date>`now() + make_interval(secs => ${seconds})`
const hour = 60 * 60
const day = 24 * hour

/** Rows that nobody comes back for, on a store. */
export function expiredRowsContract(name: string, openStore: () => Promise<Store>): void {
  let store: Store
  let userId: UserId
  beforeAll(async () => {
    store = await openStore()
    userId = makeId('user')
    const user = { issuer: 'https://id.test', subject: 'ann', kind: 'user', name: null } as const
    await store.db
      .insertInto('users')
      .values({ id: userId, ...user, disabled_at: null })
      .execute()
  })
  afterAll(() => store[Symbol.asyncDispose]())
  beforeEach(async () => {
    await store.db.deleteFrom('chores').execute()
    for (const table of ['ws_tickets', 'sessions', 'usage', 'audit'] as const)
      await store.db.deleteFrom(table).execute()
  })

  const addSession = (digest: string, expires: number, ends: number) =>
    store.db
      .insertInto('sessions')
      .values({
        digest,
        id: makeId('session'),
        user_id: userId,
        expires_at: later(expires),
        ends_at: later(ends),
      })
      .execute()
  const addTicket = (digest: string, times: { expires: number; redeemed?: number; ends?: number }) =>
    store.db
      .insertInto('ws_tickets')
      .values({
        digest,
        user_id: userId,
        scopes: '[]',
        session_digest: null,
        token_id: null,
        origin: null,
        expires_at: later(times.expires),
        redeemed_at: times.redeemed === undefined ? null : later(times.redeemed),
        ends_at: times.ends === undefined ? null : later(times.ends),
      })
      .execute()
  const addUsage = (subject: UserId | `address/${string}`, begins: number) =>
    store.db
      .insertInto('usage')
      .values({ subject, what: 'sign_ins', begins: later(begins), amount: 1 })
      .execute()
  const addAudit = (event: string, at: number) =>
    sql`insert into audit (at, event, detail) values (${later(at)}, ${event}, '{}')`.execute(store.db)

  test(`${name}: what is over goes, what is not stays`, async () => {
    await addSession('idle', -1, 6 * day)
    await addSession('good', hour, 6 * day)
    await addTicket('never redeemed', { expires: -1 })
    await addTicket('of credentials that ended', { expires: -hour, redeemed: -hour, ends: -1 })
    await addTicket('redeemed long ago', { expires: -2 * day, redeemed: -25 * hour })
    await addTicket('fresh', { expires: 20 })
    await addTicket('connected', { expires: -hour, redeemed: -hour, ends: hour })
    await addUsage('address/192.0.2.1', -2 * day - hour)
    await addUsage('address/192.0.2.2', -day)
    await addAudit('old', -366 * day)
    await addAudit('kept', -364 * day)
    await removeExpiredRows(store)
    const column = async (table: 'ws_tickets' | 'sessions' | 'usage' | 'audit', named: string) => {
      const { rows } = await sql<{ value: string }>`
        select ${sql.ref(named)} as value from ${sql.table(table)} order by 1`.execute(store.db)
      return rows.map(({ value }) => value)
    }
    expect(await column('sessions', 'digest')).toEqual(['good'])
    expect(await column('ws_tickets', 'digest')).toEqual(['connected', 'fresh'])
    expect(await column('usage', 'subject')).toEqual(['address/192.0.2.2'])
    expect(await column('audit', 'event')).toEqual(['kept'])
  })

  test(`${name}: one node looks, the others pass, until an hour has gone`, async () => {
    await removeExpiredRows(store)
    await addSession('idle', -1, day)
    const left = async () => (await store.db.selectFrom('sessions').select('digest').execute()).length
    await removeExpiredRows(store)
    expect(await left()).toBe(1)
    await sql`update chores set due_at = now()`.execute(store.db)
    await Promise.all([removeExpiredRows(store), removeExpiredRows(store)])
    expect(await left()).toBe(0)
  })
}
