import type { Simulation } from './auth/e2e-simulation/simulation.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import type { Settings } from './environment/settings.ts'
import { chooseSimulation } from './environment/simulation-choice.ts'
import type { TierDetection } from './environment/tier.ts'
import type { HttpDeps } from './http/deps.ts'
import type { Store } from './store/store.ts'
import type { Logger } from './telemetry/logger.ts'

export type OpenSimulation = (store: Pick<Store, 'db'>) => {
  readonly simulation: Simulation
  readonly routes: NonNullable<HttpDeps['simulation']>['routes']
}

/**
 * Where it is off, as it always is in production, nothing of it is loaded: a route that is not there cannot be found.
 * @returns null: off
 * @throws {SettingError} it must not be on here, or its key cannot be read
 */
export async function loadSimulation(
  settings: Settings,
  tier: TierDetection,
  logger: Logger,
): Promise<OpenSimulation | null> {
  const choice = chooseSimulation(settings, tier)
  if (choice.kind === 'off') return null
  const { readSimulationKeys } = await import('./environment/simulation-keys.ts')
  const { secretManagerUrl } = settings
  const policy = retryPolicies[tier.tier]
  const read = await readSimulationKeys(choice, { secretManagerUrl, policy, logger })
  const { createSimulation } = await import('./auth/e2e-simulation/create-simulation.ts')
  const { e2eSimulationRoutes } = await import('./http/e2e-simulation.ts')
  logger.warn(
    { host: choice.host, keys: read.map(({ id, variable }) => `${id} (${variable})`) },
    'E2E simulation is on: whoever has one of these keys signs in as a persona',
  )
  return (store) => {
    const keys = read.map(({ id, key }) => ({ id, text: key.reveal() }))
    const simulation = createSimulation({ store, host: choice.host, keys })
    return { simulation, routes: (app, deps) => e2eSimulationRoutes(app, deps, simulation) }
  }
}
