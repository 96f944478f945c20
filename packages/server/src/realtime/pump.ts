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
 * U1  The caller registers with the hub before the first wake: an event committed after the read then wakes it.
 * U2  `dirty` is cleared before the read, never after: a wake during the read causes another one.
 * U3  Only `sent` decides what is read next; hints never carry events.
 * U4  No more than `window` items are sent beyond what was acknowledged: what TCP took is not yet applied, and a
 *     browser offers no other way to say "slower". The log is the buffer.
 * U5  A read that failed because the database is away is owed: the pump stays dirty, and the next wake (a poll finds the
 *     same head again) reads. Thousands of followers need not come back for a database that is restarted.
 */
export function createPump(after: Position, window: number, port: PumpPort): Pump {
  return new StreamPump(after, window, port)
}

/** A class, because there are thousands of them: a closure each for what they do would take as much as they hold. */
class StreamPump implements Pump {
  readonly #window: number
  readonly #port: PumpPort
  #sent: Position
  #acknowledged: Position
  #dirty = false
  #live = false
  #state: 'idle' | 'running' | 'stopped' = 'idle'

  constructor(after: Position, window: number, port: PumpPort) {
    this.#window = window
    this.#port = port
    this.#sent = after
    this.#acknowledged = after
  }

  wake(head?: Position): void {
    if (head !== undefined && head <= this.#sent && !this.#dirty) return
    this.#dirty = true
    void this.#run()
  }

  resume(): void {
    void this.#run()
  }

  acknowledge(seq: Position): 'advanced' | 'old' | 'ahead' {
    if (seq > this.#sent) return 'ahead'
    if (seq <= this.#acknowledged) return 'old'
    this.#acknowledged = seq
    void this.#run()
    return 'advanced'
  }

  stop(): void {
    this.#state = 'stopped'
  }

  // Methods, because a field that changes during an await is one that control flow analysis misjudges.
  #stopped(): boolean {
    return this.#state === 'stopped'
  }

  #open(): boolean {
    return this.#sent - this.#acknowledged < this.#window && this.#port.writable()
  }

  async #run(): Promise<void> {
    if (this.#state !== 'idle') return
    this.#state = 'running'
    try {
      while (this.#dirty && this.#open() && !this.#stopped()) await this.#port.inTurn(() => this.#step())
      if (this.#stopped()) return
      this.#state = 'idle'
      this.#port.waiting(this.#dirty)
    } catch (error) {
      if (this.#stopped()) return
      if (passes(error)) {
        this.#state = 'idle'
        this.#dirty = true // U5
        this.#port.waiting(false)
        return
      }
      this.#state = 'stopped'
      this.#port.failed(error)
    }
  }

  async #step(): Promise<void> {
    // Waiting for its turn it may have been stopped, or others may have filled the buffer.
    if (this.#stopped() || !this.#open()) return
    this.#dirty = false // U2
    const room = this.#window - (this.#sent - this.#acknowledged) // U4
    const { items, more, asked } = await this.#port.read(this.#sent, room)
    if (this.#stopped()) return
    const last = items.at(-1)
    if (last !== undefined) {
      assertContiguous(this.#sent, items)
      this.#sent = last.seq
      this.#port.send(items)
    }
    // Until `live` nothing but a question of its own shows that nothing is left (T2): what was committed before this
    // pump registered woke nobody.
    if (more || (!this.#live && !asked)) this.#dirty = true
    else if (!this.#live) {
      this.#live = true
      this.#port.live(this.#sent)
    }
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
