import { join } from 'node:path'
import { retryPolicies } from './environment/retry-policy.ts'
import type { Settings, Tier } from './environment/settings.ts'
import { openPgliteStore } from './store/pglite-store.ts'
import type { Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'

/**
 * The store that the settings name. The adapter of PostgreSQL is loaded where it is the one.
 * @param name of its connections, as PostgreSQL shows them; default: that of a server's
 * @throws {StoreLockedError} another process has the data directory; {HoldfastError} not_ready
 */
export async function openStore(
  settings: Settings,
  tier: Tier,
  logger: Logger,
  name?: string,
): Promise<Store> {
  if (settings.databaseUrl === null)
    return await openPgliteStore({ dataDir: join(settings.dataDir, 'store'), logger })
  const { openPostgresStore } = await import('./store/postgres-store.ts')
  return await openPostgresStore({
    connectionString: settings.databaseUrl.reveal(),
    poolSize: settings.databaseConnections,
    policy: retryPolicies[tier],
    ...(name === undefined ? {} : { name }),
    logger,
  })
}
