import type { Contender } from '../contenders/contender.ts'
import { openLoad } from '../load/load.ts'
import type { ReceiverName } from '../load/receiver.ts'
import { measure } from '../measure.ts'
import { count, median, table } from '../table.ts'

export interface ReplayOptions {
  readonly contenders: readonly Contender[]
  readonly peer: Contender
  readonly events: number
  readonly rounds: number
}

/** Of the issue this bench answers; printed beside the figures. */
const goalMs = 300

/** One client that has nothing, or was away, until it has so many events: from the beginning of its connection. */
export async function benchReplay({ contenders, peer, events, rounds }: ReplayOptions): Promise<void> {
  const found: { readonly contender: Contender; readonly client: string; readonly ms: readonly number[] }[] =
    []
  for (const contender of contenders) {
    found.push({ contender, client: 'thin', ms: await replays(contender, contender.thin, events, rounds) })
    if (contender.product !== null)
      found.push({
        contender,
        client: 'its own',
        ms: await replays(contender, contender.product, events, rounds),
      })
  }
  const base = (client: string): number =>
    median(found.find((each) => each.contender === peer && each.client === client)?.ms ?? [])
  console.log(
    `\nOne client that lacks ${count(events)} events; medians of ${rounds} times (goal ${goalMs} ms)\n`,
  )
  console.log(
    table(
      ['', 'client', 'ms', `÷ ${peer.name.split(' ')[0]}`],
      found.map(({ contender, client, ms }) =>
        ms.length === 0
          ? [contender.name, client, 'no such thing', '–']
          : [
              contender.name,
              client,
              median(ms).toFixed(0),
              base(client) === 0 ? '–' : `${(median(ms) / base(client)).toFixed(2)}×`,
            ],
      ),
    ),
  )
}

async function replays(
  contender: Contender,
  receiver: ReceiverName,
  events: number,
  rounds: number,
): Promise<readonly number[]> {
  await using server = await contender.start({ users: 1, concurrent: 1 })
  const all: number[] = []
  // The log outlives its readers; what is kept for one absence is made anew for each.
  await using load = await openLoad({ receiver, target: server.target, users: 1, processes: 1 })
  await load.order({ kind: 'burst', events })
  for (let round = 0; round < rounds; round += 1) {
    const { samples } = await measure(server, load, { kind: 'replay', events })
    all.push(...samples)
  }
  return all
}
