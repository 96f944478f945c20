import type { Scope, UserId } from '@holdfast/protocol'
import { CompiledQuery, type ExpressionBuilder, sql } from 'kysely'
import type { Principal } from '../principal.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { Access } from './authenticator.ts'
import { hexDigest, newSecret, type RandomBytes } from './secrets.ts'

export const ticketLimits = {
  /** From being made to being redeemed. */
  lifeMs: 30_000,
  /** Unredeemed ones of one user at a time; a further one takes the place of the oldest. */
  perUser: 20,
} as const

/** Redeemed tickets without an end of their own are forgotten after this: no connection lives so long. */
const keptMs = 24 * 60 * 60_000

/**
 * One-time credentials of a WebSocket, for pages that can send no header with it and no cookie of ours: made by whoever
 * has shown better ones, good for one handshake from the same origin, and never for longer than what made them.
 */
export interface Tickets {
  create(
    access: Access,
    origin: string | null,
  ): Promise<{ readonly ticket: string; readonly expiresAt: Date }>
  /** Uses it up. false: unknown, too old, used before, or made for another origin. */
  redeem(ticket: string, origin: string | null): Promise<boolean>
  /** What a redeemed ticket is worth now. null: what made it is over. */
  find(ticket: string): Promise<Access | null>
}

export interface TicketsOptions {
  readonly store: Pick<Store, 'db'>
  readonly random: RandomBytes
}

/** Of no use any more: never redeemed in time, or longer ago than any connection lives. */
export const ticketIsOver = (row: ExpressionBuilder<Schema, 'ws_tickets'>) =>
  row.or([
    row.and([row('redeemed_at', 'is', null), row('expires_at', '<', sql<Date>`now()`)]),
    row('ends_at', '<', sql<Date>`now()`),
    row('redeemed_at', '<', sql<Date>`now() - make_interval(secs => ${keptMs / 1000})`),
  ])

const findStatement = `/* prepare ticket-find */
select k.user_id, k.scopes, k.ends_at, u.kind
from ws_tickets k
join users u on u.id = k.user_id
left join sessions s on s.digest = k.session_digest
left join tokens t on t.id = k.token_id
where k.digest = $1 and k.redeemed_at is not null and u.disabled_at is null
  and (k.ends_at is null or k.ends_at > now())
  and (k.session_digest is null or s.expires_at > now())
  and (k.token_id is null or t.expires_at > now())`

interface FoundRow {
  readonly user_id: UserId
  readonly scopes: readonly Scope[]
  readonly ends_at: Date | null
  readonly kind: Principal['kind']
}

export function createTickets({ store: { db }, random }: TicketsOptions): Tickets {
  return {
    async create({ principal: { userId }, scopes, endsAtMs, proof }, origin) {
      const ticket = newSecret(random)
      const stale = db
        .selectFrom('ws_tickets')
        .select('digest')
        .where('user_id', '=', userId)
        .where('redeemed_at', 'is', null)
        .orderBy('expires_at', 'desc')
        .offset(ticketLimits.perUser - 1)
      await db
        .deleteFrom('ws_tickets')
        .where('user_id', '=', userId)
        .where((row) => row.or([row('digest', 'in', stale), ticketIsOver(row)]))
        .execute()
      const { expires_at: expiresAt } = await db
        .insertInto('ws_tickets')
        .values({
          digest: hexDigest(ticket),
          user_id: userId,
          scopes: JSON.stringify(scopes),
          session_digest: proof.kind === 'session' ? proof.digest : null,
          token_id: proof.kind === 'token' ? proof.id : null,
          origin,
          expires_at: sql<Date>`now() + make_interval(secs => ${ticketLimits.lifeMs / 1000})`,
          redeemed_at: null,
          ends_at: endsAtMs === null ? null : new Date(endsAtMs),
        })
        .returning('expires_at')
        .executeTakeFirstOrThrow()
      return { ticket, expiresAt }
    },
    async redeem(ticket, origin) {
      const { numUpdatedRows } = await db
        .updateTable('ws_tickets')
        .set({ redeemed_at: sql<Date>`now()` })
        .where('digest', '=', hexDigest(ticket))
        .where('redeemed_at', 'is', null)
        .where('expires_at', '>', sql<Date>`now()`)
        .where('origin', origin === null ? 'is' : '=', origin)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },
    async find(ticket) {
      const { rows } = await db.executeQuery<FoundRow>(CompiledQuery.raw(findStatement, [hexDigest(ticket)]))
      const [row] = rows
      if (row === undefined) return null
      return {
        principal: { kind: row.kind, userId: row.user_id },
        scopes: row.scopes,
        endsAtMs: row.ends_at?.getTime() ?? null,
        proof: { kind: 'ticket' },
      }
    },
  }
}
