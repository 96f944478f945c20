import type {
  ArtifactId,
  CallId,
  EventData,
  Json,
  NewEvent,
  Outcome,
  RunId,
  ThreadId,
  ToolEffect,
  UserMessage,
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
  /** The message this run answers. */
  readonly message: UserMessage
  /** The thread's ended runs, oldest first: what was asked before, and what was asked back. */
  readonly earlier: readonly EarlierRun[]
  /** Results of this run's earlier calls, oldest first: what a tool needs of another is read here, not repeated by the model. */
  readonly results: readonly ToolResult[]
}

/** What an ended run of the thread leaves for the next one. */
export interface EarlierRun {
  readonly message: UserMessage
  readonly outcome: Outcome | 'failed' | 'cancelled'
  /** The text of its answer; empty if it gave none. */
  readonly answer: string
  /** What it asked for, if it asked. */
  readonly request: EventData<'data_requested'> | null
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
}

/** What `agent_completed` will say. */
export interface Conclusion {
  readonly outcome: Outcome
  /** One line for lists of runs. */
  readonly summary: string
}

export interface ToolDefinition<Input = unknown> {
  readonly name: string
  /** Read by models and shown to users. */
  readonly description: string
  /** What a repeat would do; decides what recovery does with an open call (R3). */
  readonly effect: ToolEffect
  readonly input: z.ZodType<Input>
  /** What models are shown in place of `input`, where somebody else checks it: JSON Schema. */
  readonly inputSchema?: Json
  /**
   * The user is asked before each call, with the input as it would be sent. The run ends with that question, and the
   * next message of the thread answers it. Default: false.
   */
  readonly asksFirst?: boolean
  /** Default toolLimits.timeoutMs. */
  readonly timeoutMs?: number
  /**
   * Of a tool that settles its run: reads the conclusion from its output. Pure, so that a later attempt
   * reaches the same conclusion from the log (R3).
   */
  conclude?(output: Json): Conclusion
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

/** Plain data as JSON, without what JSON does not have: properties that are undefined. */
export function jsonOf(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
