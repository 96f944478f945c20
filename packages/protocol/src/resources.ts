import { z } from 'zod'
import { ArtifactKind, StoredEvent, UserMessage, WhenBusy } from './events.ts'
import { ArtifactId, EpochId, FileId, Position, RunId, ThreadId, TokenId, UserId } from './ids.ts'
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

/** What credentials may be used for: to read, to change what is there, to change the account itself. */
export const Scope = z.enum(['read', 'write', 'account'])
export type Scope = z.infer<typeof Scope>

export const Session = z.object({
  user: UserId,
  kind: z.enum(['user', 'service', 'simulated', 'local']),
})
export type Session = z.infer<typeof Session>

/** `write` holds `read`. No token changes the account: a stolen one cannot make another. */
export const TokenScope = z.enum(['read', 'write'])

export const CreateToken = z.object({
  name: z
    .string()
    .regex(/^\P{Cc}{1,100}$/u, 'expected 1 to 100 characters without control characters')
    .describe('what it is for; shown in lists'),
  scopes: z.array(TokenScope).min(1).max(2).default(['read', 'write']),
  days: z.int().min(1).max(limits.tokenDays).default(limits.tokenDays).describe('how long it is good'),
})
export type CreateToken = z.input<typeof CreateToken>

export const TokenInfo = z.object({
  id: TokenId,
  name: z.string(),
  scopes: z.array(TokenScope),
  createdAt: Time,
  expiresAt: Time,
  usedAt: Time.nullable().describe('to the minute; null: never'),
})
export type TokenInfo = z.infer<typeof TokenInfo>

export const TokenList = z.object({ items: z.array(TokenInfo) })
export type TokenList = z.infer<typeof TokenList>

export const CreatedToken = z.object({
  ...TokenInfo.shape,
  token: z.string().describe('hf_pat_…: shown now and never again'),
})
export type CreatedToken = z.infer<typeof CreatedToken>

export const WsTicket = z.object({
  ticket: z
    .string()
    .describe(
      'offered as the subprotocol holdfast.ticket.<ticket> beside holdfast.v1, once, by the same origin',
    ),
  expiresAt: Time,
})
export type WsTicket = z.infer<typeof WsTicket>

export const AgentInfo = z.object({ name: z.string(), description: z.string(), tools: z.array(z.string()) })
export const AgentList = z.object({ items: z.array(AgentInfo) })
export type AgentList = z.infer<typeof AgentList>

/** `GET /version`: which build this is. What the operator did not say is `unknown`, never guessed. */
export const Version = z.object({
  version: z.string(),
  role: z.enum(['all', 'web', 'worker']),
  commit: z.string().regex(/^([0-9a-f]{7,40}|unknown)$/),
  image: z.string().regex(/^(sha256:[0-9a-f]{64}|unknown)$/),
  contract: z.string().describe('SHA-256 of the body of GET /v1/contract, as hex'),
  schema: z.string().describe('the newest migration that this build brings'),
})
export type Version = z.infer<typeof Version>

/** `GET /health/ready`, where it answers 200. */
export const Readiness = z.object({ status: z.literal('ready'), dependencies: z.array(z.string()).min(1) })
