import { HoldfastError, type UserId } from '@holdfast/protocol'
import { CompiledQuery } from 'kysely'
import type { Store } from '../store/store.ts'

/** What a user may use up, each in a window of time. */
export const quotaKinds = {
  messages: { seconds: 60, what: 'messages a minute' },
  tokens: { seconds: 86_400, what: 'tokens of language models a day' },
  tool_seconds: { seconds: 86_400, what: 'seconds of tools a day' },
  upload_bytes: { seconds: 86_400, what: 'bytes of uploads a day' },
  /** Of an address, before anybody is known. */
  sign_ins: { seconds: 60, what: 'tries to sign in a minute' },
  /** Of an address: signed requests of automated tests. */
  simulated_requests: { seconds: 60, what: 'signed requests of tests a minute' },
} as const
export type QuotaKind = keyof typeof quotaKinds

/** How much of each; null: as much as there is. A row of the table `quotas` beats it for one user. */
export type QuotaLimits = Readonly<Record<QuotaKind, number | null>>

export const noQuotas: QuotaLimits = {
  messages: null,
  tokens: null,
  tool_seconds: null,
  upload_bytes: null,
  sign_ins: null,
  simulated_requests: null,
}

/** Whose: a user's, or an address's that nobody has signed in from yet. */
export type QuotaSubject = UserId | `address/${string}`

export class QuotaReachedError extends HoldfastError {
  override readonly name = 'QuotaReachedError'
  readonly kind: QuotaKind
  readonly subject: QuotaSubject
  readonly retryAfterSeconds: number

  constructor(kind: QuotaKind, subject: QuotaSubject, most: number, retryAfterSeconds: number) {
    super(
      'quota_reached',
      `${most} ${quotaKinds[kind].what} are allowed, and they are used up; try again in ${retryAfterSeconds} seconds`,
    )
    this.kind = kind
    this.subject = subject
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Counted in the store, so that all nodes count together and a restart forgets nothing. */
export interface Quotas {
  /**
   * Takes all of these amounts, or fails and takes none; 0 takes nothing and asks whether anything is left.
   * @throws {QuotaReachedError}
   */
  take(subject: QuotaSubject, wanted: Readonly<Partial<Record<QuotaKind, number>>>): Promise<void>
  /** What was used, known only now; a negative amount gives back. Never fails for want of it. */
  spend(subject: QuotaSubject, spent: Readonly<Partial<Record<QuotaKind, number>>>): Promise<void>
}

// A row tells one window. One of an earlier window is as good as none.
const asked = `asked as (
  select a.what, a.amount, a.seconds, coalesce(q.most, a.most) as most,
    to_timestamp(floor(extract(epoch from now()) / a.seconds) * a.seconds) as begins
  from json_to_recordset($2::json) as a(what text, amount bigint, most bigint, seconds int)
  left join quotas q on q.subject = $1 and q.what = a.what
)`
const used = 'case when u.begins = excluded.begins then u.amount else 0 end'

const takeStatement = `/* prepare quota-take */
with ${asked}, taken as (
  insert into usage as u (subject, what, begins, amount)
  select $1, what, begins, amount from asked where greatest(amount, 1) <= most order by what
  on conflict (subject, what) do update set begins = excluded.begins, amount = ${used} + excluded.amount
  where ${used} + greatest(excluded.amount, 1) <= (select most from asked where asked.what = excluded.what)
  returning what
)
select what, most, ceil(extract(epoch from begins) + seconds - extract(epoch from now()))::int as after
from asked where most is not null and what not in (select what from taken) order by after desc`

const spendStatement = `/* prepare quota-spend */
with ${asked}
insert into usage as u (subject, what, begins, amount)
select $1, what, begins, greatest(amount, 0) from asked order by what
on conflict (subject, what) do update
set begins = excluded.begins, amount = greatest(0, ${used} + (select amount from asked where asked.what = excluded.what))`

interface ShortRow {
  readonly what: QuotaKind
  readonly most: number
  readonly after: number
}

export interface QuotasOptions {
  readonly store: Pick<Store, 'db'>
  readonly limits: QuotaLimits
}

export function createQuotas({ store: { db }, limits }: QuotasOptions): Quotas {
  const rowsOf = (amounts: Readonly<Partial<Record<QuotaKind, number>>>) =>
    Object.entries(amounts).map(([name, amount]) => {
      const what = name as QuotaKind
      const { seconds } = quotaKinds[what]
      // Where there is no limit at all, one that nothing reaches: a row of `quotas` may still beat it.
      return { what, amount: Math.ceil(amount), most: limits[what] ?? Number.MAX_SAFE_INTEGER, seconds }
    })
  // Where people are not limited nothing is counted: a trial or one's own machine pays nothing for it.
  const isUnlimited = Object.values(limits).every((limit) => limit === null)
  const spend: Quotas['spend'] = async (subject, spent) => {
    if (isUnlimited) return
    await db.executeQuery(CompiledQuery.raw(spendStatement, [subject, JSON.stringify(rowsOf(spent))]))
  }
  return {
    spend,
    async take(subject, wanted) {
      if (isUnlimited) return
      const parameters = [subject, JSON.stringify(rowsOf(wanted))]
      const { rows } = await db.executeQuery<ShortRow>(CompiledQuery.raw(takeStatement, parameters))
      const [short] = rows
      if (short === undefined) return
      const isShort = new Set<string>(rows.map(({ what }) => what))
      const taken = Object.entries(wanted).filter(([what, amount]) => !isShort.has(what) && amount > 0)
      if (taken.length > 0)
        await spend(subject, Object.fromEntries(taken.map(([what, amount]) => [what, -amount])))
      throw new QuotaReachedError(short.what, subject, short.most, Math.max(1, short.after))
    },
  }
}
