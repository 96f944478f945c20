import { HoldfastError } from '@holdfast/protocol'
import pg from 'pg'

/**
 * What stands against a statement besides itself.
 *
 * - `away`: nobody answers, or the server is on its way down or up. Whether a commit under way happened is not known.
 * - `busy`: it answers, and has no room or no time for this now.
 * - `refused`: it answers, and does not let this node in. An operator can mend that; waiting does not.
 */
export type StoreFault = 'away' | 'busy' | 'refused'

const sentences: Readonly<Record<StoreFault, string>> = {
  away:
    'The database does not answer at the moment. Nothing that was accepted is lost; ' +
    'try again in a moment, with the same Idempotency-Key where there was one',
  busy: 'The database has more to do than it can at the moment; try again in a moment',
  refused: 'The database does not let the server in at the moment; try again later',
}

/** The database did not do it, for no fault of the caller's: the same again may succeed soon. */
export class StoreAwayError extends HoldfastError {
  override readonly name = 'StoreAwayError'

  constructor(fault: StoreFault, options?: ErrorOptions) {
    super('not_ready', sentences[fault], options)
  }
}

const addressFaults = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
])

// In the words of pg and pg-pool, which give these no code.
const lostConnection =
  /^(Connection terminated|Client (has encountered|was closed)|Query read timeout|timeout expired)/
const noFreeConnection = /^timeout exceeded when trying to connect/

/** null: the statement's own fault, or a bug. */
export function storeFault(error: unknown): StoreFault | null {
  if (error instanceof pg.DatabaseError) return faultOfState(error.code ?? '')
  // A host with several addresses: one error each.
  if (error instanceof AggregateError) return storeFault(error.errors[0])
  if (!(error instanceof Error)) return null
  if ('code' in error && typeof error.code === 'string' && addressFaults.has(error.code)) return 'away'
  if (lostConnection.test(error.message)) return 'away'
  return noFreeConnection.test(error.message) ? 'busy' : null
}

/** SQLSTATEs, by PostgreSQL's appendix A. */
function faultOfState(state: string): StoreFault | null {
  switch (state) {
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
    case '57P03': // cannot_connect_now
      return 'away'
    case '57014': // query_canceled: statement_timeout
    case '55P03': // lock_not_available
      return 'busy'
    case '3D000': // invalid_catalog_name: our database is gone, or not there yet
      return 'refused'
    default:
      break
  }
  switch (state.slice(0, 2)) {
    case '08': // connection exception
      return 'away'
    case '53': // insufficient resources: no connection, memory or disk left
      return 'busy'
    case '28': // invalid authorization: the password was changed
      return 'refused'
    default:
      return null
  }
}
