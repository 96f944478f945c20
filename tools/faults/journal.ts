/**
 * What a client writes down while a campaign runs, one JSON array a line. The lines `applied` are at the same time
 * the client's stored state: its cursor is the last of them, so that state and cursor can never disagree.
 */
import { createHash } from 'node:crypto'
import type { StoredEvent, ThreadId } from '@holdfast/protocol'

/** An event as the journal names it: its place, and a digest of all it says, nonce included. */
export type Seen = readonly [seq: number, digest: string]

/** Times are of Date.now(). `connection` counts a client's sockets over all its lives. */
export type JournalLine =
  /** The client started, or was started again from its stored cursor. */
  | readonly ['life', atMs: number, client: number]
  | readonly ['opened', atMs: number, client: number, connection: number]
  /** An `ev` frame. */
  | readonly [
      'frame',
      atMs: number,
      client: number,
      connection: number,
      thread: ThreadId,
      events: readonly Seen[],
    ]
  /** The server answered a subscription that asked for what comes after a place: what follows begins anew. */
  | readonly [
      'subscribed',
      atMs: number,
      client: number,
      connection: number,
      thread: ThreadId,
      head: number,
      after: number,
    ]
  | readonly ['live', atMs: number, client: number, connection: number, thread: ThreadId]
  /** `code`: of the close that the network or the server made; null: the client turned away by itself. */
  | readonly ['lost', atMs: number, client: number, connection: number, code: number | null]
  | readonly ['applied', atMs: number, client: number, thread: ThreadId, event: Seen]
  /** Following ended with an error, which it never should. */
  | readonly ['failed', atMs: number, client: number, message: string]
  /** Another user's thread was asked for and not given. */
  | readonly ['denied', atMs: number, client: number]

export function digestOf({ id, seq, threadId, runId, type, data }: StoredEvent): string {
  return createHash('sha1')
    .update(JSON.stringify([id, seq, threadId, runId, type, data]))
    .digest('base64url')
    .slice(0, 16)
}

/** A line that was torn by a kill is the last of its file and says nothing: null. */
export function parseLine(text: string): JournalLine | null {
  try {
    return JSON.parse(text) as JournalLine
  } catch {
    return null
  }
}
