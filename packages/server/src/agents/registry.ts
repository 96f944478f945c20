import { HoldfastError, ToolEffect } from '@holdfast/protocol'
import type { ModelManager } from '../models/model-manager.ts'
import { offlineModelName } from '../models/offline-model.ts'
import type { Principal } from '../principal.ts'
import type { ToolDefinition } from '../tools/define-tool.ts'
import type { AgentDefinition } from './define-agent.ts'

export interface Registry {
  readonly models: ModelManager
  readonly agents: readonly AgentDefinition[]
  /** What a principal may ask. */
  agentsOf(principal: Principal): readonly AgentDefinition[]
  /**
   * @param principal who asks; left out by a worker, whose runs were admitted when they were submitted
   * @throws {HoldfastError} bad_request naming the agents there are for them; null takes the first registered
   */
  agent(name: string | null, principal?: Principal): AgentDefinition
  /** The tools of an agent, by name. */
  toolsOf(agent: AgentDefinition): ReadonlyMap<string, ToolDefinition>
}

/** Something is missing or doubled; names it and stops the boot (A1). */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
}

const nameShape = /^[a-z][a-z0-9_-]{0,63}$/

/**
 * Built once, complete, frozen (A1).
 * @throws {RegistryError} no model manager, no agent, a bad or doubled name, a tool without effect, an unknown tool
 */
export function createRegistry(parts: {
  readonly agents: readonly AgentDefinition[]
  readonly tools: readonly ToolDefinition[]
  readonly models: ModelManager | undefined
  /** Who may ask agents that are open to provers only. Default: nobody. */
  readonly mayProve?: (principal: Principal) => boolean
}): Registry {
  const { models, mayProve = () => false } = parts
  if (models === undefined)
    throw new RegistryError('There is no model manager; an agent cannot run without one')
  const tools = uniqueByName('tool', parts.tools)
  for (const tool of tools.values()) {
    if (!ToolEffect.safeParse(tool.effect).success)
      throw new RegistryError(
        `Tool ${tool.name} declares no effect; say pure, idempotent or effect, or nobody knows whether it may be repeated`,
      )
  }
  const agents = uniqueByName('agent', parts.agents)
  const toolSets = new Map([...agents.values()].map((agent) => [agent.name, toolSet(agent, tools)]))
  const [first] = agents.values()
  if (first === undefined) throw new RegistryError('There is no agent; register at least one')
  if (models.names.every((name) => name === offlineModelName))
    for (const agent of agents.values())
      if (agent.offlineRules === null)
        throw new RegistryError(`Agent ${agent.name} has no offline rules and no other model is configured`)

  const agentsOf = (principal: Principal): readonly AgentDefinition[] =>
    [...agents.values()].filter(({ openTo }) => openTo !== 'provers' || mayProve(principal))

  return Object.freeze<Registry>({
    models,
    agents: Object.freeze([...agents.values()]),
    agentsOf,
    agent: (name, principal) => {
      const open = principal === undefined ? [...agents.values()] : agentsOf(principal)
      const found = name === null ? first : open.find((agent) => agent.name === name)
      if (found === undefined)
        throw new HoldfastError(
          'bad_request',
          `There is no agent ${JSON.stringify(name)}; choose one of ${open.map((agent) => agent.name).join(', ')}`,
        )
      return found
    },
    toolsOf: (agent) => {
      const set = toolSets.get(agent.name)
      if (set === undefined) throw new Error(`Agent ${agent.name} is not registered`)
      return set
    },
  })
}

function toolSet(
  agent: AgentDefinition,
  tools: ReadonlyMap<string, ToolDefinition>,
): ReadonlyMap<string, ToolDefinition> {
  const set = new Map<string, ToolDefinition>()
  for (const name of agent.tools) {
    const tool = tools.get(name)
    if (tool === undefined)
      throw new RegistryError(`Agent ${agent.name} names the tool ${name}, which is not registered`)
    set.set(name, tool)
  }
  return set
}

function uniqueByName<Part extends { readonly name: string }>(
  kind: 'tool' | 'agent',
  parts: readonly Part[],
): ReadonlyMap<string, Part> {
  const byName = new Map<string, Part>()
  for (const part of parts) {
    if (!nameShape.test(part.name))
      throw new RegistryError(
        `${JSON.stringify(part.name)} cannot name a ${kind}; it must match ${nameShape.source}`,
      )
    if (byName.has(part.name)) throw new RegistryError(`Two ${kind}s are named ${part.name}`)
    byName.set(part.name, Object.freeze({ ...part }))
  }
  return byName
}
