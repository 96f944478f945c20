import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  type Contender,
  holdfast,
  installPeers,
  langGraph,
  type RunningContender,
  rawWs,
  socketIo,
} from './contenders.ts'
import { canWatchMemory, treeBytes } from './process-tree.ts'
import { median, quantile, table } from './table.ts'

const help = `npm run bench -- delivery [--users 200] [--events 100] [--rounds 3] [--idle 2000] [--only NAME]
  Every user has one connection and one run of so many events, all at once; then idle connections are counted.`

interface Round {
  readonly seconds: number
  readonly latenciesMs: readonly number[]
  readonly cpuSeconds: number
}

/**
 * The same work on Holdfast, Socket.IO, the LangGraph JS server and bare `ws`, in turn and in one call: N users with a
 * connection each start a run of K events at the same moment. The client of each is its own, in this process; the
 * server is a process of its own. Rates are of receipts; latency is from the making of an event (Holdfast: from its
 * commit statement) to its receipt, on one machine's clock.
 */
export async function benchDelivery(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: { type: 'string', default: '200' },
      events: { type: 'string', default: '100' },
      rounds: { type: 'string', default: '3' },
      idle: { type: 'string', default: '2000' },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  const [users, events, rounds, idle] = [values.users, values.events, values.rounds, values.idle].map(
    Number,
  ) as [number, number, number, number]
  await installPeers()
  const contenders = [holdfast, socketIo, langGraph, rawWs].filter(({ name }) => name.includes(values.only))
  const runs = new Map<Contender, Round[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const contender of contenders) runs.get(contender)?.push(await measure(contender, users, events))

  const rate = (contender: Contender): number =>
    median((runs.get(contender) ?? []).map(({ seconds }) => (users * events) / seconds))
  const base = rate(contenders.find((each) => each === socketIo) ?? holdfast)
  console.log(`${users} users, one run of ${events} events each; medians of ${rounds} rounds\n`)
  console.log(
    table(
      ['', 'events/s', '÷ Socket.IO', 'p50 ms', 'p99 ms', 'server µs CPU/event'],
      contenders.map((contender) => {
        const all = runs.get(contender) ?? []
        const latencies = all.flatMap(({ latenciesMs }) => latenciesMs)
        const cpu = median(all.map(({ cpuSeconds }) => (cpuSeconds / (users * events)) * 1e6))
        return [
          contender.name,
          Math.round(rate(contender)).toLocaleString('en-US'),
          `${(rate(contender) / base).toFixed(2)}×`,
          quantile(latencies, 0.5).toFixed(1),
          quantile(latencies, 0.99).toFixed(1),
          cpu.toFixed(1),
        ]
      }),
    ),
  )
  console.log('\nWhat the figures come with')
  for (const { name, guarantee } of contenders) console.log(`  ${name}: ${guarantee}`)
  if (idle > 0 && canWatchMemory)
    await idleMemory(
      contenders.filter((each) => each !== langGraph),
      idle,
    )
}

async function measure(contender: Contender, users: number, events: number): Promise<Round> {
  await using server = await contender.start(users)
  const connections = await connectAll(server, users)
  const latenciesMs: number[] = []
  const cpuBefore = cpuSecondsOf(server.pid)
  const began = performance.now()
  await Promise.all(
    connections.map((connection) =>
      connection.run(events, (madeAtMs) =>
        latenciesMs.push(performance.timeOrigin + performance.now() - madeAtMs),
      ),
    ),
  )
  const seconds = (performance.now() - began) / 1000
  const cpuSeconds = cpuSecondsOf(server.pid) - cpuBefore
  if (latenciesMs.length !== users * events)
    throw new Error(`${contender.name}: ${latenciesMs.length} of ${users * events} events arrived`)
  await Promise.all(connections.map((connection) => connection.close()))
  return { seconds, latenciesMs, cpuSeconds }
}

async function idleMemory(contenders: readonly Contender[], count: number): Promise<void> {
  const rows: (string | number)[][] = []
  for (const contender of contenders) {
    await using server = await contender.start(count)
    const [first] = await connectAll(server, 1)
    const before = treeBytes(server.pid)
    const connections = await connectAll(server, count, 1)
    rows.push([contender.name, ((treeBytes(server.pid) - before) / (count - 1) / 1024).toFixed(1)])
    await Promise.all([...connections, ...(first === undefined ? [] : [first])].map((each) => each.close()))
  }
  console.log(`\n${count.toLocaleString('en-US')} idle connections`)
  console.log(table(['', 'KiB resident a connection'], rows))
}

/** A few at a time: a storm of handshakes is another measurement. */
async function connectAll(server: RunningContender, users: number, from = 0) {
  const connections = []
  for (let user = from; user < users; user += 50)
    connections.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(50, users - user) }, (_, index) => server.connect(user + index)),
      )),
    )
  return connections
}

/** User and system time of a process, Linux only; 0 elsewhere. Clock ticks are 1/100 s on every Linux Node runs on. */
function cpuSecondsOf(pid: number): number {
  if (!canWatchMemory) return 0
  // The name in parentheses may hold spaces: fields are counted after it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
