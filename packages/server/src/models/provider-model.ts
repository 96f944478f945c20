import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'

/** What a provider's model is asked with. */
export interface ProviderAccess {
  readonly provider: 'openai' | 'anthropic' | 'google' | 'compatible'
  /** What the provider calls the model. */
  readonly id: string
  /** null: none is sent. */
  readonly apiKey: string | null
  /** null: the provider's own address. */
  readonly baseUrl: string | null
}

/**
 * A provider's model whose package is loaded by its first question: a server that asks none starts as fast and as small
 * as one that has none. Key and address are always given, because the packages look into the environment where they
 * are not.
 */
export function openProviderModel(access: ProviderAccess): LanguageModelV4 {
  let loading: Promise<LanguageModelV4> | null = null
  const load = (): Promise<LanguageModelV4> => (loading ??= loadModel(access))
  const with_ = (options: LanguageModelV4CallOptions): LanguageModelV4CallOptions => ({
    ...options,
    ...(access.provider === 'openai' ? { providerOptions: { openai: { store: false } } } : {}),
  })
  return {
    specificationVersion: 'v4',
    provider: access.provider,
    modelId: access.id,
    supportedUrls: {},
    doGenerate: async (options) => (await load()).doGenerate(with_(options)),
    doStream: async (options) => (await load()).doStream(with_(options)),
  }
}

async function loadModel({ provider, id, apiKey, baseUrl }: ProviderAccess): Promise<LanguageModelV4> {
  const common = { apiKey: apiKey ?? '', fetch: fetchHere }
  switch (provider) {
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai')
      return createOpenAI({ ...common, baseURL: baseUrl ?? 'https://api.openai.com/v1' })(id)
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic')
      return createAnthropic({ ...common, baseURL: baseUrl ?? 'https://api.anthropic.com/v1' })(id)
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google')
      const baseURL = baseUrl ?? 'https://generativelanguage.googleapis.com/v1beta'
      return createGoogle({ ...common, baseURL })(id)
    }
    case 'compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
      if (baseUrl === null) throw new Error('A compatible model needs a base URL')
      return createOpenAICompatible({
        name: 'compatible',
        baseURL: baseUrl,
        fetch: fetchHere,
        includeUsage: true,
        ...(apiKey === null ? {} : { apiKey }),
      })(id)
    }
    default:
      return provider satisfies never
  }
}

// fetch takes only Authorization off a request that is sent elsewhere: a redirect would carry other keys along.
const fetchHere: typeof globalThis.fetch = (input, init) =>
  globalThis.fetch(input, { ...init, redirect: 'error' })
