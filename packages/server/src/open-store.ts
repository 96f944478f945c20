import { join } from 'node:path'
import { retryPolicies } from './environment/retry-policy.ts'
import type { Settings, Tier } from './environment/settings.ts'
import { type BegunStore, beginPgliteStore } from './store/pglite-store.ts'
import type { Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'

/**
 * Begins with the store that the settings name: of the embedded one, the lock and the thread. The adapter of PostgreSQL
 * is loaded where it is the one, and asks the database nothing before `open`.
 * @param name of its connections, as PostgreSQL shows them; default: that of a server's
 * @throws {StoreLockedError} another process has the data directory
 */
export function beginStore(settings: Settings, tier: Tier, logger: Logger, name?: string): BegunStore {
  const { databaseUrl } = settings
  if (databaseUrl === null) return beginPgliteStore({ dataDir: join(settings.dataDir, 'store'), logger })
  return {
    async open() {
      const { openPostgresStore } = await import('./store/postgres-store.ts')
      return await openPostgresStore({
        connectionString: databaseUrl.reveal(),
        poolSize: settings.databaseConnections,
        policy: retryPolicies[tier],
        logger,
        ...(name === undefined ? {} : { name }),
      })
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** @throws {StoreLockedError} another process has the data directory; {HoldfastError} not_ready */
export async function openStore(
  settings: Settings,
  tier: Tier,
  logger: Logger,
  name?: string,
): Promise<Store> {
  await using begun = beginStore(settings, tier, logger, name)
  return await begun.open()
}
