import { sharedNowMs } from '../clock.ts'
import type { Contender } from '../contenders/contender.ts'
import { openLoad } from '../load/load.ts'
import { count, quantile, table } from '../table.ts'

export interface RestartOptions {
  /** Those that ship a client that comes back by itself. */
  readonly contenders: readonly Contender[]
  readonly peer: Contender
  readonly clients: number
  readonly processes: number
}

const signals = ['SIGKILL', 'SIGTERM'] as const
/** Longer than any client's longest delay between two tries. */
const withinMs = 90_000

/**
 * The server ends and starts again on the same port with what it has stored, under so many clients, each its product's
 * own with the delays it ships. Live again: Holdfast's has been told everything it lacked and that it is at the head;
 * Socket.IO's is connected, whatever it may have missed.
 */
export async function benchRestart({ contenders, peer, clients, processes }: RestartOptions): Promise<void> {
  const rows: { contender: Contender; signal: string; away: number; sinceUp: number[] }[] = []
  for (const signal of signals)
    for (const contender of contenders) rows.push(await restartOf(contender, signal, clients, processes))
  console.log(
    `\n${count(clients)} clients, each its product's own, after a restart of the server; seconds since it listens again\n`,
  )
  console.log(
    table(
      ['ended by', '', 'p50', 'p99', 'max', `max ÷ ${peer.name.split(' ')[0]}`, 'server away'],
      rows.map(({ contender, signal, away, sinceUp }) => {
        const base = rows.find((each) => each.contender === peer && each.signal === signal)
        const max = Math.max(...sinceUp)
        return [
          signal,
          contender.name,
          seconds(quantile(sinceUp, 0.5)),
          seconds(quantile(sinceUp, 0.99)),
          seconds(max),
          base === undefined ? '–' : `${(max / Math.max(...base.sinceUp)).toFixed(2)}×`,
          seconds(away),
        ]
      }),
    ),
  )
}

const seconds = (ms: number): string => (ms / 1000).toFixed(2)

async function restartOf(
  contender: Contender,
  signal: (typeof signals)[number],
  clients: number,
  processes: number,
) {
  const receiver = contender.product
  if (receiver === null) throw new Error(`${contender.name} ships no client that comes back`)
  await using server = await contender.start({ users: clients, concurrent: 1 })
  await using load = await openLoad({ receiver, target: server.target, users: clients, processes })
  const back = load.order({ kind: 'live_again', withinMs })
  back.catch(() => {})
  const endedAtMs = sharedNowMs()
  await server.restart(signal)
  const upAtMs = sharedNowMs()
  const samples = (await back).flatMap((report) => [...report.samples])
  // One that was on its way back when the server had just begun to listen may be there before the parent knows.
  return {
    contender,
    signal,
    away: upAtMs - endedAtMs,
    sinceUp: samples.map((at) => Math.max(0, at - upAtMs)),
  }
}
