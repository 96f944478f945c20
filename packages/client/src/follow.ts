import { type After, type EpochId, type Stream, start } from '@holdfast/protocol'
import type { FollowOptions } from './connection.ts'
import type { Cursor, CursorStore } from './cursors.ts'
import { HoldfastCursorError, HoldfastStreamError } from './errors.ts'
import type { FollowerHandle } from './follower.ts'
import type { StreamItem } from './received-frame.ts'

/** The position a reader had is good for nothing anymore: there is a state to read instead of events. */
export interface StreamReset {
  readonly reason: 'epoch_changed' | 'trimmed' | 'position_in_doubt'
  readonly stream: Stream
  /** Where the state is (`client.thread(id)` reads it for a thread). */
  readonly snapshotUrl: string
}

export interface EventsOptions {
  /** Default `start`: every event from the thread's first on. */
  readonly after?: After
  /** Of the log that `after` was read from (`ThreadState.epoch`): another log then answers epoch_changed. */
  readonly epoch?: EpochId
  /** Ends the iteration quietly. */
  readonly signal?: AbortSignal
  /** Called once, when the server has said where the stream stands: what happens from then on comes. */
  readonly onFollowing?: () => void
  /**
   * Called when the position is no longer one (another log, events trimmed), after everything before was read.
   * Take the snapshot over and return its cursor: the iteration goes on from there. Without this it throws
   * HoldfastStreamError. A part of the log is never skipped in silence.
   */
  readonly onReset?: (reset: StreamReset) => Cursor | Promise<Cursor>
}

export interface ApplyOptions<Item, Transaction> {
  readonly cursors: CursorStore<Transaction>
  /** Each item once, in order, in the transaction that moves the cursor. */
  readonly apply: (item: Item, transaction: Transaction) => void | Promise<void>
  /** As with events(): read the snapshot, and say how it is written and where it stands. */
  readonly onReset?: (reset: StreamReset) => Promise<Snapshot<Transaction>>
  readonly signal?: AbortSignal
}

export interface Snapshot<Transaction> {
  readonly cursor: Cursor
  /** Replaces what was applied, in the transaction that replaces the cursor. */
  readonly apply: (transaction: Transaction) => void | Promise<void>
}

export type Follow<Item extends StreamItem> = (options: FollowOptions) => FollowerHandle<Item>

const resets: ReadonlySet<string> = new Set<StreamReset['reason']>([
  'epoch_changed',
  'trimmed',
  'position_in_doubt',
])

/** null: an error that no snapshot helps against. */
function resetOf(error: unknown, stream: Stream): StreamReset | null {
  if (!(error instanceof HoldfastStreamError) || !resets.has(error.code)) return null
  return { reason: error.code as StreamReset['reason'], stream, snapshotUrl: error.snapshotUrl }
}

/** Follows from the call on, not from the first `next()`: what happens in between is not missed. */
export function iterate<Item extends StreamItem>(
  stream: Stream,
  follow: Follow<Item>,
  { after = 'start', epoch, signal: aborts, onFollowing, onReset }: EventsOptions,
): AsyncIterableIterator<Item> {
  const signal = aborts ?? null
  let { items } = follow({ after, epoch: epoch ?? null, signal, onFollowing })
  let left = false
  return {
    async next() {
      for (;;) {
        try {
          return await items.next()
        } catch (error) {
          const reset = resetOf(error, stream)
          if (reset === null || onReset === undefined) throw error
          const cursor = await onReset(reset)
          // Who has left meanwhile would not come back to end what begins now.
          if (left) return { value: undefined, done: true }
          items = follow({ after: cursor.seq, epoch: cursor.epoch, signal }).items
        }
      }
    },
    async return() {
      left = true
      await items.return?.()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Until the signal aborts, which is the only quiet end. */
export async function applyAll<Item extends StreamItem, Transaction>(
  stream: Stream,
  follow: Follow<Item>,
  { cursors, apply, onReset, signal }: ApplyOptions<Item, Transaction>,
): Promise<void> {
  while (signal?.aborted !== true) {
    let cursor = await cursors.load(stream)
    const handle = follow({
      after: cursor?.seq ?? 'start',
      epoch: cursor?.epoch ?? null,
      signal: signal ?? null,
    })
    try {
      for await (const batch of handle.batches) {
        const { epoch } = handle
        if (epoch === null) throw new Error(`${stream} has events, but no epoch`)
        cursor = await commitBatch({ stream, epoch, from: cursor, batch }, cursors, apply)
      }
      return
    } catch (error) {
      // Somebody has set the cursor to where this handle does not lead: begin again from there.
      if (error instanceof HoldfastCursorError) continue
      const reset = resetOf(error, stream)
      if (reset === null || onReset === undefined) throw error
      const snapshot = await onReset(reset)
      await cursors
        .commit({ stream, from: cursor, to: snapshot.cursor }, snapshot.apply)
        .catch((moved: unknown) => {
          // Another tab has read the snapshot already.
          if (!(moved instanceof HoldfastCursorError)) throw moved
        })
    } finally {
      handle.end()
    }
  }
}

interface Batch<Item> {
  readonly stream: Stream
  readonly epoch: EpochId
  /** Where the store stood; the items are all that came after it. */
  readonly from: Cursor | null
  readonly batch: readonly Item[]
}

/**
 * Applies what nobody has applied. Another tab that was first with some of these is no reason to follow anew, which the
 * server charges for: what comes after its cursor is here.
 *
 * @returns where the store stands
 * @throws {HoldfastCursorError} somewhere else: before `from`, or in another log
 */
async function commitBatch<Item extends StreamItem, Transaction>(
  { stream, epoch, from, batch }: Batch<Item>,
  cursors: CursorStore<Transaction>,
  apply: ApplyOptions<Item, Transaction>['apply'],
): Promise<Cursor | null> {
  let cursor = from
  for (;;) {
    const before = cursor
    const rest = batch.filter(({ seq }) => before === null || seq > before.seq)
    const last = rest.at(-1)
    if (last === undefined) return cursor
    const to = { epoch, seq: last.seq }
    try {
      await cursors.commit({ stream, from: before, to }, async (transaction) => {
        for (const item of rest) await apply(item, transaction)
      })
      return to
    } catch (error) {
      if (!(error instanceof HoldfastCursorError)) throw error
      const moved = await cursors.load(stream)
      // Not further than before: also a store that refuses what it should take, which is not asked in a circle.
      if (moved?.epoch !== epoch || moved.seq <= (before?.seq ?? start)) throw error
      cursor = moved
    }
  }
}
