import type { RunningServer, ServerOptions } from './compose.ts'
import { bootProblems } from './environment/boot-rules.ts'
import { detectTier } from './environment/tier.ts'
import { beginStore } from './open-store.ts'

/**
 * Starts the server. The embedded database opens in its own thread while this one loads the modules of the house, which
 * take about as long: so this file, and what it imports, stay small. No database is migrated, and one that others use is
 * not even asked, before nothing else is missing.
 * @throws {SettingError} a setting that must not be; {StoreLockedError} another process has the data directory;
 *   {RegistryError} an agent, tool or model that is missing or doubled (A1)
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { settings, logger } = options
  const tier = detectTier(settings)
  const [problem] = bootProblems(tier, settings)
  if (problem !== undefined) throw problem
  await using begun = beginStore(settings, tier.tier, logger)
  const { composeServer } = await import('./compose.ts')
  return await composeServer(options, tier, begun.open)
}
