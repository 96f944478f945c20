import type { MakeId, SessionId, UserId } from '@holdfast/protocol'
import { CompiledQuery, sql } from 'kysely'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Access } from './authenticator.ts'
import type { Revocations } from './revocations.ts'
import { hexDigest, newSecret, type RandomBytes } from './secrets.ts'

export const sessionLimits = {
  /** A browser that signed in has to do so again after this, however busy it is. */
  lifeMs: 7 * 24 * 60 * 60_000,
  /** …and after this without a request or an open connection. */
  idleMs: 24 * 60 * 60_000,
  /** Use is written down this often at most: not every request writes. */
  notedMs: 5 * 60_000,
  /** Of one user at a time; a further one ends the oldest. */
  perUser: 100,
} as const

export interface OpenedSession {
  readonly id: SessionId
  /** For the cookie; kept nowhere. */
  readonly secret: string
  /** How long a browser keeps the cookie. */
  readonly maxAgeSeconds: number
}

/** Browser sessions. */
export interface Sessions {
  /** @param lifeMs default: sessionLimits.lifeMs */
  open(userId: UserId, lifeMs?: number): Promise<OpenedSession>
  /** null: unknown, over, or its user is disabled. */
  find(secret: string): Promise<Access | null>
  end(secret: string): Promise<boolean>
  /** Every session of the user, on all devices. */
  endAll(userId: UserId): Promise<boolean>
}

export interface SessionsOptions {
  readonly store: Pick<Store, 'db'>
  readonly revocations: Revocations
  readonly makeId: MakeId
  readonly random: RandomBytes
  readonly limits?: Partial<Record<keyof typeof sessionLimits, number>>
}

const findStatement = `/* prepare session-find */
select s.id, s.ends_at, s.user_id, u.kind,
  s.used_at < now() - make_interval(secs => $2) as unnoted
from sessions s join users u on u.id = s.user_id
where s.digest = $1 and s.expires_at > now() and u.disabled_at is null`

interface FoundRow {
  readonly id: SessionId
  readonly ends_at: Date
  readonly user_id: UserId
  readonly kind: Principal['kind']
  readonly unnoted: boolean
}

export function createSessions({
  store: { db },
  revocations,
  makeId,
  random,
  limits,
}: SessionsOptions): Sessions {
  const { lifeMs: longestMs, idleMs, notedMs, perUser } = { ...sessionLimits, ...limits }
  const after = (ms: number) => sql<Date>`now() + make_interval(secs => ${ms / 1000})`
  return {
    async open(userId, lifeMs = longestMs) {
      const secret = newSecret(random)
      const id = makeId('session')
      // Ids sort by the time they were made.
      const newest = db
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', userId)
        .orderBy('id', 'desc')
        .limit(perUser - 1)
      await db
        .deleteFrom('sessions')
        .where('user_id', '=', userId)
        .where((row) => row.or([row('id', 'not in', newest), row('expires_at', '<', sql<Date>`now()`)]))
        .execute()
      await db
        .insertInto('sessions')
        .values({
          digest: hexDigest(secret),
          id,
          user_id: userId,
          expires_at: after(Math.min(lifeMs, idleMs)),
          ends_at: after(lifeMs),
        })
        .execute()
      return { id, secret, maxAgeSeconds: Math.floor(lifeMs / 1000) }
    },
    async find(secret) {
      const digest = hexDigest(secret)
      const { rows } = await db.executeQuery<FoundRow>(
        CompiledQuery.raw(findStatement, [digest, notedMs / 1000]),
      )
      const [row] = rows
      if (row === undefined) return null
      if (row.unnoted)
        await db
          .updateTable('sessions')
          .set({ used_at: sql<Date>`now()`, expires_at: sql<Date>`least(ends_at, ${after(idleMs)})` })
          .where('digest', '=', digest)
          .execute()
      return {
        principal: { kind: row.kind, userId: row.user_id },
        scopes: ['read', 'write', 'account'],
        endsAtMs: row.ends_at.getTime(),
        proof: { kind: 'session', id: row.id, digest },
      }
    },
    end: (secret) =>
      revocations.revoke(async (tx) => {
        const row = await tx
          .deleteFrom('sessions')
          .where('digest', '=', hexDigest(secret))
          .returning('user_id')
          .executeTakeFirst()
        return row === undefined ? { done: false } : { done: true, userId: row.user_id }
      }),
    endAll: (userId) =>
      revocations.revoke(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom('sessions')
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow()
        return numDeletedRows > 0n ? { done: true, userId } : { done: false }
      }),
  }
}
