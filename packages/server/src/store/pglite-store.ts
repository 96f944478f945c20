import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { lockDirectory } from './directory-lock.ts'
import { openPgliteClient } from './pglite/client.ts'
import type { Store, StoreCapabilities, StoreLogger } from './store.ts'

export { StoreLockedError } from './directory-lock.ts'

export interface PgliteStoreOptions {
  /** Made, readable by this user only, where it does not exist. The lock and the database stand in it. */
  readonly dataDir: string
  readonly logger?: StoreLogger
}

/**
 * The embedded store of one process. An acknowledged commit survives the death of the process, not of the machine:
 * PGlite never calls fsync.
 *
 * The database's thread begins before this returns its promise, so that it opens while the caller loads other modules.
 * @throws {StoreLockedError} another process has the directory
 * @throws {HoldfastError} not_ready: the directory does not open as a database
 */
export async function openPgliteStore({ dataDir, logger }: PgliteStoreOptions): Promise<Store> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // PGlite makes its files readable by all; this directory keeps others out, also where it was there before.
  chmodSync(dataDir, 0o700)
  await using opening = new AsyncDisposableStack()
  opening.use(lockDirectory(dataDir))
  const directory = join(dataDir, 'pgdata')
  const store = opening.use(await openPglite(directory, { durability: 'process-crash', exclusive: true }))
  const { startMaintenance } = await import('./pglite/maintenance.ts')
  opening.use(startMaintenance(store.db, logger))
  const owned = opening.move()
  let closing: Promise<void> | null = null
  return { ...store, [Symbol.asyncDispose]: () => (closing ??= owned.disposeAsync()) }
}

/** A store that is gone when it is closed: for tests and trials. */
export function openMemoryStore(): Promise<Store> {
  return openPglite(null, { durability: 'memory', exclusive: true })
}

async function openPglite(directory: string | null, capabilities: StoreCapabilities): Promise<Store> {
  const [client, { storeOnClient }] = await Promise.all([
    openPgliteClient({ directory }),
    // On demand: the query builder is some 250 files, and is read while the thread opens the database.
    import('./pglite/store-on-client.ts'),
  ])
  return await storeOnClient(client, capabilities)
}
