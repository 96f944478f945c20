/**
 * The way of an event from the log to a reader, in one process and without a network: the memory log, the hub, its
 * subscriptions and pumps, two lanes for a wire, and the client's own connection. Commits, answers of the database,
 * hints, frames and losses of connections happen in whatever order a seed says; the campaigns' checker judges.
 */
import {
  type ClientFrame,
  createIdMaker,
  HoldfastError,
  type NewEvent,
  type NodeId,
  type Position,
  position,
  type ServerFrame,
  type StoredEvent,
  type Stream,
  type Subscription,
  type ThreadId,
  threadStream,
  type UserId,
} from '@holdfast/protocol'
import fc from 'fast-check'
import { type Connection, createConnection } from '../../packages/client/src/connection.ts'
import { createCredentials } from '../../packages/client/src/credentials.ts'
import { readFrame } from '../../packages/client/src/received-frame.ts'
import type { TransportPort } from '../../packages/client/src/transport.ts'
import type { Hint } from '../../packages/server/src/bus/bus.ts'
import { type CommitListener, headOf } from '../../packages/server/src/log/commit-listeners.ts'
import { createMemoryEventLog } from '../../packages/server/src/log/memory-event-log.ts'
import { encodeItems } from '../../packages/server/src/realtime/frames.ts'
import { createHub } from '../../packages/server/src/realtime/hub.ts'
import { realtimeLimits } from '../../packages/server/src/realtime/limits.ts'
import { createSources } from '../../packages/server/src/realtime/sources.ts'
import { createSubscriptions, type Subscriptions } from '../../packages/server/src/realtime/subscriptions.ts'
import { createChecker, type Follower, type TruthThread, type Verdict } from './checker.ts'
import { digestOf, type JournalLine } from './journal.ts'
import { createRandom } from './random.ts'
import { createVirtualWorld } from './virtual-world.ts'

type Step =
  | { readonly kind: 'append'; readonly thread: number; readonly events: number }
  /** The connection is lost; what was on its way is too. `late`: the server learns of it at some later moment. */
  | { readonly kind: 'lose'; readonly client: number; readonly late: boolean }
  /** The socket is full for a while. */
  | { readonly kind: 'fill'; readonly client: number }
  /** B1: a hint may be old, doubled, early or about nothing new. */
  | { readonly kind: 'hint'; readonly thread: number; readonly head: number }
  | { readonly kind: 'restart'; readonly client: number }
  /** A second reader of the same connection, from the first event on. */
  | { readonly kind: 'join'; readonly client: number }
  /** Somebody follows with a cursor of another log. */
  | { readonly kind: 'mistake'; readonly client: number }

/** B1: any one of the three wakes a follower, so each is also tried without the other two. */
type Wakes = 'all' | 'commit' | 'hint' | 'poll'

export interface Schedule {
  readonly steps: readonly Step[]
  readonly before: number
  readonly wakes: Wakes
  readonly window: number
  readonly ringItems: number
  readonly choices: number
}

/** Clients 0 and 1 follow thread 0 of user 0, client 2 thread 1 of user 1: ids that differ in their last character. */
const threadOfClient = [0, 0, 1] as const
const client = fc.integer({ min: 0, max: threadOfClient.length - 1 })
const thread = fc.integer({ min: 0, max: 1 })

export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('append' as const),
          thread,
          events: fc.integer({ min: 1, max: 3 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), client, late: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const), client }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('hint' as const),
          thread,
          head: fc.integer({ min: 0, max: 12 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), client }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constantFrom('join' as const, 'mistake' as const), client }),
      },
    ),
    { minLength: 1, maxLength: 10 },
  ),
  before: fc.integer({ min: 0, max: 4 }),
  wakes: fc.constantFrom<Wakes>('all', 'commit', 'hint', 'poll'),
  window: fc.constantFrom(3, 1_024),
  ringItems: fc.constantFrom(2, 1_024),
  choices: fc.nat(),
})

/** Not one of the clients that are judged. */
const strangerNumber = 99

/**
 * Longer than any way back takes, and shorter than the silence after which a client connects anew: that would heal
 * what a lost wake-up has left behind, as no heartbeats come in here.
 */
const quietMs = 30_000
/** Of the reconnect delays, so that several in a row are over in that time. */
const delayScale = 0.2
const everyEventMs = 25_000

export async function runSchedule(schedule: Schedule): Promise<Verdict> {
  const world = createVirtualWorld()
  const random = createRandom(schedule.choices)
  // One millisecond and no chance: each id is the one before plus one.
  const makeId = createIdMaker(
    () => 1_000,
    () => {},
  )
  await using log = createMemoryEventLog(makeId)
  const node: NodeId = makeId('node')
  const threads = [0, 1].map(() => ({
    id: log.createThread(),
    owner: makeId('user'),
    runId: makeId('run'),
    written: 0,
  }))
  type ModelThread = (typeof threads)[number]
  const at = <Item>(items: readonly Item[], index: number): Item => {
    const item = items[index]
    if (item === undefined) throw new Error(`There is no ${index}`)
    return item
  }
  const append = async (to: ModelThread, events: readonly NewEvent[]): Promise<void> => {
    to.written += 1
    await log.append({
      threadId: to.id,
      runId: to.runId,
      agent: 'model',
      events,
      producerKey: String(to.written),
      fence: null,
    })
  }
  const thoughts = (count: number): NewEvent[] =>
    Array.from({ length: count }, () => ({
      type: 'agent_thinking',
      data: { step: 1, text: String(random.next()) },
    }))
  for (const one of threads)
    await append(one, [
      {
        type: 'run_queued',
        data: { message: { id: makeId('message'), text: 'go', files: [] }, policy: 'queue' },
      },
      { type: 'agent_started', data: { attempt: 1, model: 'model', offline: true } },
      ...thoughts(schedule.before),
    ])

  // --- the server's half
  let hear: (hint: Hint) => void = () => {}
  const allows = (how: Wakes): boolean => schedule.wakes === 'all' || schedule.wakes === how
  const gated = {
    // Commits fall before the database looks, and between its look and its answer.
    read: async (...request: Parameters<typeof log.read>) => {
      await world.moment()
      const events = await log.read(...request)
      await world.moment()
      return events
    },
    heads: async (ids: readonly ThreadId[]) => {
      await world.moment()
      const heads = await log.heads(ids)
      await world.moment()
      return heads
    },
    onCommit: (listener: CommitListener) => (allows('commit') ? log.onCommit(listener) : () => {}),
  }
  const nobody = { read: async () => [], heads: async () => new Map(), onCommit: () => () => {} }
  const sources = createSources(gated, nobody)
  if (allows('hint'))
    log.onCommit((threadId, events) => {
      const head = headOf(events)
      void world.moment().then(() => hear({ kind: 'thread', threadId, head }))
    })
  using hub = createHub({
    sources,
    bus: {
      subscribe(listener) {
        hear = listener
        return () => {}
      },
      onResync: () => () => {},
    },
    schedule: (task, delayMs) =>
      // Where polls are not what is tried they are later than anything that is waited for.
      world.setTimer(task, allows('poll') ? delayMs : delayMs + 10 * quietMs),
    limits: { ...realtimeLimits, ringItems: schedule.ringItems },
    onPollError(error) {
      throw error
    },
  })

  // --- the clients' half
  const journal: JournalLine[] = []
  const clients = threadOfClient.map((index, number) => {
    const { id, owner } = at(threads, index)
    return {
      number,
      thread: id,
      user: owner,
      token: owner,
      applied: position(0),
      connections: 0,
      live: false,
    }
  })
  type ModelClient = (typeof clients)[number]
  const wires = new Map<number, { lose(late: boolean): void; fill(): void }>()

  const connect = (of: ModelClient, port: TransportPort) => {
    of.connections += 1
    of.live = false
    const connection = of.connections
    const up = world.lane()
    const down = world.lane()
    let open = true
    let full = false
    const write = (line: JournalLine): void => void journal.push(line)
    write(['opened', Date.now(), of.number, connection])
    let subscriptions: Subscriptions | null = null
    /** What was asked after, by subscriptions that are not answered yet. */
    const asked: Subscription['after'][] = []
    let turn = Promise.resolve()

    const leave = (code: number | null): void => {
      if (!open) return
      open = false
      up.cut()
      down.cut()
      write(['lost', Date.now(), of.number, connection, code])
    }
    const lose = (late: boolean): void => {
      if (!open) return
      leave(1006)
      // A server that has not noticed yet goes on reading and sending into nowhere.
      if (late) void world.moment().then(() => subscriptions?.stop())
      else subscriptions?.stop()
      port.lost(1006, '')
    }
    const deliver = (text: string): void => {
      const raw = JSON.parse(text) as {
        type: string
        stream?: Stream
        items?: readonly StoredEvent[]
        head?: number
      }
      if (raw.type === 'ev' && raw.items !== undefined)
        write([
          'frame',
          Date.now(),
          of.number,
          connection,
          String(raw.stream).slice('thread/'.length) as ThreadId,
          raw.items.map((event) => [event.seq, digestOf(event)]),
        ])
      if (raw.type === 'sub_ok') {
        const { head = 0 } = raw
        const after = asked.shift() ?? 'start'
        const from = after === 'start' ? 0 : after === 'head' ? head : after
        write(['subscribed', Date.now(), of.number, connection, of.thread, head, from])
      }
      if (raw.type === 'live') of.live = true
      if (raw.type === 'live') write(['live', Date.now(), of.number, connection, of.thread])
      const frame = readFrame(text)
      if (frame === null) throw new Error(`The client does not know ${text}`)
      if (frame.type === 'ready') port.epoch(frame.epoch)
      port.alive()
      port.frame(frame)
    }
    const send = (text: string): void => {
      if (open) down.push(() => deliver(text))
    }
    const sendFrame = (frame: ServerFrame): void => send(JSON.stringify(frame))
    const hello = (token: string | undefined): Subscriptions => {
      const owner = token as UserId
      return createSubscriptions(
        { kind: 'user', userId: owner },
        {
          threads: {
            async get(principal, threadId) {
              await world.moment()
              const found = threads.find(({ id }) => id === threadId)
              if (found === undefined || found.owner !== principal.userId)
                throw new HoldfastError('not_found', 'No such thread')
              const head = (await log.heads([threadId])).get(threadId) ?? position(0)
              await world.moment()
              return { id: threadId, title: '', createdAt: '2026-11-23T10:00:00.000Z', head }
            },
          },
          epoch: log.epoch,
          sources,
          hub,
          schedule: world.setTimer,
          limits: { unacknowledgedItems: schedule.window, progressWithinMs: realtimeLimits.progressWithinMs },
        },
        {
          send: sendFrame,
          sendItems: (stream, items) => encodeItems(stream, items).forEach(send),
          writable: () => !full,
          stalled: () => lose(false),
          failed(error) {
            // Nothing in here can fail honestly: a server that doubts itself is a finding.
            write(['failed', Date.now(), of.number, `the server gave up: ${String(error)}`])
            lose(false)
          },
        },
      )
    }
    const serve = async (frame: ClientFrame): Promise<void> => {
      if (frame.type === 'hello') {
        subscriptions = hello(frame.auth)
        sendFrame({
          type: 'ready',
          connection: makeId('connection'),
          node,
          epoch: log.epoch,
          user: of.user,
          heartbeatMs: everyEventMs,
          limits: { frameBytes: 65_536, subscriptions: 200, unacknowledgedItems: schedule.window },
          authExpiresAt: null,
          lifetimeMs: 3_600_000,
        })
        for (const subscription of frame.subs ?? []) await subscriptions.add(subscription)
      } else if (frame.type === 'sub') await subscriptions?.add(frame)
      else if (frame.type === 'unsub') subscriptions?.remove(frame.stream)
      else if (frame.type === 'ack' && subscriptions?.acknowledge(frame.stream, frame.seq) === 'ahead')
        lose(false)
    }
    wires.set(of.number, {
      lose,
      fill() {
        full = true
        void world.moment().then(() => {
          full = false
          subscriptions?.resume()
        })
      },
    })
    down.push(() => port.opened())
    return {
      send(frame: ClientFrame) {
        if (!open) return
        if (frame.type === 'sub') asked.push(frame.after)
        if (frame.type === 'hello') for (const { after } of frame.subs ?? []) asked.push(after)
        up.push(() => {
          turn = turn.then(() => (open ? serve(frame) : undefined))
        })
      },
      close() {
        leave(null)
        subscriptions?.stop()
      },
    }
  }

  const readers = new Map<number, Connection>()
  /** Second readers: the checker takes each for a client of its own, who is judged by what it applies. */
  interface Joined extends Follower {
    readonly connection: Connection
    applied: number
  }
  let joined: readonly Joined[] = []
  let joins = 0
  const join = (of: ModelClient, connection: Connection): void => {
    joins += 1
    const one: Joined = { client: 100 + joins, user: of.user, thread: of.thread, connection, applied: 0 }
    joined = [...joined, one]
    // It has no wire of its own to be live on.
    journal.push(['opened', Date.now(), one.client, 1], ['live', Date.now(), one.client, 1, of.thread])
    const follow = async (): Promise<void> => {
      const options = { after: 'start', epoch: null, signal: null } as const
      for await (const event of connection.follow<StoredEvent>(threadStream(of.thread), options).items) {
        journal.push(['applied', Date.now(), one.client, of.thread, [event.seq, digestOf(event)]])
        one.applied = event.seq
      }
    }
    follow().catch((error: unknown) => journal.push(['failed', Date.now(), one.client, String(error)]))
  }
  const open = (of: ModelClient): Connection =>
    createConnection({
      credentials: createCredentials(of.token),
      platform: {
        nowMs: world.nowMs,
        random: () => random.next() * delayScale,
        setTimer: world.setTimer,
        watch: () => () => {},
      },
      openSocket: (port) => connect(of, port),
      openEventStreams: null,
      snapshotUrl: String,
      onStatus: () => {},
    })
  /** Somebody whose cursor is of another log: whatever it gets goes on from something that never was. */
  const mistake = (like: ModelClient): void => {
    const connection = open({ ...like, number: strangerNumber })
    const follow = async (): Promise<void> => {
      const options = { after: position(1), epoch: makeId('epoch'), signal: null }
      for await (const { seq } of connection.follow<StoredEvent>(threadStream(like.thread), options).items)
        journal.push(['applied', Date.now(), like.number, like.thread, [seq, 'of another log']])
    }
    // epoch_changed, as it should be.
    follow()
      .catch(() => {})
      .finally(() => connection.close())
  }
  const start = (of: ModelClient): void => {
    const connection = open(of)
    readers.set(of.number, connection)
    journal.push(['life', Date.now(), of.number])
    const follow = async (): Promise<void> => {
      const options = { after: of.applied, epoch: log.epoch, signal: null }
      for await (const event of connection.follow<StoredEvent>(threadStream(of.thread), options).items) {
        // A reader that was replaced applies nothing more.
        if (readers.get(of.number) !== connection) return
        journal.push(['applied', Date.now(), of.number, of.thread, [event.seq, digestOf(event)]])
        of.applied = event.seq
      }
    }
    follow().catch((error: unknown) => journal.push(['failed', Date.now(), of.number, String(error)]))
  }

  // --- the story
  for (const one of clients) void world.moment().then(() => start(one))
  const story = world.lane()
  let told = 0
  for (const step of schedule.steps)
    story.push(() => {
      told += 1
      switch (step.kind) {
        case 'append':
          void append(at(threads, step.thread), thoughts(step.events))
          return
        case 'lose':
          wires.get(step.client)?.lose(step.late)
          return
        case 'fill':
          wires.get(step.client)?.fill()
          return
        case 'hint':
          hear({ kind: 'thread', threadId: at(threads, step.thread).id, head: position(step.head) })
          return
        case 'restart': {
          const one = at(clients, step.client)
          const connection = readers.get(one.number)
          if (connection === undefined) return
          wires.get(one.number)?.lose(true)
          connection.close()
          // Second readers end with their connection.
          joined = joined.filter((reader) => reader.connection !== connection)
          start(one)
          return
        }
        case 'join': {
          const one = at(clients, step.client)
          const connection = readers.get(one.number)
          if (connection !== undefined) join(one, connection)
          return
        }
        case 'mistake':
          return mistake(at(clients, step.client))
        default:
          step satisfies never
      }
    })
  // The end too comes while others are still at it: what came before it and woke nobody would else be woken by it.
  for (const one of threads)
    story.push(() => {
      told += 1
      void append(one, [{ type: 'agent_cancelled', data: { by: 'user' } }])
    })
  const choose = (from: number): number => random.between(0, from - 1)
  const heads = new Map<ThreadId, Position>()
  log.onCommit((id, events) => void heads.set(id, headOf(events)))
  const caughtUp = (): boolean =>
    told === schedule.steps.length + threads.length &&
    clients.every((one) => one.live && one.applied === heads.get(one.thread)) &&
    joined.every((one) => one.applied === heads.get(one.thread))

  await world.run(choose, caughtUp, quietMs)

  const truth: TruthThread[] = []
  for (const { id, owner } of threads)
    truth.push({ id, owner, events: await log.read(id, position(0), { events: 10_000, bytes: 1e9 }) })
  const followers: Follower[] = clients.map(({ number, user, thread: id }) => ({
    client: number,
    user,
    thread: id,
    asksAgain: true,
  }))
  const judged = [...followers, ...joined]
  const numbers = new Set(judged.map(({ client: number }) => number))
  const checker = createChecker(truth, judged)
  for (const line of journal) if (numbers.has(line[2])) checker.record(line)
  for (const connection of readers.values()) connection.close()
  return checker.verdict()
}
