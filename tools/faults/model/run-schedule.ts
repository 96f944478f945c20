/**
 * The way of an event from the log to a reader, in one process and without a network: the memory log, the hub, its
 * subscriptions and pumps, two lanes for a wire, and the client's own connection. Commits, answers of the database,
 * hints, frames and losses of connections happen in whatever order a seed says; the campaigns' checker judges.
 */
import {
  createIdMaker,
  type NewEvent,
  type NodeId,
  type Position,
  position,
  type ThreadId,
} from '@holdfast/protocol'
import { headOf } from '../../../packages/server/src/log/commit-listeners.ts'
import { createMemoryEventLog } from '../../../packages/server/src/log/memory-event-log.ts'
import { createChecker, type Follower, type TruthThread, type Verdict } from '../checker.ts'
import type { JournalLine } from '../journal.ts'
import { createRandom } from '../random.ts'
import { createReaders } from './readers.ts'
import { type Schedule, threadOfClient } from './schedule.ts'
import { openServerHalf } from './server-half.ts'
import { createVirtualWorld } from './virtual-world.ts'
import { type ModelClient, openWire } from './wire.ts'

/**
 * Longer than any way back takes, and shorter than the silence after which a client connects anew: that would heal
 * what a lost wake-up has left behind, as no heartbeats come in here.
 */
const quietMs = 30_000

export async function runSchedule(schedule: Schedule): Promise<Verdict> {
  const world = createVirtualWorld()
  const random = createRandom(schedule.choices)
  // One millisecond and no chance: each id is the one before plus one.
  const makeId = createIdMaker(
    () => 1_000,
    () => {},
  )
  await using log = createMemoryEventLog(makeId)
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

  const journal: JournalLine[] = []
  const write = (line: JournalLine): void => void journal.push(line)
  const owners = new Map(threads.map(({ id, owner }) => [id, owner]))
  using server = openServerHalf(world, log, owners, schedule, 10 * quietMs)
  const clients = threadOfClient.map((index, number): ModelClient => {
    const { id, owner } = at(threads, index)
    return {
      number,
      thread: id,
      user: owner,
      applied: position(0),
      connections: 0,
      live: false,
    }
  })
  const node: NodeId = makeId('node')
  const { epoch } = log
  const { window } = schedule
  using readers = createReaders({
    world,
    random,
    epoch,
    makeId,
    write,
    connect: (of, port) => openWire(of, port, { world, server, epoch, node, makeId, window, write }),
  })

  // --- the story
  for (const one of clients) void world.moment().then(() => readers.start(one))
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
          readers.lose(at(clients, step.client), step.late)
          return
        case 'fill':
          readers.fill(at(clients, step.client))
          return
        case 'hint':
          server.hear({ kind: 'thread', threadId: at(threads, step.thread).id, head: position(step.head) })
          return
        case 'restart':
          return readers.restart(at(clients, step.client))
        case 'join':
          return readers.join(at(clients, step.client))
        case 'mistake':
          return readers.mistake(at(clients, step.client))
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
    readers.joined.every((one) => one.applied === heads.get(one.thread))

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
  const judged = [...followers, ...readers.joined]
  const numbers = new Set(judged.map(({ client: number }) => number))
  const checker = createChecker(truth, judged)
  for (const line of journal) if (numbers.has(line[2])) checker.record(line)
  return checker.verdict()
}
