import type { LanguageModelV4 } from '@ai-sdk/provider'
import { HoldfastError } from '@holdfast/protocol'
import type { OfflineRules } from './offline-model.ts'
import { createOfflineModel, offlineModelName } from './offline-model.ts'

/** A model a run can use, under the name that `agent_started` tells. */
export interface ResolvedModel {
  readonly name: string
  /** True of the rule-driven model: said in `agent_started`, so that nobody takes it for a language model. */
  readonly offline: boolean
  readonly model: LanguageModelV4
}

export interface ModelManager {
  readonly names: readonly string[]
  /**
   * @param name the run's wish; null takes the default
   * @param rules the agent's own for the offline model
   * @throws {HoldfastError} bad_request: no such model, or the agent has no offline rules
   */
  resolve(name: string | null, rules: OfflineRules | null): ResolvedModel
}

/** @param models providers' models by name; `offline` is always there beside them */
export function createModelManager(
  models: ReadonlyMap<string, LanguageModelV4> = new Map(),
  defaultName: string = offlineModelName,
): ModelManager {
  const names = [offlineModelName, ...models.keys()]
  if (!names.includes(defaultName))
    throw new Error(`The default model ${defaultName} is not among ${names.join(', ')}`)
  return {
    names,
    resolve: (wish, rules) => {
      const name = wish ?? defaultName
      if (name === offlineModelName) {
        if (rules === null)
          throw new HoldfastError('bad_request', 'This agent has no offline rules; name another model')
        return { name, offline: true, model: createOfflineModel(rules) }
      }
      const model = models.get(name)
      if (model === undefined)
        throw new HoldfastError(
          'bad_request',
          `There is no model ${JSON.stringify(name)}; choose one of ${names.join(', ')}`,
        )
      return { name, offline: false, model }
    },
  }
}
