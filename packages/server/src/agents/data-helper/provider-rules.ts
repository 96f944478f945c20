/**
 * What providers grant and demand beside their prices, as dated facts. Where providers differ, the value is the one
 * that promises least; a playbook that uses one says so in a caveat.
 */
export const providerRules = {
  asOf: '2026-11-01',
  /** Input below this many tokens is not cached by OpenAI and most Claude models. */
  cacheableFromTokens: 1_024,
  /** How long an unused prefix stays in the cache by default. */
  cacheTtlMinutes: 5,
  /** The longer life that some providers sell. */
  cacheLongTtlMinutes: 60,
  /** OpenAI, Anthropic and Google take this share off what is sent as a batch. */
  batchDiscount: 0.5,
  /** Within which a batch is answered at the latest. */
  batchWithinHours: 24,
} as const
