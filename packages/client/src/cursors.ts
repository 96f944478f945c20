import type { EpochId, Position, Stream } from '@holdfast/protocol'
import { HoldfastCursorError } from './errors.ts'

/** Where a reader goes on: a position, and the log it belongs to. */
export interface Cursor {
  readonly epoch: EpochId
  readonly seq: Position
}

export interface CursorMove {
  readonly stream: Stream
  /** What the mover believes is stored; null: nothing. */
  readonly from: Cursor | null
  readonly to: Cursor
}

/**
 * Cursors beside the state they belong to.
 *
 * K1  What `apply` writes and the cursor are committed together, or neither is.
 * K2  A move from another cursor than the stored one is refused: two tabs on one database apply an event once.
 */
export interface CursorStore<Transaction = undefined> {
  load(stream: Stream): Promise<Cursor | null>
  /** @throws {HoldfastCursorError} K2; what `apply` throws */
  commit(move: CursorMove, apply: (transaction: Transaction) => void | Promise<void>): Promise<void>
}

export function sameCursor(one: Cursor | null, other: Cursor | null): boolean {
  return one?.epoch === other?.epoch && one?.seq === other?.seq
}

/**
 * Cursors that live as long as the process: for state that does so too. What `apply` did before it threw is the
 * caller's to undo; memory has no transactions.
 */
export function createMemoryCursors(): CursorStore {
  const cursors = new Map<Stream, Cursor>()
  // One after the other, as transactions are.
  let last: Promise<unknown> = Promise.resolve()
  return {
    load: async (stream) => cursors.get(stream) ?? null,
    commit({ stream, from, to }, apply) {
      const commit = last.then(async () => {
        if (!sameCursor(cursors.get(stream) ?? null, from)) throw new HoldfastCursorError(stream)
        await apply(undefined)
        cursors.set(stream, to)
      })
      last = commit.catch(() => {})
      return commit
    },
  }
}
