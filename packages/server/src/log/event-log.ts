import type { EpochId, NewEvent, Position, RunId, StoredEvent, ThreadId } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { CommitListener } from './commit-listeners.ts'

/** The lease an append acts under (L4). */
export interface Fence {
  readonly runId: RunId
  readonly leaseEpoch: number
}

export interface AppendCommand {
  readonly threadId: ThreadId
  readonly runId: RunId
  readonly agent: string
  /** Appended together, in this order, or not at all. */
  readonly events: readonly NewEvent[]
  /**
   * Names this write within the run: a retry under the same key returns what the first one stored (L5).
   * Event n of the command is stored under `${producerKey}/${n}`.
   */
  readonly producerKey: string
  /** Absent only where no lease can exist: when the run is submitted or cancelled before a worker took it. */
  readonly fence: Fence | null
}

export interface ReadLimit {
  readonly events: number
  /** Of JSON text; at least one event is returned however large it is. */
  readonly bytes: number
}

/**
 * The append-only log, one sequence a thread. It is the only path to a client: what is not in it did not happen.
 */
export interface EventLog extends AsyncDisposable {
  readonly epoch: EpochId
  /**
   * Resolves after the commit (L1) with the events as stored, or with what a first write under the same
   * producer key stored (L5).
   * @throws {LeaseLostError} the run's lease is no longer the named one (L4); nothing was written
   * @throws {ThreadMissingError} it was deleted, or never was
   * @throws {HoldfastError} payload_too_large: an event over limits.eventBytes (L7)
   */
  append(command: AppendCommand): Promise<readonly StoredEvent[]>
  /** Stored events with seq > after, contiguous, oldest first. */
  read(threadId: ThreadId, after: Position, limit: ReadLimit): Promise<readonly StoredEvent[]>
  /** All events of one run, oldest first. */
  readRun(runId: RunId): Promise<readonly StoredEvent[]>
  /** Heads of the threads that exist, in one query. */
  heads(threadIds: readonly ThreadId[]): Promise<ReadonlyMap<ThreadId, Position>>
  /** Called after each local append's commit with its events (L1, B1). Returns what removes the listener. */
  onCommit(listener: CommitListener): () => void
}

/** Not found: it may have been deleted while a run of it was under way. */
export class ThreadMissingError extends HoldfastError {
  override readonly name = 'ThreadMissingError'

  constructor(threadId: ThreadId) {
    super('not_found', `There is no thread ${threadId}`)
  }
}

/** Another worker holds the run now: stop at once, write nothing more. */
export class LeaseLostError extends HoldfastError {
  override readonly name = 'LeaseLostError'

  constructor(fence: Fence) {
    super('internal', `Lease ${fence.leaseEpoch} of ${fence.runId} was taken over; this worker must stop`)
  }
}
