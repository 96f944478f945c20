import { Kysely } from 'kysely'
import { migrate, readEpoch } from '../migrate.ts'
import { alwaysThere } from '../presence.ts'
import type { Schema } from '../schema.ts'
import type { Store, StoreCapabilities } from '../store.ts'
import type { PgliteClient } from './client.ts'
import { pgliteDialect } from './dialect.ts'

/**
 * The store on an open database, which is brought to this version's schema.
 * @param client closed with the store, and where it cannot be made
 * @throws {HoldfastError} not_ready, as `migrate`
 */
export async function storeOnClient(client: PgliteClient, capabilities: StoreCapabilities): Promise<Store> {
  await using opening = new AsyncDisposableStack()
  opening.defer(() => client.close())
  const db = new Kysely<Schema>({ dialect: pgliteDialect(client) })
  opening.defer(() => db.destroy())
  await migrate(db)
  const epoch = await readEpoch(db)
  const owned = opening.move()
  let closing: Promise<void> | null = null
  return {
    kind: 'pglite',
    capabilities,
    db,
    presence: alwaysThere,
    epoch,
    [Symbol.asyncDispose]: () => (closing ??= owned.disposeAsync()),
  }
}
