import { expect, test } from 'vitest'
import { chooseModels, modelProblems } from './model-choice.ts'
import { readSettings, SettingError } from './settings.ts'

const keys = { OPENAI_API_KEY: 'sk-1', HOLDFAST_ANTHROPIC_API_KEY: 'sk-2' }
const problems = (environment: Record<string, string>) =>
  modelProblems(readSettings(environment)).map(({ setting, message }) => [setting, message] as const)

test('without the setting there is no model, whatever keys lie about', () => {
  expect(chooseModels(readSettings(keys))).toEqual([])
  expect(problems(keys)).toEqual([])
})

test('models stand in the order in which they are asked; offline is none of a provider', () => {
  const settings = readSettings({
    ...keys,
    HOLDFAST_MODEL: 'openai:gpt-5, anthropic:claude-sonnet-4-5,offline,compatible:qwen3:8b',
    HOLDFAST_COMPATIBLE_BASE_URL: 'http://127.0.0.1:11434/v1',
  })
  expect(chooseModels(settings).map(({ name, provider, id }) => [name, provider, id])).toEqual([
    ['openai:gpt-5', 'openai', 'gpt-5'],
    ['anthropic:claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5'],
    ['compatible:qwen3:8b', 'compatible', 'qwen3:8b'],
  ])
  expect(modelProblems(settings)).toEqual([])
  // A key in a listing would end in a log.
  expect(JSON.stringify(chooseModels(settings))).not.toContain('sk-')
})

test.each([
  ['openai:gpt-5', 'HOLDFAST_OPENAI_API_KEY', /OPENAI_API_KEY/],
  ['anthropic:claude-sonnet-4-5', 'HOLDFAST_ANTHROPIC_API_KEY', /ANTHROPIC_API_KEY/],
  ['google:gemini-2.5-pro', 'HOLDFAST_GOOGLE_API_KEY', /GOOGLE_GENERATIVE_AI_API_KEY/],
  ['compatible:x', 'HOLDFAST_COMPATIBLE_BASE_URL', /built-in rules/],
  ['offline,openai:gpt-5', 'HOLDFAST_OPENAI_API_KEY', /openai:gpt-5/],
])('%s without what it needs names %s', (model, setting, message) => {
  expect(problems({ HOLDFAST_MODEL: model })).toEqual([[setting, expect.stringMatching(message)]])
  // It carries out no run.
  expect(problems({ HOLDFAST_MODEL: model, HOLDFAST_ROLE: 'web' })).toEqual([])
})

test.each(['gpt-5', 'openai:', 'openai:a b', 'mistral:large', 'openai:a,openai:a', 'openai:a,,offline'])(
  'HOLDFAST_MODEL=%s is refused, with what is allowed',
  (value) => {
    expect(() => readSettings({ HOLDFAST_MODEL: value })).toThrow(SettingError)
    expect(() => readSettings({ HOLDFAST_MODEL: value })).toThrow(/openai:gpt-5/)
  },
)

test('an address with a password in it is refused: it would be shown', () => {
  expect(() => readSettings({ HOLDFAST_OPENAI_BASE_URL: 'https://user:secret@example.com/v1' })).toThrow(
    /HOLDFAST_OPENAI_BASE_URL must be/,
  )
})
