import { UserId } from '@holdfast/protocol'
import type { Store } from '../store/store.ts'
import type { Proof } from './authenticator.ts'
import type { QuotaReachedError } from './quotas.ts'

/** What is told of who may do what. Names stay: operators search for them. */
export type AuditEvent =
  | 'signed_in'
  | 'sign_in_refused'
  | 'signed_out'
  | 'signed_out_everywhere'
  | 'token_created'
  | 'token_revoked'
  /** A service account whose tokens come from elsewhere: `issuer` and `subject` say from whom. */
  | 'service_account_pinned'
  /** Credentials that are not good: how often since the last line of this address is in `detail.times`. */
  | 'credentials_refused'
  /** A request that a browser sent for another site, or to another name. */
  | 'request_refused'
  /** `what` is used up, by this user or by whoever comes from this address; `times` as above. */
  | 'quota_reached'
  | 'user_disabled'
  | 'user_enabled'
  | 'data_exported'
  | 'data_deleted'
  | 'simulated_session_created'
  | 'simulated_session_refused'
  | 'simulated_session_replayed'
  | 'simulated_run_purged'

/** From where. */
export interface AuditSource {
  readonly address: string | null
  /** As a client calls itself. */
  readonly agent: string | null
}

export interface AuditEntry {
  readonly event: AuditEvent
  readonly userId?: UserId | null
  readonly proof?: Proof
  /** Small, and never a secret nor a user's own text. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>
}

export const auditLimits = {
  /** Of what a client calls itself. */
  agentLength: 200,
  /** Refusals of one address are one line in this time, with their number. */
  refusalsMs: 60_000,
  /** Addresses whose refusals are counted apart; what more there are is one line together. */
  addresses: 1_000,
  /** upkeep/expired-rows.ts takes away what is older. */
  keptDays: 365,
} as const

export interface Audit extends AsyncDisposable {
  /** In the store when it resolves. */
  note(entry: AuditEntry, source: AuditSource): Promise<void>
  /** Something anybody can do as often as they like: counted, and written once a minute for each address. */
  refused(event: 'credentials_refused' | 'request_refused', source: AuditSource): void
  /** A user's or an address's: counted likewise, with what was used up. */
  quotaReached(error: Pick<QuotaReachedError, 'kind' | 'subject'>, source: AuditSource): void
}

export interface AuditOptions {
  readonly store: Pick<Store, 'db'>
  readonly onError: (error: unknown) => void
  readonly limits?: Partial<Record<keyof typeof auditLimits, number>>
}

interface Refusals {
  readonly entry: Pick<AuditEntry, 'event' | 'userId' | 'detail'>
  readonly source: AuditSource
  times: number
}

export function openAudit({ store: { db }, onError, limits }: AuditOptions): Audit {
  const bounds = { ...auditLimits, ...limits }
  const refusals = new Map<string, Refusals>()
  let timer: NodeJS.Timeout | null = null

  const note: Audit['note'] = async ({ event, userId, proof, detail }, { address, agent }) => {
    await db
      .insertInto('audit')
      .values({
        event,
        user_id: userId ?? null,
        by: proof === undefined ? null : byOf(proof),
        address,
        agent: agent === null ? null : printable(agent).slice(0, bounds.agentLength),
        detail: JSON.stringify(detail ?? {}),
      })
      .execute()
  }
  const flush = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const all = [...refusals.values()]
    refusals.clear()
    for (const { entry, source, times } of all)
      await note({ ...entry, detail: { ...entry.detail, times } }, source)
  }

  const count = (entry: Refusals['entry'], source: AuditSource): void => {
    const { event, userId = '', detail } = entry
    const apart = [event, userId, detail?.['what'] ?? '', source.address ?? 'unknown'].join(' ')
    const full = refusals.size >= bounds.addresses && !refusals.has(apart)
    const key = full ? `${event} others` : apart
    const known = refusals.get(key)
    if (known !== undefined) known.times += 1
    else if (full) refusals.set(key, { entry: { event }, source: { address: null, agent: null }, times: 1 })
    else refusals.set(key, { entry, source, times: 1 })
    timer ??= setTimeout(() => void flush().catch(onError), bounds.refusalsMs).unref()
  }

  return {
    note,
    refused: (event, source) => count({ event }, source),
    quotaReached({ kind, subject }, source) {
      const userId = UserId.safeParse(subject).data ?? null
      count({ event: 'quota_reached', userId, detail: { what: kind } }, source)
    },
    async [Symbol.asyncDispose]() {
      if (refusals.size > 0) await flush().catch(onError)
      if (timer !== null) clearTimeout(timer)
    },
  }
}

function byOf(proof: Proof): string {
  return proof.kind === 'session' || proof.kind === 'token' ? proof.id : proof.kind
}

/** A header is the other side's text: what is not printable would forge lines wherever the log is shown. */
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?')
