import type { EpochId } from '@holdfast/protocol'
import type { Kysely, Transaction } from 'kysely'
import type { Schema } from './schema.ts'

/** What an acknowledged commit survives. Printed at boot, so that nobody takes one for the other. */
export type Durability = 'memory' | 'process-crash' | 'power-loss'

/** One dialect, two operating contracts: what differs between the adapters is named here and nowhere else. */
export interface StoreCapabilities {
  readonly durability: Durability
  /** Only this process can have the store open: whatever lease another process left behind is void. */
  readonly exclusive: boolean
}

/** What the store tells of itself: lost connections, and maintenance that failed. */
export interface StoreLogger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  debug(fields: object, message: string): void
}

/** Whether the database answers. While it does not, statements fail at once with StoreAwayError (store-fault.ts). */
export interface StorePresence {
  readonly away: boolean
  /** Called each time it is back: whoever polls looks at once. Returns what removes the listener. */
  onBack(listener: () => void): () => void
}

export type Tx = Transaction<Schema>

/** The database, open and migrated. Times inside it are of its own clock. */
export interface Store extends AsyncDisposable {
  readonly kind: 'pglite' | 'postgres'
  readonly capabilities: StoreCapabilities
  readonly db: Kysely<Schema>
  readonly presence: StorePresence
  /** Made when the store was created, rotated by restore (L6). */
  readonly epoch: EpochId
}
