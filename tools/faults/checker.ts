/**
 * The judge of a campaign. Pure: truth is the log as it stood in the store afterwards, evidence is what each client
 * wrote down of every frame and every applied event. Nothing else is believed, the server's own counts least.
 */
import type { StoredEvent, ThreadId, UserId } from '@holdfast/protocol'
import { advanceRun, newRun, type RunId, type RunOrder } from '@holdfast/protocol'
import { digestOf, type JournalLine, type Seen } from './journal.ts'

export const violationClasses = [
  /** In the log, and a client with a subscription that stands never applied it. */
  'lost',
  /** One life of a client got it twice from the network. */
  'duplicate on the wire',
  'duplicate applied',
  /** A frame, or an application, that does not follow the one before it. */
  'out of order',
  /** Another user's event, or another thread's. */
  'misdelivered',
  /** Nobody's event: not in the log. */
  'phantom',
  /** More than staleMs from commit to arrival on a connection that was live and unharmed; or called live while behind. */
  'stale',
  /** A live connection that a server which was asked to stop ended in another way than with 1012. */
  'impolite close',
  /** A client that was not live again at the end, or that gave up. */
  'unrecovered',
  /** The log itself breaks a rule: a gap, a doubled event, a run out of order. */
  'broken log',
] as const
export type ViolationClass = (typeof violationClasses)[number]

export const staleMs = 5_000

export interface TruthThread {
  readonly id: ThreadId
  readonly owner: UserId
  /** All of them, by seq. */
  readonly events: readonly StoredEvent[]
}

/** Who a client is and what it followed. */
export interface Follower {
  readonly client: number
  readonly user: UserId
  readonly thread: ThreadId
  /** Has several readers, of whom a later one may ask again for what an earlier one got. Default false. */
  readonly asksAgain?: boolean
}

/** A time in which lateness is our own doing: what was done to a client's connection, or to the server at its end. */
export interface Excuse {
  readonly client: number
  readonly fromMs: number
  readonly untilMs: number
  /** refused: there was no server to lead it to. It had no connection then: this excuses nothing, it is only told. */
  readonly deed: 'network' | 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'away' | 'refused'
  /** When the connection to that server was made: one that the client has made since is to another. */
  readonly connectedMs?: number
}

export interface Verdict {
  readonly counts: Readonly<Record<ViolationClass, number>>
  /** The first few of each class, in words. */
  readonly examples: readonly string[]
  readonly clients: number
  readonly threads: number
  readonly committed: number
  readonly delivered: number
  readonly applied: number
  readonly connections: number
  /** Live connections that ended with 1012 as their server was asked to stop. */
  readonly politeCloses: number
  /** From the loss of a live connection to `live` on the next, sorted: while the servers ran, and while one did not. */
  readonly backToLiveMs: readonly number[]
  readonly backFromOutageMs: readonly number[]
}

export interface Checker {
  record(line: JournalLine): void
  verdict(): Verdict
}

const examplesPerClass = 5

interface ClientState extends Follower {
  /** Places of this life's frames. */
  onWire: Set<number>
  readonly applied: Set<number>
  last: number
  connection: {
    readonly number: number
    readonly openedMs: number
    /** Place of the last event on it; null: none since its subscription. */
    last: number | null
    liveSinceMs: number | null
    /** The thread's head when the subscription was answered: live means that this was reached. */
    head: number
  } | null
  /** Since when it is without a live connection; null: it is live, or was never. */
  lostSinceMs: number | null
  failed: boolean
  excuses: readonly Excuse[]
  refusals: readonly Excuse[]
}

export function createChecker(
  truth: readonly TruthThread[],
  followers: readonly Follower[],
  excuses: readonly Excuse[] = [],
): Checker {
  const counts = Object.fromEntries(violationClasses.map((name) => [name, 0])) as Record<
    ViolationClass,
    number
  >
  const examples: string[] = []
  const violate = (name: ViolationClass, what: () => string, times = 1): void => {
    if (times === 0) return
    if (counts[name] < examplesPerClass) examples.push(`${name}: ${what()}`)
    counts[name] += times
  }

  const threads = new Map(truth.map((thread) => [thread.id, thread]))
  const places = new Map<string, { readonly thread: ThreadId; readonly seq: number; readonly atMs: number }>()
  for (const thread of truth) {
    for (const flaw of flawsOf(thread)) violate('broken log', () => flaw)
    for (const event of thread.events)
      places.set(digestOf(event), { thread: thread.id, seq: event.seq, atMs: Date.parse(event.at) })
  }
  const own = Map.groupBy(excuses, ({ client }) => client)
  const ownOf = (client: number, refused: boolean): readonly Excuse[] =>
    (own.get(client) ?? []).filter(({ deed }) => (deed === 'refused') === refused)
  const states = new Map<number, ClientState>(
    followers.map((follower) => [
      follower.client,
      {
        ...follower,
        onWire: new Set(),
        applied: new Set(),
        last: 0,
        connection: null,
        lostSinceMs: null,
        failed: false,
        excuses: ownOf(follower.client, false),
        refusals: ownOf(follower.client, true),
      },
    ]),
  )
  const backToLiveMs: number[] = []
  const backFromOutageMs: number[] = []
  let delivered = 0
  let applied = 0
  let connections = 0
  let politeCloses = 0

  const stateOf = (client: number): ClientState => {
    const state = states.get(client)
    if (state === undefined) throw new Error(`The journal names client ${client}, whom nobody started`)
    return state
  }
  /** Whether the event is one this client may see at this place; counts it where it is not. */
  const rightful = (state: ClientState, thread: ThreadId, [seq, digest]: Seen): boolean => {
    const what = (): string => `client ${state.client} of ${state.user} got ${thread} ${seq} (${digest})`
    const place = places.get(digest)
    if (threads.get(place?.thread ?? thread)?.owner !== state.user || thread !== state.thread) {
      violate('misdelivered', what)
      return false
    }
    if (place === undefined) {
      violate('phantom', what)
      return false
    }
    if (place.thread !== thread) {
      violate('misdelivered', what)
      return false
    }
    return true
  }

  const onFrame = (
    state: ClientState,
    atMs: number,
    connection: number,
    thread: ThreadId,
    events: readonly Seen[],
  ): void => {
    const on = state.connection?.number === connection ? state.connection : null
    for (const seen of events) {
      const [seq, digest] = seen
      delivered += 1
      if (!rightful(state, thread, seen)) continue
      const place = (): string => `client ${state.client}, connection ${connection}: ${seq} after ${on?.last}`
      if (state.onWire.has(seq)) violate('duplicate on the wire', place)
      else if (on !== null && on.last !== null && seq !== on.last + 1) violate('out of order', place)
      state.onWire.add(seq)
      if (on === null) continue
      on.last = Math.max(seq, on.last ?? 0)
      const committedMs = places.get(digest)?.atMs ?? atMs
      if (on.liveSinceMs === null || on.liveSinceMs > committedMs || atMs - committedMs <= staleMs) continue
      if (!state.excuses.some(({ fromMs, untilMs }) => fromMs <= atMs && untilMs + staleMs >= committedMs))
        violate('stale', () => `client ${state.client}: ${seq} came ${atMs - committedMs} ms late`)
    }
  }
  const onApplied = (state: ClientState, thread: ThreadId, seen: Seen): void => {
    applied += 1
    if (!rightful(state, thread, seen)) return
    const [seq] = seen
    const place = (): string => `client ${state.client} applied ${seq} after ${state.last}`
    if (state.applied.has(seq)) violate('duplicate applied', place)
    else if (seq !== state.last + 1) violate('out of order', place)
    state.applied.add(seq)
    state.last = Math.max(state.last, seq)
  }

  const onLiveLost = (state: ClientState, openedMs: number, atMs: number, code: number | null): void => {
    const met = state.excuses.filter(
      ({ deed, fromMs, untilMs, connectedMs }) =>
        // What befell the connection before this one is no excuse.
        fromMs <= atMs &&
        atMs <= untilMs + staleMs &&
        (deed === 'network' ? fromMs : (connectedMs ?? openedMs)) >= openedMs,
    )
    // A client that turns away by itself may: it was told of the drain. And what else was done to it is no fault.
    if (code === null || met.length === 0 || met.some(({ deed }) => deed !== 'SIGTERM')) return
    if (code === 1012) politeCloses += 1
    else violate('impolite close', () => `client ${state.client} was closed with ${code}`)
  }

  return {
    record(line) {
      const [kind, atMs, client] = line
      const state = stateOf(client)
      switch (kind) {
        case 'life':
          state.onWire = new Set()
          state.connection = null
          // Being dead is not being cut off: the way back is measured for connections.
          state.lostSinceMs = null
          return
        case 'opened':
          connections += 1
          state.connection = { number: line[3], openedMs: atMs, last: null, liveSinceMs: null, head: 0 }
          return
        case 'subscribed':
          if (state.connection?.number !== line[3]) return
          state.connection.last = line[6]
          state.connection.head = line[5]
          if (state.asksAgain === true)
            for (const seq of state.onWire) if (seq > line[6]) state.onWire.delete(seq)
          return
        case 'frame':
          return onFrame(state, atMs, line[3], line[4], line[5])
        case 'live':
          if (state.connection?.number !== line[3]) return
          state.connection.liveSinceMs = atMs
          if ((state.connection.last ?? 0) < state.connection.head)
            violate(
              'stale',
              () => `client ${client} is called live at ${state.connection?.last}, behind the head`,
            )
          if (state.lostSinceMs !== null) {
            const lostSinceMs = state.lostSinceMs
            const outage = [...state.excuses, ...state.refusals].some(
              ({ deed, fromMs, untilMs }) => deed !== 'network' && fromMs <= atMs && untilMs >= lostSinceMs,
            )
            const samples = outage ? backFromOutageMs : backToLiveMs
            samples.push(atMs - lostSinceMs)
          }
          state.lostSinceMs = null
          return
        case 'lost':
          if (state.connection?.number !== line[3]) return
          if (state.connection.liveSinceMs !== null) {
            onLiveLost(state, state.connection.openedMs, atMs, line[4])
            state.lostSinceMs ??= atMs
          }
          state.connection = null
          return
        case 'applied':
          return onApplied(state, line[3], line[4])
        case 'failed':
          state.failed = true
          return violate('unrecovered', () => `client ${client} gave up: ${line[3]}`)
        case 'denied':
          return
        default:
          line satisfies never
      }
    },
    verdict() {
      for (const state of states.values()) {
        const expected = threads.get(state.thread)?.events ?? []
        const missing = expected.filter(({ seq }) => !state.applied.has(seq))
        if (state.failed) continue
        const { connection } = state
        const stands = connection !== null && (connection.liveSinceMs !== null || connection.last !== null)
        if (stands && missing.length > 0)
          violate(
            'lost',
            () => `client ${state.client} lacks ${missing.length} events, the first is ${missing[0]?.seq}`,
            missing.length,
          )
        else if (connection === null || connection.liveSinceMs === null)
          violate(
            'unrecovered',
            () => `client ${state.client} is not live; it lacks ${missing.length} events`,
          )
      }
      return {
        counts: { ...counts },
        examples: [...examples],
        clients: states.size,
        threads: truth.length,
        committed: truth.reduce((sum, { events }) => sum + events.length, 0),
        delivered,
        applied,
        connections,
        politeCloses,
        backToLiveMs: backToLiveMs.toSorted((one, other) => one - other),
        backFromOutageMs: backFromOutageMs.toSorted((one, other) => one - other),
      }
    },
  }
}

/** Rules that the log must keep whoever reads it: places without gaps (L2), one story a run (R4). */
function flawsOf({ id, events }: TruthThread): string[] {
  const flaws: string[] = []
  const ids = new Set<string>()
  const runs = new Map<RunId, RunOrder>()
  for (const [index, event] of events.entries()) {
    if (event.seq !== index + 1) flaws.push(`${id} has ${event.seq} where ${index + 1} belongs`)
    if (event.threadId !== id) flaws.push(`${id} holds an event of ${event.threadId}`)
    if (ids.has(event.id)) flaws.push(`${id} holds ${event.id} twice`)
    ids.add(event.id)
    const check = advanceRun(runs.get(event.runId) ?? newRun, event)
    if (check.ok) runs.set(event.runId, check.next)
    else flaws.push(`${id} at ${event.seq}: ${check.violation}`)
  }
  for (const [run, order] of runs) if (order.kind !== 'ended') flaws.push(`${run} has no terminal event`)
  return flaws
}

/** The q-quantile of sorted numbers, nearest rank; null: there are none. */
export function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? null
}
