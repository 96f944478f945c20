import {
  HoldfastError,
  type MakeId,
  type Scope,
  type TokenId,
  tokenId,
  type UserId,
} from '@holdfast/protocol'
import { CompiledQuery, type Selectable, sql } from 'kysely'
import type { Principal } from '../principal.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { BearerVerifier } from './authenticator.ts'
import type { Revocations } from './revocations.ts'
import { hexDigest, matches, newSecret, type RandomBytes } from './secrets.ts'

export const tokenLimits = {
  /** The longest life, and what is taken where none is asked for. */
  days: 90,
  /** Of one user, those that have expired but were not removed among them. */
  perUser: 50,
  /** The last use is written down this often at most. */
  notedMs: 60_000,
} as const

export interface TokenInfo {
  readonly id: TokenId
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export interface NewToken {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly days: number
}

/** Tokens for programs, `hf_pat_<id>_<secret>`: of the user that made them, or of a service account. */
export interface Tokens extends BearerVerifier {
  /** The text is given back here and never again. @throws {HoldfastError} limit_reached */
  create(principal: Principal, token: NewToken): Promise<{ readonly info: TokenInfo; readonly text: string }>
  list(principal: Principal): Promise<readonly TokenInfo[]>
  /** @throws {HoldfastError} not_found, also for another user's (P1) */
  revoke(principal: Principal, id: TokenId): Promise<void>
}

export interface TokensOptions {
  readonly store: Pick<Store, 'db'>
  readonly revocations: Revocations
  readonly makeId: MakeId
  readonly random: RandomBytes
}

const form = /^hf_pat_([0-7][0-9A-HJKMNP-TV-Z]{25})_([\w-]{43})$/

const findStatement = `/* prepare token-find */
select t.digest, t.user_id, t.scopes, t.expires_at, u.kind,
  (t.used_at is null or t.used_at < now() - make_interval(secs => $2)) as unnoted
from tokens t join users u on u.id = t.user_id
where t.id = $1 and t.expires_at > now() and u.disabled_at is null`

interface FoundRow {
  readonly digest: string
  readonly user_id: UserId
  readonly scopes: readonly Scope[]
  readonly expires_at: Date
  readonly kind: Principal['kind']
  readonly unnoted: boolean
}

export function createTokens({ store: { db }, revocations, makeId, random }: TokensOptions): Tokens {
  return {
    claims: (bearer) => bearer.startsWith('hf_pat_'),
    async verify(bearer) {
      const [, digits, secret] = form.exec(bearer) ?? []
      if (digits === undefined || secret === undefined) return null
      const id = tokenId(`tok_${digits}`)
      const { rows } = await db.executeQuery<FoundRow>(
        CompiledQuery.raw(findStatement, [id, tokenLimits.notedMs / 1000]),
      )
      const [row] = rows
      if (row === undefined || !matches(secret, row.digest)) return null
      if (row.unnoted)
        await db.updateTable('tokens').set({ used_at: sql<Date>`now()` }).where('id', '=', id).execute()
      return {
        principal: { kind: row.kind, userId: row.user_id },
        scopes: row.scopes,
        endsAtMs: row.expires_at.getTime(),
        proof: { kind: 'token', id },
      }
    },
    async create({ userId }, { name, scopes, days }) {
      const { count } = await db
        .selectFrom('tokens')
        .select((row) => row.fn.countAll<number>().as('count'))
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow()
      if (count >= tokenLimits.perUser)
        throw new HoldfastError(
          'limit_reached',
          `There are ${count} tokens already, and ${tokenLimits.perUser} may be; revoke one that is not used`,
        )
      const id = makeId('token')
      const secret = newSecret(random)
      const row = await db
        .insertInto('tokens')
        .values({
          id,
          digest: hexDigest(secret),
          user_id: userId,
          name,
          scopes: JSON.stringify(scopes),
          expires_at: sql<Date>`now() + make_interval(days => ${days})`,
          used_at: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return { info: infoOf(row), text: `hf_pat_${id.slice('tok_'.length)}_${secret}` }
    },
    async list({ userId }) {
      const rows = await db
        .selectFrom('tokens')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('id', 'desc')
        .execute()
      return rows.map(infoOf)
    },
    async revoke({ userId }, id) {
      const done = await revocations.revoke(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom('tokens')
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .executeTakeFirstOrThrow()
        return numDeletedRows > 0n ? { done: true, userId } : { done: false }
      })
      if (!done) throw new HoldfastError('not_found', `There is no token ${id}`)
    },
  }
}

function infoOf(row: Selectable<Schema['tokens']>): TokenInfo {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes as readonly Scope[],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
  }
}
