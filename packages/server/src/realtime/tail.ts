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
  readonly bytes: number
  /** Gives back its memory; readers go to the log. */
  empty(): void
}

export interface TailOptions {
  /** From the log: contiguous, oldest first, a frame's worth. */
  readonly readLog: (after: Position) => Promise<Answer>
  /** Whether anybody else may want what one reader has read. */
  readonly shared: () => boolean
  readonly ringItems: number
  readonly ringBytes: number
  /** The ring takes this many bytes more; less where negative. */
  readonly resized: (byBytes: number) => void
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
export function createTail({ readLog, shared, ringItems, ringBytes, resized }: TailOptions): Tail {
  let ring: Item[] = []
  let bytes = 0
  let end: Position | null = null
  let known = position(0)
  let questions = 0
  let flight: { readonly number: number; readonly answer: Promise<Answer> } | null = null

  const page = ({ items, cut }: Answer, most: number, asked: boolean): Page => {
    const given = items.length > most ? items.slice(0, most) : items
    const last = given.at(-1)
    // What this node stored counts whatever a hint made of `known` meanwhile.
    const reach = Math.max(known, end ?? 0)
    return { items: given, asked, more: last !== undefined && (cut || last.seq < reach) }
  }
  const forget = (): void => {
    const freed = bytes
    ring = []
    bytes = 0
    if (freed > 0) resized(-freed)
  }
  const restart = (at: Position): void => {
    forget()
    end = at
  }
  const extend = (from: Position, items: readonly Item[]): void => {
    const last = items.at(-1)
    // Only what follows the ring without a gap: it may have begun again elsewhere meanwhile.
    if (last === undefined || end !== from) return
    end = last.seq
    // A ring ends where `end` says, or is empty.
    if (shared()) keep(items)
    else forget()
  }
  const keep = (items: readonly Item[]): void => {
    const before = bytes
    for (const item of items) {
      ring.push(item)
      bytes += item.bytes
    }
    let surplus = 0
    while (ring.length - surplus > ringItems || (bytes > ringBytes && surplus < ring.length)) {
      bytes -= ring[surplus]?.bytes ?? 0
      surplus += 1
    }
    ring.splice(0, surplus)
    resized(bytes - before)
  }
  const ask = (from: Position): Promise<Answer> => {
    questions += 1
    const number = questions
    const answer = readLog(from).then((found) => {
      known = position(Math.max(known, found.items.at(-1)?.seq ?? 0))
      extend(from, found.items)
      return found
    })
    const done = (): void => {
      if (flight?.number === number) flight = null
    }
    flight = { number, answer }
    answer.then(done, done)
    return answer
  }

  return {
    heard(head) {
      if (head > known) known = head
    },
    committed(items) {
      const [first] = items
      const last = items.at(-1)
      // Anything else is another node's in between, or news to nobody who reads yet: the log has it.
      if (first === undefined || last === undefined || end === null || first.seq !== end + 1) return
      end = last.seq
      keep(items)
    },
    async read(after, most) {
      const before = questions
      for (;;) {
        if (end === null || after > end) restart(after)
        const at: Position = end ?? after
        const first = ring[0]
        if (first !== undefined && after >= first.seq - 1 && after < at) {
          const found = page({ items: ring.slice(after - first.seq + 1), cut: false }, most, false)
          // The only reader has it now.
          if (!shared() && found.items.at(-1)?.seq === at) forget()
          return found
        }
        if (after < at) return page(await readLog(after), most, true)
        if (flight === null) {
          const heardBefore = known
          const answer = await ask(after)
          // What had been heard is not there: a head of another log, or a hint that made it up.
          if (answer.items.length === 0 && known === heardBefore) known = at
          return page(answer, most, true)
        }
        const { number, answer } = flight
        const found = await answer
        const fresh = number > before // T1
        if (found.items[0]?.seq === after + 1) return page(found, most, fresh)
        if (fresh && found.items.length === 0) return page(found, most, fresh)
      }
    },
    get bytes() {
      return bytes
    },
    empty: forget,
  }
}
