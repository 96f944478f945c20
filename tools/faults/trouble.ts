/**
 * What is done to processes. Each server has a lane of deeds, one after the other and evenly over the time there is;
 * lanes run side by side, so that several servers mean more trouble in the same time and also several at once. Where
 * what is watched is how one server takes over from another, there is one lane for all.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsServer } from '../../packages/server/src/bus/testing/nats-server.ts'
import type { PostgresServer } from '../../packages/server/src/store/testing/postgres-server.ts'
import type { ServerDeed } from './excuses.ts'
import { type Moment, moments } from './moments.ts'
import type { Node, Restart, Restartable } from './nemesis.ts'
import type { Numbers } from './plan.ts'
import type { Random } from './random.ts'

type Ended = Restart & { readonly signal: 'SIGKILL' | 'SIGTERM' }

export interface Troubled {
  readonly nodes: readonly Node[]
  /** null: not ours to stop, or not there. */
  readonly database: Pick<PostgresServer, 'stop' | 'start'> | null
  readonly bus: Pick<NatsServer, 'stop' | 'start'> | null
  /** Processes of clients. */
  readonly groups: readonly Restartable[]
  /** Whether every client has a connection. */
  readonly complete: () => boolean
}

/** Between two looks whether everybody is back. */
const lookMs = 100

export interface Trouble {
  readonly planned: number
  readonly done: number
  /** Server restarts that are over, by the signal that began them. */
  readonly restarts: readonly Ended[]
  readonly stops: number
  readonly clientKills: number
  /** Servers that died at exactly the moment that was meant, of how many. */
  readonly exact: Readonly<Record<Moment, number>>
  readonly databaseOutages: number
  readonly busOutages: number
  /** What was done to which server, and when. */
  readonly deeds: readonly ServerDeed[]
  /** Every deed of the plan, over `overMs` or what it takes; cut short by `signal`. */
  run(overMs: number, signal: AbortSignal): Promise<void>
}

type Deed = (node: Node) => Promise<void>

export function createTrouble(
  { nodes, groups, complete, database, bus }: Troubled,
  numbers: Numbers,
  random: Random,
): Trouble {
  const restarts: Ended[] = []
  const deeds: ServerDeed[] = []
  const busyGroups = new Set<Restartable>()
  let done = 0
  let stops = 0
  let clientKills = 0
  const exact: Record<Moment, number> = { tool: 0, effect: 0, model: 0, hint: 0 }
  let databaseOutages = 0
  let busOutages = 0

  const noted = async (
    deed: ServerDeed['deed'],
    { port }: { readonly port: number | null },
    act: () => Promise<void>,
  ): Promise<void> => {
    const fromMs = Date.now()
    await act()
    deeds.push({ deed, port, fromMs, untilMs: Date.now() })
  }
  const restart =
    (signal: 'SIGKILL' | 'SIGTERM'): Deed =>
    (node) =>
      noted(signal, node, async () => void restarts.push({ signal, ...(await node.restart(signal)) }))
  const freeze: Deed = (node) =>
    noted('SIGSTOP', node, async () => {
      await node.freeze(numbers['stop-seconds'] * 1_000)
      stops += 1
    })
  /** Every second time the server is another life too when the clients come back with their cursors. */
  const killClients: Deed = async (node) => {
    const group = random.pick(groups.filter((one) => !busyGroups.has(one)))
    busyGroups.add(group)
    await group.end('SIGKILL')
    clientKills += 1
    if (clientKills % 2 === 0) await restart('SIGKILL')(node)
    group.start()
    busyGroups.delete(group)
  }
  const die =
    (moment: Moment): Deed =>
    (node) =>
      noted('SIGKILL', node, async () => {
        const { exact: isExact, ...restarted } = await node.dieAt(moment)
        restarts.push({ signal: 'SIGKILL', ...restarted })
        if (isExact) exact[moment] += 1
      })
  const outage = (): Promise<void> => sleep(numbers['outage-seconds'] * 1_000)
  const stopDatabase: Deed = () =>
    noted('away', { port: null }, async () => {
      if (database === null) throw new Error('There is no database of our own to stop')
      await database.stop(databaseOutages % 2 === 0 ? 'fast' : 'immediate')
      await outage()
      await database.start()
      databaseOutages += 1
    })
  // No excuse for anybody: behind each hint there is a poll (B1).
  const stopBus: Deed = async () => {
    if (bus === null) throw new Error('There is no bus of our own to stop')
    await bus.stop()
    await outage()
    await bus.start()
    busOutages += 1
  }
  const times = (count: number, deed: Deed): Deed[] => Array.from({ length: count }, () => deed)
  const all = random.shuffle([
    ...times(numbers.kills, restart('SIGKILL')),
    ...times(numbers.terms, restart('SIGTERM')),
    ...times(numbers.stops, freeze),
    ...times(numbers['client-kills'], killClients),
    ...moments.flatMap((moment) => times(numbers[`${moment}-kills`], die(moment))),
    ...times(numbers['database-outages'], stopDatabase),
    ...times(numbers['bus-outages'], stopBus),
  ])

  /** Deeds that fall behind must not follow each other so fast that nobody is ever connected. */
  const rest = async (signal: AbortSignal): Promise<void> => {
    const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {})
    await pause(numbers['rest-seconds'] * 1_000)
    const untilMs = performance.now() + numbers['wait-seconds'] * 1_000
    while (!complete() && performance.now() < untilMs && !signal.aborted) await pause(lookMs)
  }
  const runLane = async (
    nextNode: () => Node,
    lane: readonly Deed[],
    offset: number,
    overMs: number,
    signal: AbortSignal,
  ): Promise<void> => {
    const beganMs = performance.now()
    for (const [index, deed] of lane.entries()) {
      const earlyMs = (overMs * (index + offset)) / lane.length - (performance.now() - beganMs)
      if (earlyMs > 1) await sleep(earlyMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      await deed(nextNode())
      done += 1
      await rest(signal)
    }
  }
  return {
    planned: all.length,
    restarts,
    deeds,
    get done() {
      return done
    },
    get stops() {
      return stops
    },
    get clientKills() {
      return clientKills
    },
    exact,
    get databaseOutages() {
      return databaseOutages
    },
    get busOutages() {
      return busOutages
    },
    async run(overMs, signal) {
      if (numbers.serial > 0) return runLane(() => random.pick(nodes), all, 0.5, overMs, signal)
      await Promise.all(
        nodes.map((node, lane) => {
          const own = all.filter((_, index) => index % nodes.length === lane)
          return runLane(() => node, own, (lane + 0.5) / nodes.length, overMs, signal)
        }),
      )
    },
  }
}
