import { z } from 'zod'
import { ArtifactKind, Outcome, StoredEvent, UserMessage, WhenBusy } from './events.ts'
import { ArtifactId, EpochId, FileId, NodeId, Position, RunId, ThreadId, TokenId, UserId } from './ids.ts'
import { limits } from './limits.ts'
import { Cell } from './report.ts'

/** Bodies of the HTTP routes under /v1. Times are RFC 3339 with milliseconds, in UTC. */
const Time = z.iso.datetime({ precision: 3 })

export const RunStatus = z.enum(['queued', 'running', 'completed', 'failed', 'cancelled'])
export type RunStatus = z.infer<typeof RunStatus>

export const Thread = z.object({ id: ThreadId, title: z.string(), createdAt: Time, head: Position })
export type Thread = z.infer<typeof Thread>

/** What a thread is at: what its open run does, else what its newest one came to. `idle`: nothing was asked yet. */
export const ThreadActivity = z.enum(['idle', 'queued', 'running', ...Outcome.options, 'failed', 'cancelled'])
export type ThreadActivity = z.infer<typeof ThreadActivity>

export const ThreadSummary = z.object({ ...Thread.shape, activity: ThreadActivity })
export type ThreadSummary = z.infer<typeof ThreadSummary>

export const ThreadList = z.object({ items: z.array(ThreadSummary), next: z.string().nullable() })
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

/** One column of a file, as all of its rows have it. */
export const ColumnInfo = z.object({
  name: z.string(),
  type: z.enum(['number', 'time', 'boolean', 'json', 'text', 'empty']),
  filled: z.int().min(0).describe('rows that hold a value'),
  distinct: z.int().min(0).describe('approximate above 1,000'),
  samples: z.array(z.string()),
  range: z.object({ min: Cell, max: Cell }).nullable().describe('of numbers and times'),
})
export type ColumnInfo = z.infer<typeof ColumnInfo>

/** A meaning that was found in a file, and why. */
export const FieldInfo = z.object({
  field: z.string().describe('semantic field, e.g. latency_ms'),
  columns: z.array(z.string()),
  confidence: z.number().min(0).max(1),
  evidence: z.string(),
  mapped: z.boolean().describe('sure enough, and enough of its values can be read'),
})
export type FieldInfo = z.infer<typeof FieldInfo>

/** What a file holds. */
export const FileProfileInfo = z.object({
  fileId: FileId,
  rows: z.int().min(0),
  format: z.string().nullable().describe('the export that was recognised; null: a table of the user’s own'),
  grain: z.string().describe('what one row stands for'),
  columns: z.array(ColumnInfo),
  fields: z.array(FieldInfo),
  problems: z.array(z.string()),
})
export type FileProfileInfo = z.infer<typeof FileProfileInfo>

/** The first rows of a file, as text. */
export const FileRows = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(Cell)),
  truncated: z.boolean().describe('there are more'),
})
export type FileRows = z.infer<typeof FileRows>

/**
 * What credentials may be used for: to read, to change what is there, to change the account itself, to look at the
 * whole server. The last two only by signing in; `admin` is for those whom HOLDFAST_ADMINS names, and for the one user
 * of local mode.
 */
export const Scope = z.enum(['read', 'write', 'account', 'admin'])
export type Scope = z.infer<typeof Scope>

export const Session = z.object({
  user: UserId,
  kind: z.enum(['user', 'service', 'simulated', 'local']),
  scopes: z.array(Scope).describe('what these credentials may be used for'),
  tier: z.enum(['development', 'test', 'staging', 'production']).describe('of the server'),
  simulated: z
    .object({ persona: z.string(), run: z.string() })
    .optional()
    .describe('a test signed in as this persona: whoever shows a page to them shows that too'),
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

export const AgentInfo = z.object({
  name: z.string(),
  description: z.string(),
  tools: z.array(z.string()),
  models: z
    .array(z.string())
    .min(1)
    .describe('what a run of this agent may name as its model; the first is taken where none is named'),
})
export type AgentInfo = z.infer<typeof AgentInfo>
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
/** What a server is at, for those who run it. Counts of the store are of all nodes, the others of the node asked. */
export const Operations = z.object({
  at: Time,
  node: z.object({
    id: NodeId,
    version: z.string(),
    startedAt: Time,
    connections: z.int().min(0),
    memoryBytes: z.int().min(0),
    /** Of WebSockets in the last hour. */
    closes: z.array(z.object({ code: z.int(), count: z.int().min(0) })),
  }),
  /** Nodes that carry runs now. */
  nodes: z.array(z.object({ id: NodeId, running: z.int().min(0) })),
  runs: z.object({
    queued: z.int().min(0),
    running: z.int().min(0),
    oldestQueuedSeconds: z.number().min(0).nullable(),
    /** Asked in the last hour and over, by how they ended. */
    lastHour: z.object({
      completed: z.int().min(0),
      failed: z.int().min(0),
      cancelled: z.int().min(0),
    }),
    /** Runs of the last day that another attempt took up. */
    handOversLastDay: z.int().min(0),
  }),
  users: z.object({ known: z.int().min(0), signedIn: z.int().min(0) }),
  /** What was used in the window that runs, most first. */
  quotas: z.array(
    z.object({
      subject: z.string(),
      what: z.string(),
      amount: z.number().min(0),
      most: z.number().nullable().describe('null: as much as there is'),
    }),
  ),
})
export type Operations = z.infer<typeof Operations>
