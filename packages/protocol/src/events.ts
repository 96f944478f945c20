import { z } from 'zod'
import { DataRequestItem, Question, Sufficiency, TemplateColumn } from './data-request.ts'
import {
  ArtifactId,
  CallId,
  EventId,
  FileId,
  MessageId,
  Position,
  RequestId,
  RunId,
  ThreadId,
} from './ids.ts'
import { limits } from './limits.ts'

export const Json: z.ZodType<Json> = z.json()
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** What a repeat of the tool would do: nothing new, nothing new under the same key, or something again. */
export const ToolEffect = z.enum(['pure', 'idempotent', 'effect'])
export type ToolEffect = z.infer<typeof ToolEffect>

/** What a second message does while a run of the thread is under way (R5). */
export const WhenBusy = z.enum(['queue', 'reject', 'interrupt'])
export type WhenBusy = z.infer<typeof WhenBusy>

export const Outcome = z.enum(['answered', 'partial', 'needs_data'])
export type Outcome = z.infer<typeof Outcome>

export const ArtifactKind = z.enum(['table', 'chart', 'report', 'file'])
export type ArtifactKind = z.infer<typeof ArtifactKind>

export const UserMessage = z.object({
  id: MessageId,
  text: z.string().min(1).max(limits.messageTextBytes),
  files: z.array(FileId).max(limits.filesPerMessage),
})
export type UserMessage = z.infer<typeof UserMessage>

export const ModelUse = z.object({
  model: z.string().describe('as agent_started names it'),
  inputTokens: z.int().min(0).describe('cached ones are among them'),
  outputTokens: z.int().min(0),
  cachedInputTokens: z.int().min(0),
  costUsd: z.number().min(0).nullable().describe('at list prices; null: the model has none'),
})
export type ModelUse = z.infer<typeof ModelUse>

/** Of the attempt that completed the run. */
export const Usage = z.object({
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  steps: z.int().min(0),
  models: z.array(ModelUse).optional().describe('the language models that were asked; absent: none was'),
  costUsd: z
    .number()
    .min(0)
    .optional()
    .describe('of all of them, at list prices; absent: none was asked, or one has no price'),
})
export type Usage = z.infer<typeof Usage>

const RunError = z.object({ code: z.string(), message: z.string() })

/** The data of each event type. An open set: clients ignore types they do not know. */
export const eventData = {
  run_queued: z.object({ message: UserMessage, policy: WhenBusy }),
  agent_started: z.object({ attempt: z.int().min(1), model: z.string(), offline: z.boolean() }),
  agent_thinking: z.object({ step: z.int().min(1), text: z.string() }),
  message_delta: z.object({ messageId: MessageId, text: z.string() }),
  tool_executing: z.object({ callId: CallId, tool: z.string(), effect: ToolEffect, input: Json }),
  tool_completed: z.object({
    callId: CallId,
    tool: z.string(),
    ok: z.boolean(),
    output: Json.optional(),
    error: RunError.optional(),
    durationMs: z.number().min(0),
    artifacts: z.array(ArtifactId),
  }),
  data_requested: z.object({
    requestId: RequestId,
    playbook: z.string(),
    sufficiency: Sufficiency,
    items: z.array(DataRequestItem),
    question: Question.optional(),
    template: z.array(TemplateColumn).optional().describe('a file with these columns would do'),
    approval: z
      .object({ tool: z.string(), input: Json })
      .optional()
      .describe('the call that the question is about: it is run exactly so, or not at all'),
  }),
  data_received: z.object({ requestId: RequestId, fileId: FileId, satisfied: z.array(z.string()) }),
  artifact_created: z.object({
    artifactId: ArtifactId,
    kind: ArtifactKind,
    title: z.string(),
    rows: z.int().min(0).optional(),
    bytes: z.int().min(0),
  }),
  agent_completed: z.object({
    outcome: Outcome,
    messageId: MessageId,
    summary: z.string(),
    durationMs: z.number().min(0),
    usage: Usage,
  }),
  agent_failed: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }),
  agent_cancelled: z.object({ by: z.enum(['user', 'superseded', 'shutdown']) }),
} as const

export type EventType = keyof typeof eventData
export type EventData<Type extends EventType> = z.infer<(typeof eventData)[Type]>
export const eventTypes = Object.keys(eventData) as EventType[]

/** Exactly one of these ends a run, last (R4). */
export const terminalTypes = ['agent_completed', 'agent_failed', 'agent_cancelled'] as const
export type TerminalType = (typeof terminalTypes)[number]

/** An event before the log has given it a place: what a run produces. */
export type NewEvent = {
  [Type in EventType]: { readonly type: Type; readonly data: EventData<Type> }
}[EventType]

const envelope = {
  id: EventId,
  seq: Position,
  threadId: ThreadId,
  runId: RunId,
  agent: z.string(),
  at: z.iso.datetime({ precision: 3 }),
}

function event<Type extends EventType>(type: Type) {
  return z.object({ ...envelope, type: z.literal(type), data: eventData[type] })
}

/** The one envelope. Its `type` decides the shape of its `data`. */
export const StoredEvent = z.discriminatedUnion('type', [
  event('run_queued'),
  event('agent_started'),
  event('agent_thinking'),
  event('message_delta'),
  event('tool_executing'),
  event('tool_completed'),
  event('data_requested'),
  event('data_received'),
  event('artifact_created'),
  event('agent_completed'),
  event('agent_failed'),
  event('agent_cancelled'),
])
export type StoredEvent = z.infer<typeof StoredEvent>
export type StoredEventOf<Type extends EventType> = Extract<StoredEvent, { type: Type }>
