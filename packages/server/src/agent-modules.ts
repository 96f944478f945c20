import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AgentDefinition } from './agents/define-agent.ts'
import { SettingError } from './environment/settings.ts'
import type { ToolDefinition } from './tools/define-tool.ts'

export interface OwnAgents {
  readonly agents: readonly AgentDefinition[]
  readonly tools: readonly ToolDefinition[]
}

/**
 * Agents and tools of the operator's own. What they hold is checked with all others by the registry (A1).
 * @throws {SettingError} a file that cannot be read as a module, or that exports neither
 */
export async function readAgentModules(paths: readonly string[]): Promise<OwnAgents> {
  const modules = await Promise.all(paths.map(readModule))
  return {
    agents: modules.flatMap(({ agents }) => agents),
    tools: modules.flatMap(({ tools }) => tools),
  }
}

async function readModule(path: string): Promise<OwnAgents> {
  const failed = (why: string): SettingError =>
    new SettingError('HOLDFAST_AGENTS', `HOLDFAST_AGENTS names ${path}, ${why}. See docs/agents.md.`)
  let module: object
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as object
  } catch (error) {
    throw failed(`which cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const list = (name: 'agents' | 'tools'): readonly unknown[] => {
    const value: unknown = Reflect.get(module, name) ?? []
    if (!Array.isArray(value)) throw failed(`whose export ${name} is no array`)
    return value
  }
  const [agents, tools] = [list('agents'), list('tools')]
  if (agents.length + tools.length === 0) throw failed('which exports neither agents nor tools')
  return { agents: agents as readonly AgentDefinition[], tools: tools as readonly ToolDefinition[] }
}
