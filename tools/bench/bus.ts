/**
 * What hints between nodes cost and how long they take: an event log on PostgreSQL whose node tells every commit on a
 * bus, and another node that listens.
 *
 * `appends/s` is the log with 64 appenders, each on its own thread. Each round takes every row once, and the ratio is
 * to the first row of the same round. The last two rows are the way that rule B2 forbids: the same transactions, one
 * an append, without and with NOTIFY among their statements. `hop` is from publishing to hearing, one hint every 5 ms.
 */
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { position, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import type { Bus } from '../../packages/server/src/bus/bus.ts'
import { openNatsBus } from '../../packages/server/src/bus/nats-bus.ts'
import { openPostgresBus } from '../../packages/server/src/bus/postgres-bus.ts'
import { findNatsServer, openNatsServer } from '../../packages/server/src/bus/testing/nats-server.ts'
import { retryPolicies } from '../../packages/server/src/environment/retry-policy.ts'
import { createThreads } from '../../packages/server/src/log/create-threads.ts'
import type { AppendCommand } from '../../packages/server/src/log/event-log.ts'
import { createEventLog, type SqlEventLog } from '../../packages/server/src/log/sql-event-log.ts'
import { openPostgresStore } from '../../packages/server/src/store/postgres-store.ts'
import { openPostgresServer } from '../../packages/server/src/store/testing/postgres-server.ts'
import { silentLogger } from '../../packages/server/src/telemetry/logger.ts'
import { count, loadAverage, median, quantile, table } from './table.ts'

const appenders = 64
const roundMs = 1_500
const hops = 400
const hopEveryMs = 5

const makeId = systemIdMaker()
let lastKey = 0

type Append = (command: AppendCommand) => Promise<unknown>

/** One row of the table. */
interface Way {
  readonly name: string
  readonly bus: { readonly here: Bus; readonly there: Bus } | null
  readonly append: Append
  readonly perSecond: number[]
}

/** @param args rounds, default 3 */
export async function benchBus([rounds = '3']: readonly string[]): Promise<void> {
  console.log(`Hints between two nodes: ${appenders} appenders, ${rounds} rounds of ${roundMs} ms each way`)
  console.log(`Node ${process.version}, ${availableParallelism()} cores, load average ${loadAverage()}\n`)
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await openPostgresServer())
  const store = stack.use(await openPostgresStore({ connectionString: url }))
  const log = stack.use(createEventLog(store))
  const threads = createThreads(store)
  const principal = { kind: 'local', userId: makeId('user') } as const
  const places = await Promise.all(Array.from({ length: appenders }, () => threads.create(principal)))

  const pair = async (open: () => Promise<Bus>) => ({
    here: stack.use(await open()),
    there: stack.use(await open()),
  })
  const common = { policy: retryPolicies.development, logger: silentLogger }
  const way = (name: string, bus: Way['bus'], append: Append): Way => ({ name, bus, append, perSecond: [] })
  const ways = [
    way('no bus', null, log.append),
    way('NOTIFY', await pair(() => openPostgresBus({ connectionString: url, ...common })), log.append),
  ]
  if (findNatsServer() === null) console.log('nats-server is not installed: NATS is left out\n')
  else {
    const nats = stack.use(await openNatsServer())
    const epoch = makeId('epoch')
    ways.push(way('NATS', await pair(() => openNatsBus({ url: nats.url, epoch, ...common })), log.append))
  }
  ways.push(
    way('transactions', null, (command) => log.transact((_, append) => append(command))),
    way('NOTIFY within them', null, (command) =>
      log.transact(async (tx, append) => {
        await append(command)
        await sql`select pg_notify('bench', ${command.threadId})`.execute(tx)
      }),
    ),
  )

  const ids = places.map(({ id }) => id)
  for (let round = 0; round <= Number(rounds); round += 1)
    for (const one of ways) {
      const perSecond = await measureAppends(log, one, ids)
      // The first round warms up.
      if (round > 0) one.perSecond.push(perSecond)
    }
  const [first] = ways
  const rows: string[][] = []
  for (const { name, bus, perSecond } of ways) {
    const ratios = perSecond.map((value, round) => value / (first?.perSecond[round] ?? value))
    const hop = bus === null ? ['', '', ''] : await measureHops(bus)
    rows.push([name, count(median(perSecond)), median(ratios).toFixed(2), ...hop])
  }
  console.log(table(['bus', 'appends/s', 'ratio', 'hop p50 ms', 'p99 ms', `heard of ${hops}`], rows))
}

async function measureAppends(log: SqlEventLog, way: Way, ids: readonly ThreadId[]): Promise<number> {
  const { bus } = way
  const stop =
    bus === null
      ? () => {}
      : log.onCommit((threadId, events) => {
          const head = events.at(-1)?.seq
          if (head !== undefined) bus.here.publish({ kind: 'thread', threadId, head })
        })
  const endMs = performance.now() + roundMs
  let appended = 0
  const appender = async (threadId: ThreadId): Promise<void> => {
    const runId = makeId('run')
    while (performance.now() < endMs) {
      lastKey += 1
      await way.append({
        threadId,
        runId,
        agent: 'bench',
        events: [{ type: 'agent_thinking', data: { step: 1, text: 'x'.repeat(250) } }],
        producerKey: `bus.${lastKey}`,
        fence: null,
      })
      appended += 1
    }
  }
  await Promise.all(ids.map(appender))
  stop()
  return (appended * 1_000) / roundMs
}

/** Each hint is waited for no longer than its like can be late; one that is not heard is told as such. */
async function measureHops({ here, there }: { here: Bus; there: Bus }): Promise<string[]> {
  const threadId = makeId('thread')
  const sentAtMs: number[] = []
  const tookMs: number[] = []
  const end = there.subscribe((hint) => {
    if (hint.kind === 'thread' && hint.threadId === threadId)
      tookMs.push(performance.now() - (sentAtMs[hint.head] ?? 0))
  })
  for (let head = 0; head < hops; head += 1) {
    sentAtMs[head] = performance.now()
    here.publish({ kind: 'thread', threadId, head: position(head) })
    await sleep(hopEveryMs)
  }
  await sleep(100)
  end()
  return [median(tookMs).toFixed(2), quantile(tookMs, 0.99).toFixed(2), String(tookMs.length)]
}
