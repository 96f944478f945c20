import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createModelManager } from '../models/model-manager.ts'
import type { ToolDefinition } from '../tools/define-tool.ts'
import { defineTool } from '../tools/define-tool.ts'
import { defineAgent } from './define-agent.ts'
import { createRegistry } from './registry.ts'

const tool = defineTool({
  name: 'look',
  description: 'Looks.',
  effect: 'pure',
  input: z.object({}),
  execute: async () => ({ output: null }),
})
const agent = defineAgent({
  name: 'helper',
  description: 'Helps.',
  instructions: 'Help.',
  tools: ['look'],
  offlineRules: () => ({ kind: 'say', text: 'done' }),
})
const models = createModelManager()

describe('[A1] the registry is complete and frozen, or the server does not start', () => {
  test('a complete one answers by name and by default', () => {
    const registry = createRegistry({ agents: [agent], tools: [tool], models })
    expect(registry.agent(null).name).toBe('helper')
    expect([...registry.toolsOf(registry.agent('helper')).keys()]).toEqual(['look'])
    expect(Object.isFrozen(registry)).toBe(true)
    expect(Object.isFrozen(registry.agents)).toBe(true)
  })

  test.each<[string, Partial<Parameters<typeof createRegistry>[0]>, RegExp]>([
    ['a missing model manager', { models: undefined }, /no model manager/],
    ['no agent at all', { agents: [] }, /no agent/],
    ['two tools of one name', { tools: [tool, tool] }, /Two tools are named look/],
    ['two agents of one name', { agents: [agent, agent] }, /Two agents are named helper/],
    [
      'a tool without effect',
      { tools: [{ ...tool, effect: undefined } as unknown as ToolDefinition] },
      /Tool look declares no effect/,
    ],
    ['an unknown tool', { agents: [{ ...agent, tools: ['look', 'leap'] }] }, /names the tool leap/],
    [
      'a name no model can call',
      { tools: [tool, { ...tool, name: 'Look up' }] },
      /"Look up" cannot name a tool/,
    ],
    [
      'an agent nobody could drive',
      { agents: [{ ...agent, offlineRules: null }] },
      /Agent helper has no offline rules/,
    ],
  ])('%s stops the boot and is named', (_, change, message) => {
    expect(() => createRegistry({ agents: [agent], tools: [tool], models, ...change })).toThrow(message)
  })

  test('asking for an agent or a model there is none of says which there are', () => {
    const registry = createRegistry({ agents: [agent], tools: [tool], models })
    expect(() => registry.agent('nobody')).toThrow(/"nobody"; choose one of helper/)
    expect(() => models.resolve('openai:gpt-5', agent.offlineRules)).toThrow(/choose one of offline/)
  })
})
