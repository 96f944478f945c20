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
  /** Who takes over where this one fails; absent: nobody. */
  readonly fallback?: ResolvedModel
}

export interface ModelManager {
  readonly names: readonly string[]
  /** What may be named where the agent has these rules, the default first. */
  namesFor(rules: OfflineRules | null): readonly string[]
  /**
   * @param name the run's wish, which has no fallback; null takes the default and those after it
   * @param rules the agent's own for the offline model
   * @throws {HoldfastError} bad_request: no such model, or the agent has no offline rules
   */
  resolve(name: string | null, rules: OfflineRules | null): ResolvedModel
}

/**
 * @param models providers' models by name; `offline` is always there beside them
 * @param defaults the default, and who takes over from it, in this order
 */
export function createModelManager(
  models: ReadonlyMap<string, LanguageModelV4> = new Map(),
  defaults: readonly [string, ...string[]] = [offlineModelName],
): ModelManager {
  const names = [offlineModelName, ...models.keys()]
  const unknown = defaults.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`The default model ${unknown} is not among ${names.join(', ')}`)

  const resolveOne = (name: string, rules: OfflineRules | null): ResolvedModel => {
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
  }

  // An agent without offline rules has the others to fall back on.
  const able = (from: readonly string[], rules: OfflineRules | null): readonly string[] =>
    from.filter((name) => name !== offlineModelName || rules !== null)

  return {
    names,
    namesFor: (rules) => [...new Set(able([...defaults, ...names], rules))],
    resolve: (wish, rules) => {
      if (wish !== null) return resolveOne(wish, rules)
      const [first = defaults[0], ...later] = able(defaults, rules)
      const fallback = later.reduceRight<ResolvedModel | null>(
        (next, name) => ({ ...resolveOne(name, rules), ...(next === null ? {} : { fallback: next }) }),
        null,
      )
      return { ...resolveOne(first, rules), ...(fallback === null ? {} : { fallback }) }
    },
  }
}
