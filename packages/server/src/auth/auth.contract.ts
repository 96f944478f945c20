import { systemIdMaker, type UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Credentials } from './authenticator.ts'
import { type Auth, openLocalAuth } from './open-auth.ts'
import { systemRandom } from './secrets.ts'
import { createSessions, sessionLimits } from './sessions.ts'
import { ticketLimits } from './tickets.ts'
import { tokenLimits } from './tokens.ts'

const makeId = systemIdMaker()
const issuer = 'https://id.example.test'
const none: Credentials = { bearer: null, cookie: null }
const ofCookie = (cookie: string): Credentials => ({ ...none, cookie })
const ofBearer = (bearer: string): Credentials => ({ ...none, bearer })
const ofTicket = (ticket: string): Credentials => ({ ...none, ticket })
const token = { name: 'laptop', scopes: ['read', 'write'], days: 90 } as const

/** Users and their credentials, on a store. */
export function authContract(name: string, openStore: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store
    let auth: Auth
    let subjects = 0
    beforeAll(async () => {
      store = await openStore()
      auth = openLocalAuth({
        store,
        makeId,
        userId: makeId('user'),
        url: () => 'https://chat.example.test',
        onError() {},
      })
    })
    afterAll(async () => {
      await auth[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    })
    const newUser = async (): Promise<Principal> => {
      subjects += 1
      const principal = await auth.users.signIn({ issuer, subject: `s${subjects}`, name: 'Ann' }, 'user')
      if (principal === null) throw new Error('A new user is not disabled')
      return principal
    }
    const accessOf = (credentials: Credentials) => auth.authenticator.authenticate(credentials)
    const revoked = (): UserId[] => {
      const heard: UserId[] = []
      auth.revocations.onRevoke((userId, where) => {
        if (where === 'here') heard.push(userId)
      })
      return heard
    }
    /** As if so much time had passed for everything that is stored. */
    const pass = async (table: 'sessions' | 'tokens' | 'ws_tickets', ms: number, column = 'expires_at') => {
      await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sql.ref(column)} - make_interval(secs => ${ms / 1000})`.execute(
        store.db,
      )
    }

    describe('users', () => {
      test('are issuer and subject, and nothing else', async () => {
        const identity = { issuer, subject: 'ann', name: 'ann@example.test' }
        const ann = await auth.users.signIn(identity, 'user')
        expect(await auth.users.signIn({ ...identity, name: 'Ann' }, 'user')).toEqual(ann)
        const others = [
          { ...identity, issuer: 'https://other.example.test' },
          { ...identity, subject: 'Ann' },
        ]
        for (const other of others)
          expect((await auth.users.signIn(other, 'user'))?.userId).not.toBe(ann?.userId)
      })

      test('two first sign-ins at once make one', async () => {
        const identity = { issuer, subject: 'twins', name: null }
        const both = await Promise.all([1, 2].map(() => auth.users.signIn(identity, 'user')))
        expect(both[0]).toEqual(both[1])
      })

      test('keep the kind that they were made with', async () => {
        const identity = { issuer, subject: 'robot', name: null }
        await auth.users.signIn(identity, 'service')
        expect(await auth.users.signIn(identity, 'user')).toMatchObject({ kind: 'service' })
      })

      test('a disabled one is nobody with every credential at once, and cannot sign in', async () => {
        const user = await newUser()
        const session = await auth.sessions.open(user.userId)
        const { text } = await auth.tokens.create(user, token)
        const access = await accessOf(ofCookie(session.secret))
        if (access === null) throw new Error('The session is new')
        const { ticket } = await auth.tickets.create(access, null)
        await auth.tickets.redeem(ticket, null)
        const shown = [ofCookie(session.secret), ofBearer(text), ofTicket(ticket)]
        for (const credentials of shown) expect(await accessOf(credentials)).not.toBeNull()
        const heard = revoked()
        expect(await auth.users.disable(user.userId)).toBe(true)
        expect(heard).toEqual([user.userId])
        for (const credentials of shown) expect(await accessOf(credentials)).toBeNull()
        expect(await auth.users.signIn({ issuer, subject: `s${subjects}`, name: null }, 'user')).toBeNull()
        expect(await auth.users.disable(user.userId)).toBe(false)
        // Enabled again: the token is good as it was; the session had ended.
        expect(await auth.users.enable(user.userId)).toBe(true)
        expect(await accessOf(ofBearer(text))).not.toBeNull()
        expect(await accessOf(ofCookie(session.secret))).toBeNull()
      })
    })

    describe('sessions', () => {
      test('are known by a secret of 256 bits, of which the store has only the digest', async () => {
        const { userId } = await newUser()
        const opened = await auth.sessions.open(userId)
        expect(opened.secret).toMatch(/^[\w-]{43}$/)
        expect(await accessOf(ofCookie(opened.secret))).toMatchObject({
          principal: { kind: 'user', userId },
          scopes: ['read', 'write', 'account'],
          proof: { kind: 'session', id: opened.id },
        })
        const kept = JSON.stringify(await store.db.selectFrom('sessions').selectAll().execute())
        expect(kept).not.toContain(opened.secret)
        expect(await accessOf(ofCookie(opened.secret.slice(1)))).toBeNull()
      })

      test('end, and everywhere at once', async () => {
        const { userId } = await newUser()
        const [one, two, three] = [
          await auth.sessions.open(userId),
          await auth.sessions.open(userId),
          await auth.sessions.open(userId),
        ]
        const heard = revoked()
        await auth.sessions.end(one.secret)
        expect(await accessOf(ofCookie(one.secret))).toBeNull()
        expect(await accessOf(ofCookie(two.secret))).not.toBeNull()
        await auth.sessions.endAll(userId)
        for (const { secret } of [two, three]) expect(await accessOf(ofCookie(secret))).toBeNull()
        expect(heard).toEqual([userId, userId])
        expect(await auth.sessions.end(one.secret)).toBe(false)
      })

      test('the oldest of more than perUser ends', async () => {
        const { userId } = await newUser()
        const first = await auth.sessions.open(userId)
        const second = await auth.sessions.open(userId)
        for (let count = 1; count < sessionLimits.perUser; count += 1) await auth.sessions.open(userId)
        expect(await accessOf(ofCookie(first.secret))).toBeNull()
        expect(await accessOf(ofCookie(second.secret))).not.toBeNull()
      })

      test('end after their time', async () => {
        const { userId } = await newUser()
        const { secret } = await auth.sessions.open(userId, 60_000)
        expect(await accessOf(ofCookie(secret))).not.toBeNull()
        await pass('sessions', 60_000)
        expect(await accessOf(ofCookie(secret))).toBeNull()
      })

      test('of people who sign in with a provider end after a day without use, and after seven in all', async () => {
        const sessions = createSessions({ ...auth, store, makeId, random: systemRandom })
        const { userId } = await newUser()
        const age = (hours: number) =>
          sql`update sessions set used_at = used_at - make_interval(hours => ${hours}),
            expires_at = expires_at - make_interval(hours => ${hours}),
            ends_at = ends_at - make_interval(hours => ${hours}) where user_id = ${userId}`.execute(store.db)
        const busy = await sessions.open(userId)
        expect(busy.maxAgeSeconds).toBe(7 * 24 * 60 * 60)
        for (let hours = 0; hours + 23 < 7 * 24; hours += 23) {
          await age(23)
          expect(await sessions.find(busy.secret)).not.toBeNull()
        }
        const idle = await sessions.open(userId)
        // 161 hours and 7: of its seven days nothing is left, however lately it was used.
        await age(7)
        expect(await sessions.find(busy.secret)).toBeNull()
        expect(await sessions.find(idle.secret)).not.toBeNull()
        await age(24)
        expect(await sessions.find(idle.secret)).toBeNull()
      })

      test('use moves the end of idleness, and never beyond the end of life', async () => {
        const { userId } = await newUser()
        const { secret } = await auth.sessions.open(userId)
        const before = await accessOf(ofCookie(secret))
        const row = () =>
          store.db
            .selectFrom('sessions')
            .select(['used_at', 'expires_at', 'ends_at'])
            .where('user_id', '=', userId)
            .executeTakeFirstOrThrow()
        const fresh = await row()
        // Within notedMs nothing is written.
        expect(await accessOf(ofCookie(secret))).toEqual(before)
        expect(await row()).toEqual(fresh)
        await pass('sessions', 2 * sessionLimits.notedMs, 'used_at')
        await pass('sessions', 2 * sessionLimits.notedMs)
        await accessOf(ofCookie(secret))
        const used = await row()
        expect(used.expires_at.getTime()).toBeGreaterThanOrEqual(fresh.expires_at.getTime())
        expect(used.expires_at.getTime()).toBeLessThanOrEqual(used.ends_at.getTime())
        expect(used.ends_at).toEqual(fresh.ends_at)
      })
    })

    describe('personal tokens', () => {
      test('are hf_pat_<id>_<43 base64url>, and the store has only the digest', async () => {
        const user = await newUser()
        const { info, text } = await auth.tokens.create(user, token)
        expect(text).toMatch(/^hf_pat_[0-9A-Z]{26}_[\w-]{43}$/)
        const access = await accessOf(ofBearer(text))
        expect(access).toMatchObject({
          principal: user,
          scopes: ['read', 'write'],
          proof: { kind: 'token', id: info.id },
          endsAtMs: info.expiresAt.getTime(),
        })
        expect(info.expiresAt.getTime() - info.createdAt.getTime()).toBe(90 * 24 * 60 * 60_000)
        const kept = JSON.stringify(await store.db.selectFrom('tokens').selectAll().execute())
        expect(kept).not.toContain(text.slice(-43))
        expect((await auth.tokens.list(user))[0]?.usedAt).toBeInstanceOf(Date)
      })

      test.each([
        ['another secret', (text: string) => text.slice(0, -43) + 'A'.repeat(43)],
        ['another id', (text: string) => text.replace(/_[0-9A-Z]{26}_/, `_${makeId('token').slice(4)}_`)],
        ['no secret', (text: string) => text.slice(0, -44)],
        ['something more', (text: string) => `${text}A`],
      ])('with %s are nobody', async (_what, change) => {
        const { text } = await auth.tokens.create(await newUser(), token)
        expect(await accessOf(ofBearer(change(text)))).toBeNull()
      })

      test('a failed one does not fall back to the cookie', async () => {
        const user = await newUser()
        const { secret } = await auth.sessions.open(user.userId)
        const { info, text } = await auth.tokens.create(user, token)
        await auth.tokens.revoke(user, info.id)
        expect(await accessOf({ bearer: text, cookie: secret })).toBeNull()
      })

      test('[P1] are revoked by their owner; another’s is not found', async () => {
        const [user, other] = [await newUser(), await newUser()]
        const { info, text } = await auth.tokens.create(user, token)
        await expect(auth.tokens.revoke(other, info.id)).rejects.toMatchObject({ code: 'not_found' })
        expect(await auth.tokens.list(other)).toEqual([])
        const heard = revoked()
        await auth.tokens.revoke(user, info.id)
        expect(heard).toEqual([user.userId])
        expect(await accessOf(ofBearer(text))).toBeNull()
        await expect(auth.tokens.revoke(user, info.id)).rejects.toMatchObject({ code: 'not_found' })
      })

      test('end after their time', async () => {
        const { text } = await auth.tokens.create(await newUser(), { ...token, days: 1 })
        await pass('tokens', 24 * 60 * 60_000)
        expect(await accessOf(ofBearer(text))).toBeNull()
      })

      test('tokenLimits.perUser are made, one more is not', async () => {
        const user = await newUser()
        for (let count = 0; count < tokenLimits.perUser; count += 1) await auth.tokens.create(user, token)
        await expect(auth.tokens.create(user, token)).rejects.toMatchObject({ code: 'limit_reached' })
      })
    })

    describe('tickets', () => {
      const origin = 'https://chat.example.test'
      const ticketOf = async (credentials: Credentials, from: string | null = origin): Promise<string> => {
        const access = await accessOf(credentials)
        if (access === null) throw new Error('These credentials are not good')
        return (await auth.tickets.create(access, from)).ticket
      }

      test('are redeemed once, by the origin that asked, and stand for what asked', async () => {
        const user = await newUser()
        const { secret } = await auth.sessions.open(user.userId)
        const ticket = await ticketOf(ofCookie(secret))
        expect(await accessOf(ofTicket(ticket))).toBeNull()
        expect(await auth.tickets.redeem(ticket, null)).toBe(false)
        expect(await auth.tickets.redeem(ticket, `${origin}:8443`)).toBe(false)
        expect(await auth.tickets.redeem(ticket, origin)).toBe(true)
        expect(await auth.tickets.redeem(ticket, origin)).toBe(false)
        expect((await accessOf(ofTicket(ticket)))?.principal).toEqual(user)
      })

      test('of two that redeem one at once, one does', async () => {
        const { secret } = await auth.sessions.open((await newUser()).userId)
        const ticket = await ticketOf(ofCookie(secret))
        const both = await Promise.all([1, 2].map(() => auth.tickets.redeem(ticket, origin)))
        expect(both.sort()).toEqual([false, true])
      })

      test('are of no use after lifeMs', async () => {
        const { secret } = await auth.sessions.open((await newUser()).userId)
        const ticket = await ticketOf(ofCookie(secret))
        await pass('ws_tickets', ticketLimits.lifeMs)
        expect(await auth.tickets.redeem(ticket, origin)).toBe(false)
      })

      test('never outlive what made them: a session that ends, a token that is revoked', async () => {
        const user = await newUser()
        const session = await auth.sessions.open(user.userId)
        const { info, text } = await auth.tokens.create(user, token)
        const [bySession, byToken] = [
          await ticketOf(ofCookie(session.secret)),
          await ticketOf(ofBearer(text), null),
        ]
        await auth.tickets.redeem(bySession, origin)
        await auth.tickets.redeem(byToken, null)
        await auth.sessions.end(session.secret)
        expect(await accessOf(ofTicket(bySession))).toBeNull()
        expect(await accessOf(ofTicket(byToken))).not.toBeNull()
        await auth.tokens.revoke(user, info.id)
        expect(await accessOf(ofTicket(byToken))).toBeNull()
      })

      test('the oldest unredeemed one of more than perUser is forgotten', async () => {
        const { secret } = await auth.sessions.open((await newUser()).userId)
        const tickets: string[] = []
        for (let count = 0; count <= ticketLimits.perUser; count += 1)
          tickets.push(await ticketOf(ofCookie(secret)))
        expect(await auth.tickets.redeem(tickets[0] ?? '', origin)).toBe(false)
        expect(await auth.tickets.redeem(tickets[1] ?? '', origin)).toBe(true)
      })
    })
  })
}
