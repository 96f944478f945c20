import { type ModelProvider, offlineName } from './model-settings.ts'
import type { Secret } from './secret.ts'
import { SettingError, type Settings } from './settings.ts'

/** A provider's model as the settings name it, with what is needed to ask it. */
export interface ModelChoice {
  /** As in HOLDFAST_MODEL and in `agent_started`: `openai:gpt-5`. */
  readonly name: string
  readonly provider: ModelProvider
  /** What the provider calls it: `gpt-5`. */
  readonly id: string
  readonly apiKey: Secret | null
  /** null: the provider's own address. */
  readonly baseUrl: URL | null
}

export type ModelSettings = Pick<
  Settings,
  | 'role'
  | 'models'
  | 'openaiKey'
  | 'openaiUrl'
  | 'anthropicKey'
  | 'anthropicUrl'
  | 'googleKey'
  | 'googleUrl'
  | 'compatibleKey'
  | 'compatibleUrl'
>

/** Pure: the models in the order in which they are asked; offline is not among them. */
export function chooseModels(settings: ModelSettings): readonly ModelChoice[] {
  const access = {
    openai: { apiKey: settings.openaiKey, baseUrl: settings.openaiUrl },
    anthropic: { apiKey: settings.anthropicKey, baseUrl: settings.anthropicUrl },
    google: { apiKey: settings.googleKey, baseUrl: settings.googleUrl },
    compatible: { apiKey: settings.compatibleKey, baseUrl: settings.compatibleUrl },
  } as const
  return settings.models
    .filter((name) => name !== offlineName)
    .map((name) => {
      const provider = name.slice(0, name.indexOf(':')) as ModelProvider
      return { name, provider, id: name.slice(provider.length + 1), ...access[provider] }
    })
}

const keyNames: Readonly<Record<Exclude<ModelProvider, 'compatible'>, string>> = {
  openai: 'HOLDFAST_OPENAI_API_KEY (or OPENAI_API_KEY)',
  anthropic: 'HOLDFAST_ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY)',
  google: 'HOLDFAST_GOOGLE_API_KEY (or GOOGLE_GENERATIVE_AI_API_KEY)',
}

/** Why the models cannot be asked, each naming what to set. A server that carries out no run needs no key. */
export function modelProblems(settings: ModelSettings): readonly SettingError[] {
  if (settings.role === 'web') return []
  return chooseModels(settings).flatMap(({ name, provider, apiKey, baseUrl }) => {
    const missing = (variable: string): SettingError[] => [
      new SettingError(
        variable.split(' ')[0] ?? variable,
        `HOLDFAST_MODEL names ${name}, so ${variable} must be set. Set it, or take ${name} out of HOLDFAST_MODEL: without a model the built-in rules answer.`,
      ),
    ]
    if (provider === 'compatible') return baseUrl === null ? missing('HOLDFAST_COMPATIBLE_BASE_URL') : []
    return apiKey === null ? missing(keyNames[provider]) : []
  })
}
