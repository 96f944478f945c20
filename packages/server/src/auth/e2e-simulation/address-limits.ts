import { HoldfastError } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store } from '../../store/store.ts'
import { createQuotas, noQuotas } from '../quotas.ts'

export const addressLimits = {
  requestsPerMinute: 30,
  /** So many wrong signatures… */
  refusals: 10,
  /** …within this time… */
  refusalsSeconds: 5 * 60,
  /** …and the address is not listened to for so long. */
  blockSeconds: 15 * 60,
} as const

export type AddressLimitValues = { readonly [Name in keyof typeof addressLimits]: number }

export class AddressBlockedError extends HoldfastError {
  override readonly name = 'AddressBlockedError'
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super(
      'rate_limited',
      `Too many requests from this address were not signed well; try again in ${retryAfterSeconds} seconds`,
    )
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Counted in the store, by all nodes together. */
export interface AddressLimits {
  /** @throws {AddressBlockedError}; {QuotaReachedError} */
  enter(address: string): Promise<void>
  /** A request of this address was signed wrongly. */
  refused(address: string): Promise<void>
}

export function createAddressLimits(
  store: Pick<Store, 'db'>,
  { requestsPerMinute, refusals, refusalsSeconds, blockSeconds }: AddressLimitValues = addressLimits,
): AddressLimits {
  const { db } = store
  const quotas = createQuotas({ store, limits: { ...noQuotas, simulated_requests: requestsPerMinute } })
  return {
    async enter(address) {
      const row = await db
        .selectFrom('e2e_refusals')
        .select(sql<number>`ceil(extract(epoch from blocked_until - now()))::int`.as('seconds'))
        .where('address', '=', address)
        .where('blocked_until', '>', sql<Date>`now()`)
        .executeTakeFirst()
      if (row !== undefined) throw new AddressBlockedError(Math.max(1, row.seconds))
      await quotas.take(`address/${address}`, { simulated_requests: 1 })
    },
    async refused(address) {
      const kept = sql<Date>`now() - make_interval(secs => ${refusalsSeconds})`
      await db
        .deleteFrom('e2e_refusals')
        .where('begins', '<', kept)
        .where((row) =>
          row.or([row('blocked_until', 'is', null), row('blocked_until', '<', sql<Date>`now()`)]),
        )
        .execute()
      await sql`insert into e2e_refusals as r (address, begins, times, blocked_until)
        values (${address}, now(), 1,
          case when 1 >= ${refusals}::int then now() + make_interval(secs => ${blockSeconds}) end)
        on conflict (address) do update set times = r.times + 1,
          blocked_until = case when r.times + 1 >= ${refusals}::int
            then now() + make_interval(secs => ${blockSeconds}) else r.blocked_until end`.execute(db)
    },
  }
}
