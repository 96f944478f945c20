import type {
  ArtifactId,
  CallId,
  Json,
  NewEvent,
  Outcome,
  RunId,
  ThreadId,
  ToolEffect,
} from '@holdfast/protocol'
import type { z } from 'zod'
import type { Principal } from '../principal.ts'
import type { ThreadWorkspace } from '../workspace/workspace.ts'

/** Made for one call of one run (A2). Ids come from here, never from model text (A3). */
export interface ToolContext {
  readonly principal: Principal
  readonly threadId: ThreadId
  readonly runId: RunId
  readonly callId: CallId
  /** The same for every repeat of this call: hand it to what must not happen twice. */
  readonly idempotencyKey: string
  readonly signal: AbortSignal
  readonly workspace: ThreadWorkspace
  /** The conversation of this thread so far, oldest first; the last is the message this run answers. */
  readonly messages: readonly ThreadMessage[]
  /** Results of this run's earlier calls, oldest first: what a tool needs of another is read here, not repeated by the model. */
  readonly results: readonly ToolResult[]
}

export interface ThreadMessage {
  readonly role: 'user' | 'assistant'
  readonly text: string
  readonly files: readonly string[]
}

export interface ToolResult {
  readonly tool: string
  readonly ok: boolean
  readonly output: Json
}

export interface ToolOutcome {
  /** What the model reads and the user can unfold. At most toolLimits.outputBytes as JSON; larger things are artifacts (L7). */
  readonly output: Json
  readonly artifacts?: readonly ArtifactId[]
  /** Appended in one transaction with tool_completed: artifact_created, data_requested, data_received. */
  readonly events?: readonly NewEvent[]
  /** Set by the tool that settles the run: what agent_completed will say. */
  readonly conclusion?: { readonly outcome: Outcome; readonly summary: string }
}

export interface ToolDefinition<Input = unknown> {
  readonly name: string
  /** Read by models and shown to users. */
  readonly description: string
  /** What a repeat would do; decides what recovery does with an open call (R3). */
  readonly effect: ToolEffect
  readonly input: z.ZodType<Input>
  /** Default toolLimits.timeoutMs. */
  readonly timeoutMs?: number
  /** One short sentence for agent_thinking while the call is about to run, for people. */
  readonly narrate?: (input: Input) => string
  execute(input: Input, context: ToolContext): Promise<ToolOutcome>
}

export const toolLimits = {
  /** Of `output` as JSON: leaves room for the envelope under limits.eventBytes. */
  outputBytes: 48 * 1024,
  timeoutMs: 120_000,
} as const

/** Types a tool; the registry checks it at boot (A1). */
export function defineTool<Input>(tool: ToolDefinition<Input>): ToolDefinition<Input> {
  return tool
}
