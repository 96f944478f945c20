import { HoldfastError, type Position, position } from '@holdfast/protocol'
import type { Item, Page } from './tail.ts'

/** What a pump reads from and writes to. Knows nothing of sockets. */
export interface PumpPort {
  /** Items with seq > after, oldest first, a frame's worth and `most` at most. */
  read(after: Position, most: number): Promise<Page>
  send(items: readonly Item[]): void
  /** The end of the stream was reached for the first time. */
  live(at: Position): void
  /** false: too much is waiting to leave; `resume` is called when it has. */
  writable(): boolean
  /** Runs the task when no other pump of the connection is at it. */
  inTurn(task: () => Promise<void>): Promise<void>
  /** Whether there is something to send that must wait for the client. */
  waiting(is: boolean): void
  /** The pump has stopped: the stream could not be read, or what it gave has a gap. */
  failed(error: unknown): void
}

export interface Pump {
  /** The stream's head may have moved, to `head` if that is known. Losing, repeating and reordering calls is harmless. */
  wake(head?: Position): void
  /** Room again to write. */
  resume(): void
  /** What the client says it has applied: `ahead` of what was sent is a fault of the client, `old` says nothing. */
  acknowledge(seq: Position): 'advanced' | 'old' | 'ahead'
  stop(): void
}

/** L2 says that this cannot happen: better to end the connection than to hand a gap on. */
export class PositionInDoubtError extends Error {
  override readonly name = 'PositionInDoubtError'
}

/**
 * Carries one stream to one connection. Replay and live are the same loop, so there is no moment of switching
 * between them in which an event could be lost or sent twice:
 *
 *   read seq > sent → contiguous? → send, sent = last → nothing left: say `live` once, sleep until woken
 *
 * P1  The caller registers with the hub before the first wake: an event committed after the read then wakes it.
 * P2  `dirty` is cleared before the read, never after: a wake during the read causes another one.
 * P3  Only `sent` decides what is read next; hints never carry events.
 * P4  No more than `window` items are sent beyond what was acknowledged: what TCP took is not yet applied, and a
 *     browser offers no other way to say "slower". The log is the buffer.
 * P5  A read that failed because the database is away is owed: the pump stays dirty, and the next wake (a poll finds the
 *     same head again) reads. Thousands of followers need not come back for a database that is restarted.
 */
export function createPump(after: Position, window: number, port: PumpPort): Pump {
  let sent = after
  let acknowledged = after
  let dirty = false
  let live = false
  let state: 'idle' | 'running' | 'stopped' = 'idle'
  // Functions, because a variable that changes during an await is one that control flow analysis misjudges.
  const stopped = (): boolean => state === 'stopped'
  const open = (): boolean => sent - acknowledged < window && port.writable()

  const step = async (): Promise<void> => {
    // Waiting for its turn it may have been stopped, or others may have filled the buffer.
    if (stopped() || !open()) return
    dirty = false // P2
    const { items, more, asked } = await port.read(sent, window - (sent - acknowledged)) // P4
    if (stopped()) return
    const last = items.at(-1)
    if (last !== undefined) {
      assertContiguous(sent, items)
      sent = last.seq
      port.send(items)
    }
    // Until `live` nothing but a question of its own shows that nothing is left (T2): what was committed before this
    // pump registered woke nobody.
    if (more || (!live && !asked)) dirty = true
    else if (!live) {
      live = true
      port.live(sent)
    }
  }

  const run = async (): Promise<void> => {
    if (state !== 'idle') return
    state = 'running'
    try {
      while (dirty && open() && !stopped()) await port.inTurn(step)
      if (stopped()) return
      state = 'idle'
      port.waiting(dirty)
    } catch (error) {
      if (stopped()) return
      if (passes(error)) {
        state = 'idle'
        dirty = true // P5
        port.waiting(false)
        return
      }
      state = 'stopped'
      port.failed(error)
    }
  }

  return {
    wake(head) {
      if (head !== undefined && head <= sent && !dirty) return
      dirty = true
      void run()
    },
    resume: () => void run(),
    acknowledge(seq) {
      if (seq > sent) return 'ahead'
      if (seq <= acknowledged) return 'old'
      acknowledged = seq
      void run()
      return 'advanced'
    },
    stop: () => {
      state = 'stopped'
    },
  }
}

/** What this server needs is away, and is being looked for: no fault of the stream, the client or us. */
const passes = (error: unknown): boolean => error instanceof HoldfastError && error.code === 'not_ready'

function assertContiguous(sent: Position, items: readonly Item[]): void {
  let expected = position(sent + 1)
  for (const { seq } of items) {
    if (seq !== expected) throw new PositionInDoubtError(`The stream gave ${seq} where ${expected} follows`)
    expected = position(seq + 1)
  }
}
