import type { UserMessage } from '@holdfast/protocol'
import type { OfflineRules } from '../models/offline-model.ts'
import type { ToolResult } from '../tools/define-tool.ts'
import type { ProseFilter } from './model-step.ts'

/** What an agent is; a run gets a context of its own and no agent holds state (A2). */
export interface AgentDefinition {
  readonly name: string
  /** One sentence for people who choose. */
  readonly description: string
  /** The system prompt. */
  readonly instructions: string
  /** Names of registered tools. */
  readonly tools: readonly string[]
  /** Steps of the model before the run fails with step_limit. Default agentLimits.steps. */
  readonly maxSteps?: number
  /**
   * What is done to a language model's text before anybody sees it, such as marking what nothing backs. Made for each
   * step from the message and the results so far. Default: the text stays as it is said.
   */
  readonly prose?: (message: UserMessage, results: readonly ToolResult[]) => ProseFilter
  /** How the offline model chooses among the tools; null: the agent needs a provider's model. */
  readonly offlineRules: OfflineRules | null
  /** Who may ask it; the others are answered as if it were not there. Default: everyone. */
  readonly openTo?: 'everyone' | 'provers'
}

export const agentLimits = { steps: 24 } as const

/** Types an agent; the registry checks it at boot (A1). */
export function defineAgent(agent: AgentDefinition): AgentDefinition {
  return agent
}
