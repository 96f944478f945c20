import { expect, test } from 'vitest'
import { formatUsd } from './format.ts'
import { modelLine } from './steps.ts'

const end = (usage: object) => ({
  kind: 'answered' as const,
  summary: '',
  durationMs: 1,
  usage: { inputTokens: 0, outputTokens: 0, steps: 1, ...usage },
})
const use = { inputTokens: 1_200, outputTokens: 34, cachedInputTokens: 0, costUsd: 0.0021 }

test('who answered is said, with tokens and cost where there are any', () => {
  expect(modelLine({ model: 'offline', offline: true, end: end({}) })).toMatch(/no language model/)
  const models = [
    { ...use, model: 'openai:gpt-5' },
    { ...use, model: 'google:gemini' },
  ]
  expect(modelLine({ model: 'openai:gpt-5', offline: false, end: end({ models, costUsd: 0.0042 }) })).toBe(
    'With openai:gpt-5, then google:gemini: 2,468 tokens, $0.0042 at list prices.',
  )
  expect(
    modelLine({
      model: 'own:x',
      offline: false,
      end: end({ models: [{ ...use, model: 'own:x', costUsd: null }] }),
    }),
  ).toMatch(/no list price/)
})

test('a small sum keeps two digits that count', () => {
  expect([0, 0.00213, 0.05, 0.1, 1.3, 12].map(formatUsd)).toEqual([
    '$0.00',
    '$0.0021',
    '$0.050',
    '$0.10',
    '$1.30',
    '$12.00',
  ])
})
