import { describe, expect, test } from 'vitest'
import { listPrices, spellings } from './prices.ts'

const at = new Date('2026-09-15T00:00:00Z')

describe('list prices', () => {
  test.each([
    'gpt-5',
    'openai/gpt-5',
    'claude-sonnet-4-5-20250929',
    'Claude Sonnet 4.5',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'gpt-5-2026-01-01',
  ])('[trap 6] %s is found', (model) => {
    expect(listPrices([model], at).unmatched).toEqual([])
  })

  test('a model without a price is listed, never priced at a guess', () => {
    const prices = listPrices(['gpt-5', 'our-own-model'], at)
    expect(prices.unmatched).toEqual(['our-own-model'])
    expect(prices.tiers.map(({ model }) => model)).toEqual(['gpt-5'])
    expect(prices.asOf).toBe('2026-09-15')
  })

  test('cached tokens and long inputs have their own prices', () => {
    const [base, long] = listPrices(['claude-sonnet-4-5'], at).tiers
    expect(base).toMatchObject({ fromTokens: -1, toTokens: 200_000, input: 3, cachedInput: 0.3, output: 15 })
    expect(long).toMatchObject({ fromTokens: 200_000, toTokens: null, input: 6, output: 22.5 })
  })

  test('the name as written is tried first', () => {
    expect(spellings('openai/gpt-5')).toEqual(['openai/gpt-5', 'gpt-5'])
  })
})
