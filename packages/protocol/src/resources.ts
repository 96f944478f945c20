import { z } from 'zod'
import { ArtifactKind, StoredEvent, UserMessage, WhenBusy } from './events.ts'
import { ArtifactId, EpochId, FileId, Position, RunId, ThreadId, UserId } from './ids.ts'
import { limits } from './limits.ts'

/** Bodies of the HTTP routes under /v1. Times are RFC 3339 with milliseconds, in UTC. */
const Time = z.iso.datetime({ precision: 3 })

export const RunStatus = z.enum(['queued', 'running', 'completed', 'failed', 'cancelled'])
export type RunStatus = z.infer<typeof RunStatus>

export const Thread = z.object({ id: ThreadId, title: z.string(), createdAt: Time, head: Position })
export type Thread = z.infer<typeof Thread>

export const ThreadList = z.object({ items: z.array(Thread), next: z.string().nullable() })
export type ThreadList = z.infer<typeof ThreadList>

export const CreateThread = z.object({ title: z.string().max(limits.threadTitleLength).optional() })
export type CreateThread = z.infer<typeof CreateThread>

export const PatchThread = z.object({ title: z.string().min(1).max(limits.threadTitleLength) })

export const Run = z.object({
  id: RunId,
  threadId: ThreadId,
  agent: z.string(),
  model: z.string().nullable(),
  status: RunStatus,
  attempt: z.int().min(0),
  createdAt: Time,
  /** Position of its run_queued event: follow the thread from the one before. */
  queuedAt: Position,
})
export type Run = z.infer<typeof Run>

export const SubmitRun = z.object({
  message: UserMessage.shape.text,
  files: UserMessage.shape.files.default([]),
  agent: z.string().max(100).optional(),
  model: z.string().max(200).optional(),
  whenBusy: WhenBusy.default('queue'),
})
/** What a client sends; what may be left out is optional. */
export type SubmitRun = z.input<typeof SubmitRun>
/** What a server works with: checked, and with the defaults put in. */
export type ParsedSubmitRun = z.output<typeof SubmitRun>

export const FileKind = z.enum(['csv', 'tsv', 'json', 'jsonl', 'parquet', 'xlsx'])
export type FileKind = z.infer<typeof FileKind>

export const FileInfo = z.object({
  id: FileId,
  threadId: ThreadId,
  name: z.string().describe('as the user named it; shown, never opened'),
  kind: FileKind,
  bytes: z.int().min(0),
  sha256: z.string(),
  createdAt: Time,
})
export type FileInfo = z.infer<typeof FileInfo>

export const ArtifactInfo = z.object({
  id: ArtifactId,
  threadId: ThreadId,
  runId: RunId,
  kind: ArtifactKind,
  title: z.string(),
  mediaType: z.string(),
  rows: z.int().nullable(),
  bytes: z.int(),
  createdAt: Time,
})
export type ArtifactInfo = z.infer<typeof ArtifactInfo>

/** A page of a thread's events, and where the log stands. */
export const EventPage = z.object({ epoch: EpochId, head: Position, items: z.array(StoredEvent) })
export type EventPage = z.infer<typeof EventPage>

/** A snapshot to start from: its `seq` is the cursor to subscribe after (one repeatable-read transaction). */
export const ThreadState = z.object({
  epoch: EpochId,
  seq: Position,
  thread: Thread,
  runs: z.array(Run),
  files: z.array(FileInfo),
})
export type ThreadState = z.infer<typeof ThreadState>

export const Session = z.object({
  user: UserId,
  kind: z.enum(['user', 'service', 'simulated', 'local']),
})
export type Session = z.infer<typeof Session>

export const AgentInfo = z.object({ name: z.string(), description: z.string(), tools: z.array(z.string()) })
export const AgentList = z.object({ items: z.array(AgentInfo) })
export type AgentList = z.infer<typeof AgentList>
