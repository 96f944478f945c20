import { type Position, position } from '@holdfast/protocol'

/** What travels in an `ev` or `lifecycle` frame; JSON once, however many connections it goes to. */
export interface Item {
  readonly seq: Position
  readonly json: string
  readonly bytes: number
}

export interface Page {
  readonly items: readonly Item[]
  /** More is known to be there, or may be. */
  readonly more: boolean
  /** From the log, by a question put after the reader asked; false: from the ring. */
  readonly asked: boolean
}

/** What the log answered. */
export interface Answer {
  readonly items: readonly Item[]
  /** A limit of the page was met: there may be more. */
  readonly cut: boolean
}

export interface Tail {
  /** A commit, a hint or a poll told of this head. */
  heard(head: Position): void
  /** This node stored these: where they follow what the ring has, nobody needs to ask the log for them. */
  committed(items: readonly Item[]): void
  /** Items after `after`, `most` at most. What was committed before the call and heard of is never left unsaid. */
  read(after: Position, most: number): Promise<Page>
  /** Gives back its memory; readers go to the log. */
  empty(): void
}

/** What a tail is the end of. */
export interface TailPort {
  /** From the log: contiguous, oldest first, a frame's worth. */
  readLog(after: Position): Promise<Answer>
  /** Whether anybody else may want what one reader has read. */
  shared(): boolean
  /** The ring takes this many bytes more; less where negative. */
  resized(byBytes: number): void
}

export interface RingLimits {
  readonly ringItems: number
  readonly ringBytes: number
}

/**
 * The end of one stream, read once for all who follow it: N tabs of a thread cost one query.
 *
 *   log   1 … … … … … … … … 96 97 98 99 100
 *   ring                    [97 98 99 100]      end = 100
 *
 *   a reader at 40   asks the log by itself
 *   a reader at 98   is given 99 and 100 from the ring
 *   a reader at 100  asks the log from 100; all who come meanwhile wait for the same answer, which becomes ring
 *   a reader at 103  is ahead of the ring (it read by itself): the ring begins again there
 *   101 is stored by this very node: it becomes ring at once, and the readers find it there
 *
 * T1  An answer counts for a reader only if the question was put after the reader asked: one put before may have
 *     been answered by the database before the commit that woke the reader, and the reader would sleep over it.
 * T2  The ring says that nothing is left only of what was heard of while the reader was registered. What was committed
 *     before that, and heard of by nobody, only a question of its own finds: `asked` tells the two apart.
 */
export function createTail(port: TailPort, limits: RingLimits): Tail {
  return new RingTail(port, limits)
}

/** A class, because every stream that somebody follows has one (as with pumps). */
class RingTail implements Tail {
  readonly #port: TailPort
  readonly #limits: RingLimits
  #ring: Item[] = []
  #bytes = 0
  #end: Position | null = null
  #known = position(0)
  #questions = 0
  #flight: { readonly number: number; readonly answer: Promise<Answer> } | null = null

  constructor(port: TailPort, limits: RingLimits) {
    this.#port = port
    this.#limits = limits
  }

  heard(head: Position): void {
    if (head > this.#known) this.#known = head
  }

  committed(items: readonly Item[]): void {
    const [first] = items
    const last = items.at(-1)
    // Anything else is another node's in between, or news to nobody who reads yet: the log has it.
    if (first === undefined || last === undefined || this.#end === null || first.seq !== this.#end + 1) return
    this.#end = last.seq
    this.#keep(items)
  }

  async read(after: Position, most: number): Promise<Page> {
    const before = this.#questions
    for (;;) {
      if (this.#end === null || after > this.#end) this.#restart(after)
      const at: Position = this.#end ?? after
      const first = this.#ring[0]
      if (first !== undefined && after >= first.seq - 1 && after < at) {
        const items = this.#ring.slice(after - first.seq + 1)
        const found = this.#page({ items, cut: false }, most, false)
        // The only reader has it now.
        if (!this.#port.shared() && found.items.at(-1)?.seq === at) this.empty()
        return found
      }
      if (after < at) return this.#page(await this.#port.readLog(after), most, true)
      if (this.#flight === null) {
        const heardBefore = this.#known
        const answer = await this.#ask(after)
        // What had been heard is not there: a head of another log, or a hint that made it up.
        if (answer.items.length === 0 && this.#known === heardBefore) this.#known = at
        return this.#page(answer, most, true)
      }
      const { number, answer } = this.#flight
      const found = await answer
      const fresh = number > before // T1
      if (found.items[0]?.seq === after + 1) return this.#page(found, most, fresh)
      if (fresh && found.items.length === 0) return this.#page(found, most, fresh)
    }
  }

  empty(): void {
    const freed = this.#bytes
    this.#ring = []
    this.#bytes = 0
    if (freed > 0) this.#port.resized(-freed)
  }

  #page({ items, cut }: Answer, most: number, asked: boolean): Page {
    const given = items.length > most ? items.slice(0, most) : items
    const last = given.at(-1)
    // What this node stored counts whatever a hint made of `known` meanwhile.
    const reach = Math.max(this.#known, this.#end ?? 0)
    return { items: given, asked, more: last !== undefined && (cut || last.seq < reach) }
  }

  #restart(at: Position): void {
    this.empty()
    this.#end = at
  }

  #ask(from: Position): Promise<Answer> {
    this.#questions += 1
    const number = this.#questions
    const answer = this.#extended(from)
    const done = (): void => {
      if (this.#flight?.number === number) this.#flight = null
    }
    this.#flight = { number, answer }
    answer.then(done, done)
    return answer
  }

  async #extended(from: Position): Promise<Answer> {
    const found = await this.#port.readLog(from)
    this.#known = position(Math.max(this.#known, found.items.at(-1)?.seq ?? 0))
    this.#extend(from, found.items)
    return found
  }

  #extend(from: Position, items: readonly Item[]): void {
    const last = items.at(-1)
    // Only what follows the ring without a gap: it may have begun again elsewhere meanwhile.
    if (last === undefined || this.#end !== from) return
    this.#end = last.seq
    // A ring ends where `end` says, or is empty.
    if (this.#port.shared()) this.#keep(items)
    else this.empty()
  }

  #keep(items: readonly Item[]): void {
    const { ringItems, ringBytes } = this.#limits
    const before = this.#bytes
    for (const item of items) {
      this.#ring.push(item)
      this.#bytes += item.bytes
    }
    let surplus = 0
    while (
      this.#ring.length - surplus > ringItems ||
      (this.#bytes > ringBytes && surplus < this.#ring.length)
    ) {
      this.#bytes -= this.#ring[surplus]?.bytes ?? 0
      surplus += 1
    }
    this.#ring.splice(0, surplus)
    this.#port.resized(this.#bytes - before)
  }
}
