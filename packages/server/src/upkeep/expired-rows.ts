import { sql } from 'kysely'
import { auditLimits } from '../auth/audit.ts'
import { ticketIsOver } from '../auth/tickets.ts'
import type { Store } from '../store/store.ts'
import { takeTurn } from './chore-turn.ts'

export const expiredRowsLimits = {
  /** One node looks this often. */
  everyMs: 60 * 60_000,
  /** Twice the longest window of a quota: nobody asks what was used in one that is over. */
  usageKeptDays: 2,
} as const

/** Takes away what is over by time, should this node be the one to look now: its owner may never come back to do it. */
export async function removeExpiredRows(store: Pick<Store, 'db'>): Promise<void> {
  if (!(await takeTurn(store, 'expired rows', expiredRowsLimits.everyMs))) return
  const { db } = store
  const ago = (days: number) => sql<Date>`now() - make_interval(days => ${days})`
  await db.deleteFrom('ws_tickets').where(ticketIsOver).execute()
  await db.deleteFrom('sessions').where('expires_at', '<', sql<Date>`now()`).execute()
  await db.deleteFrom('usage').where('begins', '<', ago(expiredRowsLimits.usageKeptDays)).execute()
  await db.deleteFrom('audit').where('at', '<', ago(auditLimits.keptDays)).execute()
}
