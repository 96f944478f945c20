import type {
  ArtifactId,
  ArtifactKind,
  EventId,
  EventType,
  FileId,
  FileKind,
  LifecycleItem,
  RunId,
  RunStatus,
  SessionId,
  ThreadId,
  TokenId,
  UserId,
} from '@holdfast/protocol'
import type { ColumnType, Generated, JSONColumnType } from 'kysely'

/** Both adapters read int8 as number, json as a parsed value and timestamptz as Date. */
type Time = ColumnType<Date, Date | string, Date | string>
type SetOnceTime = ColumnType<Date, Date | string | undefined, never>

export interface Schema {
  /** One row a key; holds `epoch`. */
  meta: { key: string; value: string }
  threads: {
    id: ThreadId
    owner: UserId
    title: string
    /** seq of the newest event: taken and raised by the append itself (L2). */
    head: Generated<number>
    created_at: SetOnceTime
  }
  /** Primary key (thread_id, seq); (run_id, producer_key) is unique (L5). `data` is json, not jsonb: it keeps its text. */
  events: {
    thread_id: ThreadId
    seq: number
    id: EventId
    run_id: RunId
    agent: string
    type: EventType
    at: Time
    data: JSONColumnType<object>
    producer_key: string | null
  }
  runs: {
    id: RunId
    thread_id: ThreadId
    owner: UserId
    agent: string
    model: string | null
    status: RunStatus
    /** How many times a worker has taken the run. */
    attempt: Generated<number>
    /** How many of its attempts ended by their lease running out: they died, or their server did. */
    interrupted: Generated<number>
    /** Raised by every claim: an append that names an older one is refused (L4). */
    lease_epoch: Generated<number>
    lease_node: string | null
    lease_expires_at: Time | null
    /** Set once by cancel; the worker that holds the run sees it and stops (R6). */
    cancel_by: 'user' | 'superseded' | null
    /** Unique with owner where present; request_hash tells a retry from another request. */
    idempotency_key: string | null
    request_hash: string
    queued_at_seq: number
    created_at: SetOnceTime
  }
  /** One row a user who has any: seq of the newest row of `lifecycle`, raised under its own lock. */
  lifecycle_heads: { user_id: UserId; head: number }
  /** Primary key (user_id, seq). `data` is what the item says besides its envelope. */
  lifecycle: {
    user_id: UserId
    seq: number
    at: Time
    type: LifecycleItem['type']
    thread_id: ThreadId
    run_id: RunId | null
    data: JSONColumnType<object>
  }
  files: {
    id: FileId
    thread_id: ThreadId
    owner: UserId
    name: string
    kind: FileKind
    bytes: number
    sha256: string
    /** The FileProfile of workspace/, once the file has been ingested. */
    profile: JSONColumnType<object, string | null, string | null> | null
    created_at: SetOnceTime
  }
  artifacts: {
    id: ArtifactId
    thread_id: ThreadId
    run_id: RunId
    owner: UserId
    kind: ArtifactKind
    title: string
    media_type: string
    rows: number | null
    bytes: number
    created_at: SetOnceTime
  }
  /** Who signed in: (issuer, subject) is unique; an e-mail address is nobody's identity. */
  users: {
    id: UserId
    issuer: string
    subject: string
    kind: 'user' | 'service' | 'simulated' | 'local'
    /** As the provider calls them; shown, never compared. */
    name: string | null
    created_at: SetOnceTime
    /** From then on no credential of theirs is good. */
    disabled_at: Time | null
  }
  /** A browser's sign-in. Ended ones are deleted. */
  sessions: {
    /** SHA-256 of what the cookie carries, as hex. */
    digest: string
    id: SessionId
    user_id: UserId
    created_at: SetOnceTime
    used_at: SetOnceTime | Time
    /** Moved by use, up to ends_at. */
    expires_at: Time
    ends_at: Time
  }
  /** Personal tokens, and those of service accounts. Revoked ones are deleted. */
  tokens: {
    id: TokenId
    /** SHA-256 of its secret part, as hex. */
    digest: string
    user_id: UserId
    name: string
    scopes: JSONColumnType<readonly string[]>
    created_at: SetOnceTime
    expires_at: Time
    used_at: Time | null
  }
  /** One-time credentials of a WebSocket. A redeemed one stays until what stands behind it has ended. */
  ws_tickets: {
    digest: string
    user_id: UserId
    scopes: JSONColumnType<readonly string[]>
    /** What it was made by: one of these, or neither (a bearer token of somebody else's making). */
    session_digest: string | null
    token_id: TokenId | null
    /** The page that may use it; null: not a page. */
    origin: string | null
    expires_at: Time
    redeemed_at: Time | null
    /** When the credentials behind it end by time. */
    ends_at: Time | null
  }
  /** Tells the other nodes whose connections must look at their credentials again. */
  revocations: { id: Generated<number>; user_id: UserId; at: SetOnceTime }
  /** Security events. */
  audit: {
    id: Generated<number>
    at: SetOnceTime
    event: string
    user_id: UserId | null
    /** By which credential: a session's or a token's id, never the secret. */
    by: string | null
    address: string | null
    agent: string | null
    detail: JSONColumnType<object>
  }
  /** Primary key (subject, what). `subject` is a user or `address/<address>`. */
  usage: { subject: string; what: string; begins: Time; amount: number }
  /** Primary key (subject, what). */
  quotas: { subject: string; what: string; most: number }
  /** Threads that are gone for everybody, and whose events and bytes are being taken away. */
  thread_deletions: { thread_id: ThreadId; requested_at: SetOnceTime; due_at: Generated<Date> }
  /** Users who left, and whose threads are being taken away. */
  user_deletions: { user_id: UserId; requested_at: SetOnceTime; due_at: Generated<Date> }
  /** Of signed requests that were let in: none is let in twice. */
  e2e_nonces: { nonce: string; expires_at: Time }
  /** The public halves of what nodes sign simulated tokens with; the private ones stay in their memory. */
  e2e_signing_keys: { kid: string; public_jwk: JSONColumnType<object>; expires_at: Time }
  /** Addresses whose requests were signed wrongly of late. */
  e2e_refusals: { address: string; begins: Time; times: number; blocked_until: Time | null }
  /** What one node at a time does now and then: when it is due again. */
  chores: { name: string; due_at: Time }
}
