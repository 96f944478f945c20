import type { RunningServer, ServerOptions } from './compose.ts'
import { bootProblems } from './environment/boot-rules.ts'
import { detectTier } from './environment/tier.ts'
import { openStore } from './open-store.ts'

/**
 * Starts the server: the embedded database opens in its own thread while this one loads the modules of the house, which
 * take about as long. So this file, and what it imports, stay small.
 * @throws {SettingError} a setting that must not be; {StoreLockedError} another process has the data directory;
 *   {RegistryError} an agent, tool or model that is missing or doubled (A1)
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { settings, logger } = options
  const tier = detectTier(settings)
  const [problem] = bootProblems(tier, settings)
  if (problem !== undefined) throw problem
  const [store, house] = await Promise.allSettled([
    openStore(settings, tier.tier, logger),
    import('./compose.ts'),
  ])
  if (store.status === 'rejected') throw store.reason
  if (house.status === 'fulfilled') return await house.value.composeServer(options, tier, store.value)
  await store.value[Symbol.asyncDispose]()
  throw house.reason
}
