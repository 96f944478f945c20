import { join } from 'node:path'
import { retryPolicies } from './environment/retry-policy.ts'
import type { Settings, Tier } from './environment/settings.ts'
import { openPgliteStore } from './store/pglite-store.ts'
import { openPostgresStore, servingName } from './store/postgres-store.ts'
import type { Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'

/**
 * The store that the settings name.
 * @param name of its connections, as PostgreSQL shows them; default: that of a server's
 * @throws {StoreLockedError} another process has the data directory; {HoldfastError} not_ready
 */
export function openStore(
  settings: Settings,
  tier: Tier,
  logger: Logger,
  name: string = servingName,
): Promise<Store> {
  return settings.databaseUrl === null
    ? openPgliteStore({ dataDir: join(settings.dataDir, 'store'), logger })
    : openPostgresStore({
        connectionString: settings.databaseUrl.reveal(),
        poolSize: settings.databaseConnections,
        policy: retryPolicies[tier],
        name,
        logger,
      })
}
