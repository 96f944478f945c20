import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { holdfast } from './contenders/holdfast.ts'
import { langGraph } from './contenders/lang-graph.ts'
import { rawWs, socketIo } from './contenders/memory-server.ts'
import { installPeers } from './contenders/peers.ts'
import { benchRate } from './delivery/rate.ts'
import { loadAverage } from './table.ts'

const help = `npm run bench -- delivery [options]

  --users 200        users, each with one connection
  --events 100       events of each user's run
  --rounds 3         rounds; figures are medians
  --processes 2      processes that the clients are spread over
  --only NAME        contenders whose name holds this, besides the peer that ratios are of
  --profile-server DIR   CPU profiles of Holdfast's server, for --only Holdfast

Latency is from the making of an event to its receipt; Holdfast's from the statement that commits it.
"thin" is a socket and a parser that checks that nothing is missing, the same for all; "its own" is the client that
the product ships. A busiest client near 100 % means that the clients were measured, not the server.`

export async function benchDelivery(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: { type: 'string', default: '200' },
      events: { type: 'string', default: '100' },
      rounds: { type: 'string', default: '3' },
      processes: { type: 'string', default: '2' },
      only: { type: 'string', default: '' },
      'profile-server': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  await installPeers()
  const own = holdfast({ store: 'PGlite', nodes: 1, profileDir: values['profile-server'] })
  const contenders = [own, socketIo, langGraph, rawWs].filter(({ name }) => name.includes(values.only))
  console.log(`Node ${process.version}, ${availableParallelism()} cores, load average ${loadAverage()}`)
  await benchRate({
    contenders,
    peer: socketIo,
    users: Number(values.users),
    events: Number(values.events),
    rounds: Number(values.rounds),
    processes: Number(values.processes),
  })
  console.log('\nWhat the figures come with')
  for (const { name, guarantee } of contenders) console.log(`  ${name}: ${guarantee}`)
  console.log(`Load average at the end: ${loadAverage()}`)
}
