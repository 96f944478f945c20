import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { holdfast } from './contenders/holdfast.ts'
import { langGraph } from './contenders/lang-graph.ts'
import { rawWs, socketIo } from './contenders/memory-server.ts'
import { installPeers } from './contenders/peers.ts'
import { benchIdle } from './delivery/idle.ts'
import { benchRate } from './delivery/rate.ts'
import { benchReplay } from './delivery/replay.ts'
import { benchRestart } from './delivery/restart.ts'
import { loadAverage } from './table.ts'

const parts = ['rate', 'idle', 'replay', 'restart'] as const

const help = `npm run bench -- delivery [options]

  --part ${parts.join(',')}   which of them, in this order; default all
  --only NAME              contenders whose name holds this, and Socket.IO, which ratios are of
  --rounds 3               rounds of rate, times of replay; figures are medians
  --processes 2            processes that the clients of rate and restart are spread over
  --profile-server DIR     CPU profiles of Holdfast's servers

rate     events to many users at once, and how long each takes
  --users 200              each with one connection and one run
  --events 100             events of a run
idle     resident memory of the server a connection
  --idle 5000              connections
replay   one client that lacks many events
  --replay 10000           events
restart  clients that come back by themselves
  --clients 2000           clients

Latency is from the making of an event to its receipt; Holdfast's from the statement that commits it. "thin" is a
socket and a parser that checks that nothing is missing, the same for all; "its own" is the client that the product
ships. A busiest client near 100 % means that the clients were measured, not the server.`

export async function benchDelivery(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      part: { type: 'string', default: parts.join(',') },
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      processes: { type: 'string', default: '2' },
      users: { type: 'string', default: '200' },
      events: { type: 'string', default: '100' },
      idle: { type: 'string', default: '5000' },
      replay: { type: 'string', default: '10000' },
      clients: { type: 'string', default: '2000' },
      'profile-server': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  const wanted = values.part.split(',')
  const unknown = wanted.find((part) => !(parts as readonly string[]).includes(part))
  if (unknown !== undefined) throw new Error(`There is no part ${unknown}; there are ${parts.join(', ')}`)
  await installPeers()

  const profileDir = values['profile-server']
  const own = holdfast({ store: 'PGlite', nodes: 1, profileDir })
  const onPostgres = holdfast({ store: 'PostgreSQL', nodes: 1, profileDir })
  const peer = socketIo
  const contenders = [own, onPostgres, peer, langGraph, rawWs].filter(
    (each) => each === peer || each.name.includes(values.only),
  )
  const [rounds, processes] = [Number(values.rounds), Number(values.processes)]
  console.log(`Node ${process.version}, ${availableParallelism()} cores, load average ${loadAverage()}`)
  if (wanted.includes('rate'))
    await benchRate({
      contenders,
      peer,
      slowPeer: langGraph,
      users: Number(values.users),
      events: Number(values.events),
      rounds,
      processes,
    })
  if (wanted.includes('idle'))
    await benchIdle({
      // A LangGraph client holds a connection for a run only.
      contenders: contenders.filter((each) => each !== langGraph),
      peer,
      connections: Number(values.idle),
    })
  if (wanted.includes('replay'))
    await benchReplay({ contenders, peer, events: Number(values.replay), rounds })
  if (wanted.includes('restart'))
    await benchRestart({
      contenders: contenders.filter(({ product }) => product !== null),
      peer,
      clients: Number(values.clients),
      processes,
    })
  console.log('\nWhat the figures come with')
  for (const { name, guarantee } of contenders) console.log(`  ${name}: ${guarantee}`)
  console.log(`Load average at the end: ${loadAverage()}`)
}
