import { type Position, position, type StoredEvent } from '@holdfast/protocol'

/** What a pump reads from and writes to. Knows nothing of sockets. */
export interface PumpPort {
  /** Stored events with seq > after, oldest first, a frame's worth at most. */
  read(after: Position): Promise<readonly StoredEvent[]>
  send(events: readonly StoredEvent[]): void
  /** The end of the log was reached for the first time. */
  live(at: Position): void
  /** false: too much is waiting to leave; `resume` is called when it has. */
  writable(): boolean
  /** The pump has stopped: the log could not be read, or what it gave has a gap. */
  failed(error: unknown): void
}

export interface Pump {
  /** The thread's head may have moved, to `head` if that is known. Losing, repeating and reordering calls is harmless. */
  wake(head?: Position): void
  /** Room again to write. */
  resume(): void
  stop(): void
}

/**
 * Carries one thread to one connection. Replay and live are the same loop, so there is no moment of switching
 * between them in which an event could be lost or sent twice:
 *
 *   read seq > sent → contiguous? → send, sent = last → nothing left: say `live` once, sleep until woken
 *
 * P1  The caller registers with the hub before the first wake: an event committed after the read then wakes it.
 * P2  `dirty` is cleared before the read, never after: a wake during the read causes another one.
 * P3  Only `sent` decides what is read next; hints never carry events.
 */
export function createPump(after: Position, port: PumpPort): Pump {
  let sent = after
  let dirty = false
  let live = false
  let state: 'idle' | 'running' | 'stopped' = 'idle'
  // A function, because a variable that changes during an await is one that control flow analysis misjudges.
  const stopped = (): boolean => state === 'stopped'

  const step = async (): Promise<void> => {
    dirty = false // P2
    const events = await port.read(sent)
    if (stopped()) return
    const last = events.at(-1)
    if (last === undefined) {
      if (!live) port.live(sent)
      live = true
      return
    }
    assertContiguous(sent, events)
    port.send(events)
    sent = last.seq
    dirty = true // There may be more; only an empty read says that there is not.
  }

  const run = async (): Promise<void> => {
    if (state !== 'idle') return
    state = 'running'
    try {
      while (dirty && port.writable() && !stopped()) await step()
      if (!stopped()) state = 'idle'
    } catch (error) {
      if (stopped()) return
      state = 'stopped'
      port.failed(error)
    }
  }

  return {
    wake(head) {
      if (head !== undefined && head <= sent) return
      dirty = true
      void run()
    },
    resume: () => void run(),
    stop: () => {
      state = 'stopped'
    },
  }
}

function assertContiguous(sent: Position, events: readonly StoredEvent[]): void {
  let expected = position(sent + 1)
  for (const { seq, threadId } of events) {
    // L2 says that this cannot happen: better to end the connection than to hand a gap on.
    if (seq !== expected) throw new Error(`The log of ${threadId} gave ${seq} where ${expected} follows`)
    expected = position(seq + 1)
  }
}
