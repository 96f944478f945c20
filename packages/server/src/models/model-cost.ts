import { calcPrice } from '@pydantic/genai-prices'

/** What one model used up. Cached tokens are among the input tokens. */
export interface ModelUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
}

/**
 * At list prices that come with the server and are never fetched; null where the model has none, as one of one's own.
 * @param name as the settings have it: `openai:gpt-5`
 */
export function costUsd(name: string, usage: ModelUsage, at: Date): number | null {
  const [provider = '', ...rest] = name.split(':')
  if (provider === 'compatible') return null
  const found = calcPrice(
    {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_read_tokens: usage.cachedInputTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    rest.join(':'),
    { providerId: provider, timestamp: at },
  )
  return found?.total_price ?? null
}
