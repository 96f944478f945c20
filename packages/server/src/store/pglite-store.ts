import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { lockDirectory } from './directory-lock.ts'
import { migrate, readEpoch } from './migrate.ts'
import { openPgliteClient } from './pglite/client.ts'
import { pgliteDialect } from './pglite/dialect.ts'
import { alwaysThere } from './presence.ts'
import type { Schema } from './schema.ts'
import type { Store, StoreCapabilities, StoreLogger } from './store.ts'

export { StoreLockedError } from './directory-lock.ts'

/** PGlite is PostgreSQL in single-user mode: what other servers do in the background happens only when asked. */
export const maintenance = {
  /** Bounds the log that the next start must replay. */
  checkpointMs: 60_000,
  /** Statistics for the planner, and the space of dead rows. */
  vacuumMs: 15 * 60_000,
} as const

export interface PgliteStoreOptions {
  /** Made, readable by this user only, where it does not exist. The lock and the database stand in it. */
  readonly dataDir: string
  readonly logger?: StoreLogger
}

/**
 * The embedded store of one process. An acknowledged commit survives the death of the process, not of the machine:
 * PGlite never calls fsync.
 * @throws {StoreLockedError} another process has the directory
 * @throws {HoldfastError} not_ready: the directory does not open as a database
 */
export async function openPgliteStore({ dataDir, logger }: PgliteStoreOptions): Promise<Store> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  // PGlite makes its files readable by all; this directory keeps others out, also where it was there before.
  await chmod(dataDir, 0o700)
  await using opening = new AsyncDisposableStack()
  opening.use(lockDirectory(dataDir))
  const directory = join(dataDir, 'pgdata')
  const store = opening.use(await openPglite(directory, { durability: 'process-crash', exclusive: true }))
  opening.defer(async () => void (await sql`checkpoint`.execute(store.db)))
  opening.defer(maintain(store.db, logger))
  const owned = opening.move()
  let closing: Promise<void> | null = null
  return { ...store, [Symbol.asyncDispose]: () => (closing ??= owned.disposeAsync()) }
}

/** A store that is gone when it is closed: for tests and trials. */
export function openMemoryStore(): Promise<Store> {
  return openPglite(null, { durability: 'memory', exclusive: true })
}

async function openPglite(directory: string | null, capabilities: StoreCapabilities): Promise<Store> {
  const client = await openPgliteClient({ directory })
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

function maintain(db: Kysely<Schema>, logger: StoreLogger | undefined): () => void {
  const every = (ms: number, name: string, work: () => Promise<unknown>): NodeJS.Timeout =>
    setInterval(() => {
      const began = performance.now()
      work().then(
        () => logger?.debug({ ms: Math.round(performance.now() - began) }, `store: ${name} done`),
        (error: unknown) => logger?.error({ error }, `store: ${name} failed; trying again in ${ms} ms`),
      )
    }, ms).unref()
  const timers = [
    every(maintenance.checkpointMs, 'checkpoint', () => sql`checkpoint`.execute(db)),
    every(maintenance.vacuumMs, 'vacuum', () => sql`vacuum (analyze)`.execute(db)),
  ]
  return () => timers.forEach(clearInterval)
}
