import type { Contender } from '../contenders/contender.ts'
import { goalLine } from '../goals.ts'
import { openLoad } from '../load/load.ts'
import type { ReceiverName } from '../load/receiver.ts'
import { type Measured, measure } from '../measure.ts'
import { count, median, quantile, table } from '../table.ts'

export interface RateOptions {
  readonly contenders: readonly Contender[]
  /** Every rate is told as a ratio to this one's, with the same kind of client. */
  readonly peer: Contender
  /** The other peer of the goals. */
  readonly slowPeer: Contender
  readonly users: number
  readonly events: number
  readonly rounds: number
  readonly processes: number
}

/** Of the issue this bench answers; printed beside the figures. */
const goals = { timesPeer: 1, timesSlowPeer: 20, timesPeerP99: 2 } as const

interface Entry {
  readonly contender: Contender
  readonly receiver: ReceiverName
  readonly client: 'thin' | 'its own'
  readonly rounds: Measured[]
}

/**
 * Every user has one connection and asks for one run of so many events, all at the same moment. The contenders take
 * turns, so that what the machine does besides hits all of them; each turn is a server of its own.
 */
export async function benchRate(options: RateOptions): Promise<void> {
  const { contenders, peer, slowPeer, users, events, rounds, processes } = options
  const entries = contenders.flatMap((contender): Entry[] => [
    { contender, receiver: contender.thin, client: 'thin', rounds: [] },
    ...(contender.product === null
      ? []
      : [{ contender, receiver: contender.product, client: 'its own' as const, rounds: [] }]),
  ])
  for (let round = 0; round < rounds; round += 1)
    for (const { contender, receiver, rounds: all } of entries) {
      await using server = await contender.start({ users, concurrent: users })
      await using load = await openLoad({ receiver, target: server.target, users, processes })
      // One event each first: what a process compiles and loads once is not what an event costs.
      await load.order({ kind: 'burst', events: 1 })
      all.push(await measure(server, load, { kind: 'burst', events }))
    }

  const rate = (entry: Entry | undefined): number =>
    median((entry?.rounds ?? []).map(({ seconds }) => (users * events) / seconds))
  const latency = ({ rounds: all }: Entry, part: number): number =>
    median(all.map(({ samples }) => quantile(samples, part)))
  console.log(
    `${count(users)} users, one run of ${count(events)} events each; medians of ${rounds} rounds; clients in ${processes} processes\n`,
  )
  console.log(
    table(
      [
        '',
        'client',
        'events/s',
        `÷ ${peer.name.split(' ')[0]}`,
        'p50 ms',
        'p99 ms',
        'B/event',
        'server µs/event',
        'server cores',
        'client cores',
        'busiest client',
      ],
      entries.map((entry) => {
        const { contender, client, rounds: all } = entry
        const of = (figure: (measured: Measured) => number): number => median(all.map(figure))
        const base = entries.find((each) => each.contender === peer && each.client === client)
        return [
          contender.name,
          client,
          count(rate(entry)),
          base === undefined ? '–' : `${(rate(entry) / rate(base)).toFixed(2)}×`,
          latency(entry, 0.5).toFixed(1),
          latency(entry, 0.99).toFixed(1),
          of(({ bytes }) => bytes / users / events).toFixed(0),
          of(({ serverCpuSeconds }) => (serverCpuSeconds / users / events) * 1e6).toFixed(1),
          of(({ serverCores }) => serverCores).toFixed(2),
          of(({ cores }) => cores).toFixed(2),
          `${of(({ loopShare }) => loopShare * 100).toFixed(0)} %`,
        ]
      }),
    ),
  )

  console.log('\nGoals, for clients of the same kind')
  for (const entry of entries.filter(({ contender }) => contender.name.startsWith('Holdfast'))) {
    const who = `${entry.contender.name}, ${entry.client} client`
    const peerEntry = entries.find((each) => each.contender === peer && each.client === entry.client)
    const slow = entries.find((each) => each.contender === slowPeer)
    const timesOf = (other: Entry): number => rate(entry) / rate(other)
    if (peerEntry !== undefined) {
      const times = timesOf(peerEntry)
      console.log(
        goalLine(
          who,
          `${times.toFixed(2)}× Socket.IO's events/s, goal ${goals.timesPeer}×`,
          times >= goals.timesPeer,
        ),
      )
      const ratio = latency(entry, 0.99) / latency(peerEntry, 0.99)
      console.log(
        goalLine(
          who,
          `${ratio.toFixed(2)}× Socket.IO's p99, goal at most ${goals.timesPeerP99}×`,
          ratio <= goals.timesPeerP99,
        ),
      )
    }
    if (slow !== undefined) {
      const times = timesOf(slow)
      console.log(
        goalLine(
          who,
          `${times.toFixed(1)}× LangGraph's events/s, goal ${goals.timesSlowPeer}×`,
          times >= goals.timesSlowPeer,
        ),
      )
    }
  }
}
