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

/** A store that has begun to open. Disposing lets go of one that was not opened; an opened one is its own. */
export interface BegunStore extends AsyncDisposable {
  /** Once. @throws {HoldfastError} not_ready */
  readonly open: () => Promise<Store>
}

/**
 * The embedded store of one process. An acknowledged commit survives the death of the process, not of the machine:
 * PGlite never calls fsync.
 *
 * The directory is locked and the database's thread has begun when this returns, so that it opens while the caller loads
 * other modules; only `open` migrates.
 * @throws {StoreLockedError} another process has the directory
 */
export function beginPgliteStore({ dataDir, logger }: PgliteStoreOptions): BegunStore {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // PGlite makes its files readable by all; this directory keeps others out, also where it was there before.
  chmodSync(dataDir, 0o700)
  const lock = lockDirectory(dataDir)
  const begun = beginPglite(join(dataDir, 'pgdata'))
  let opened = false
  return {
    async open() {
      opened = true
      await using opening = new AsyncDisposableStack()
      opening.use(lock)
      const store = opening.use(await begun.open({ durability: 'process-crash', exclusive: true }))
      const { startMaintenance } = await import('./pglite/maintenance.ts')
      opening.use(startMaintenance(store.db, logger))
      const owned = opening.move()
      let closing: Promise<void> | null = null
      return { ...store, [Symbol.asyncDispose]: () => (closing ??= owned.disposeAsync()) }
    },
    async [Symbol.asyncDispose]() {
      if (opened) return
      using _ = lock
      await begun.close()
    },
  }
}

/**
 * @throws {StoreLockedError} another process has the directory
 * @throws {HoldfastError} not_ready: the directory does not open as a database
 */
export async function openPgliteStore(options: PgliteStoreOptions): Promise<Store> {
  return await beginPgliteStore(options).open()
}

/** A store that is gone when it is closed: for tests and trials. */
export function openMemoryStore(): Promise<Store> {
  return beginPglite(null).open({ durability: 'memory', exclusive: true })
}

interface BegunPglite {
  /** The store on the database, migrated. */
  open(capabilities: StoreCapabilities): Promise<Store>
  /** Of one that was not opened. */
  close(): Promise<void>
}

function beginPglite(directory: string | null): BegunPglite {
  const begun = openPgliteClient({ directory })
  // On demand: the query builder is some 250 files, and is read while the thread opens the database.
  const rest = import('./pglite/store-on-client.ts')
  // Told where they are waited for.
  for (const each of [begun, rest]) each.catch(() => undefined)
  return {
    async open(capabilities) {
      await using opening = new AsyncDisposableStack()
      const client = await begun
      opening.defer(() => client.close())
      const { storeOnClient } = await rest
      opening.move()
      return await storeOnClient(client, capabilities)
    },
    close: () =>
      begun.then(
        (client) => client.close(),
        () => undefined,
      ),
  }
}
