import type { UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store, Tx } from '../store/store.ts'

export const revocationLimits = {
  /** Another node's revocation is found in the store after this at the latest, hint or not (B1). */
  pollMs: 1_000,
  /** How far behind its last look a poll reads again: a commit becomes visible after the time it was stamped with. */
  overlapMs: 30_000,
  /** Rows are kept this long, for nodes that could not reach the store for a while. */
  keptMs: 60 * 60_000,
} as const

export type Revoked = { readonly done: false } | { readonly done: true; readonly userId: UserId }

/**
 * Taking something away from a user, so that every node hears of it. Nothing is true because of what is heard: who
 * hears looks at the credentials again, and the store says what they are worth.
 */
export interface Revocations extends Disposable {
  /** Commits what `work` takes away together with the word to other nodes; tells `onRevoke` after. Returns `done`. */
  revoke(work: (tx: Tx) => Promise<Revoked>): Promise<boolean>
  /** `here`: by this node, just now. `elsewhere`: found in the store. Returns what removes the listener. */
  onRevoke(listener: (userId: UserId, where: 'here' | 'elsewhere') => void): () => void
  /** Looks now: the word of another node may have been missed. */
  poll(): Promise<void>
}

export interface RevocationsOptions {
  readonly store: Pick<Store, 'db' | 'capabilities'>
  readonly onPollError: (error: unknown) => void
}

export function openRevocations({
  store: { db, capabilities },
  onPollError,
}: RevocationsOptions): Revocations {
  const listeners = new Set<(userId: UserId, where: 'here' | 'elsewhere') => void>()
  const tell = (userId: UserId, where: 'here' | 'elsewhere'): void => {
    for (const listener of listeners) listener(userId, where)
  }
  /** Rows that listeners know of, and since when. Who is told twice looks twice: no harm. */
  const known = new Map<number, number>()
  let since: Date | null = null
  let closed = false

  const look = async (): Promise<void> => {
    const overlap = sql`make_interval(secs => ${revocationLimits.overlapMs / 1000})`
    const from = since === null ? sql`now()` : sql`${since.toISOString()}::timestamptz`
    // One row at least, so that the store's time is there.
    const { rows } = await sql<{ now: Date; id: number | null; user_id: UserId | null }>`
      select now() as now, r.id, r.user_id
      from (select 1) as one left join revocations r on r.at > ${from} - ${overlap}
    `.execute(db)
    for (const { now, id, user_id: userId } of rows) {
      since = now
      if (id === null || userId === null || known.has(id)) continue
      known.set(id, performance.now())
      tell(userId, 'elsewhere')
    }
    const forgetBefore = performance.now() - 2 * revocationLimits.overlapMs
    for (const [id, sinceMs] of known) if (sinceMs < forgetBefore) known.delete(id)
  }
  let looking: Promise<void> | null = null
  const poll = (): Promise<void> =>
    (looking ??= look()
      .catch(onPollError)
      .finally(() => {
        looking = null
      }))
  // A store that only this process can have has nobody else who revokes.
  const timer = capabilities.exclusive
    ? null
    : setInterval(() => void poll(), revocationLimits.pollMs).unref()

  return {
    async revoke(work) {
      const committed = await db.transaction().execute(async (tx) => {
        const revoked = await work(tx)
        if (!revoked.done) return null
        const kept = sql<Date>`now() - make_interval(secs => ${revocationLimits.keptMs / 1000})`
        await tx.deleteFrom('revocations').where('at', '<', kept).execute()
        return tx
          .insertInto('revocations')
          .values({ user_id: revoked.userId })
          .returning(['id', 'user_id'])
          .executeTakeFirstOrThrow()
      })
      if (committed === null) return false
      known.set(committed.id, performance.now())
      tell(committed.user_id, 'here')
      return true
    },
    onRevoke(listener) {
      const entry: typeof listener = (userId, where) => listener(userId, where)
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    async poll() {
      if (!closed && !capabilities.exclusive) await poll()
    },
    [Symbol.dispose]() {
      closed = true
      if (timer !== null) clearInterval(timer)
    },
  }
}
