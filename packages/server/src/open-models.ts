import { chooseModels } from './environment/model-choice.ts'
import { retryPolicies } from './environment/retry-policy.ts'
import type { Settings, Tier } from './environment/settings.ts'
import { createModelManager, type ModelManager } from './models/model-manager.ts'
import { createPatientModel } from './models/patient-model.ts'
import { openProviderModel } from './models/provider-model.ts'
import type { Logger } from './telemetry/logger.ts'

/** The models of the settings: each with the tier's patience, the first as the default and the others after it. */
export function openModels(settings: Settings, tier: Tier, logger: Logger): ModelManager {
  const models = chooseModels(settings).map(({ name, provider, id, apiKey, baseUrl }) => {
    const key = apiKey?.reveal() ?? null
    const inner = openProviderModel({ provider, id, apiKey: key, baseUrl: baseUrl?.href ?? null })
    const patient = createPatientModel(name, inner, {
      policy: retryPolicies[tier],
      silenceMs: settings.modelSilenceSeconds * 1000,
      logger,
      keys: key === null ? [] : [key],
    })
    return [name, patient] as const
  })
  const [first = 'offline', ...later] = settings.models
  return createModelManager(new Map(models), [first, ...later])
}
