import type { UserId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Store } from '../store/store.ts'
import type { Proof } from './authenticator.ts'

/** What is told of who may do what. Names stay: operators search for them. */
export type AuditEvent =
  | 'signed_in'
  | 'sign_in_refused'
  | 'signed_out'
  | 'signed_out_everywhere'
  | 'token_created'
  | 'token_revoked'
  /** Credentials that are not good: how often since the last line of this address is in `detail.times`. */
  | 'credentials_refused'
  /** A request that a browser sent for another site, or to another name. */
  | 'request_refused'
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
  keptDays: 365,
} as const

export interface Audit extends AsyncDisposable {
  /** In the store when it resolves. */
  note(entry: AuditEntry, source: AuditSource): Promise<void>
  /** Something anybody can do as often as they like: counted, and written once a minute for each address. */
  refused(event: 'credentials_refused' | 'request_refused' | 'quota_reached', source: AuditSource): void
}

export interface AuditOptions {
  readonly store: Pick<Store, 'db'>
  readonly onError: (error: unknown) => void
  readonly limits?: Partial<Record<keyof typeof auditLimits, number>>
}

interface Refusals {
  readonly event: AuditEvent
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
    for (const { event, source, times } of all) await note({ event, detail: { times } }, source)
    const kept = sql<Date>`now() - make_interval(days => ${bounds.keptDays})`
    await db.deleteFrom('audit').where('at', '<', kept).execute()
  }

  return {
    note,
    refused(event, source) {
      const address = source.address ?? 'unknown'
      const full = refusals.size >= bounds.addresses && !refusals.has(`${event} ${address}`)
      const key = full ? `${event} others` : `${event} ${address}`
      const known = refusals.get(key)
      if (known !== undefined) known.times += 1
      else refusals.set(key, { event, source: full ? { address: null, agent: null } : source, times: 1 })
      timer ??= setTimeout(() => void flush().catch(onError), bounds.refusalsMs).unref()
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
