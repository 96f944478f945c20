import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Contender } from './contenders/contender.ts'
import { dbos, restate } from './contenders/durable-peers.ts'
import { holdfast } from './contenders/holdfast.ts'
import { langGraph } from './contenders/lang-graph.ts'
import { installPeers } from './contenders/peers.ts'
import { goalLine } from './goals.ts'
import { openLoad } from './load/load.ts'
import { type Measured, measure } from './measure.ts'
import { count, loadAverage, median, quantile, table } from './table.ts'

const help = `npm run bench -- runs [options]

  --concurrent 1,50,200  how many users ask for one run after the other, each on a thread of its own
  --seconds 10           how long they do
  --rounds 1             rounds; figures are medians
  --processes 2          processes that the clients are spread over
  --only NAME            contenders whose name holds this, besides the peer that ratios are of
  --profile-server DIR   CPU profiles of Holdfast's servers

The agent says one thought and one message at once, and nothing is waited for: what is measured is the server. From the
moment the submission's HTTP request begins to the receipt of agent_started, and to the receipt of the end.`

/** Of the issue this bench answers; printed beside the figures. */
const goals = { timesLangGraph: 10, startedP99Ms: 50, atConcurrent: 50 } as const
const warmUpMs = 2_000

interface Cell {
  readonly contender: Contender
  readonly concurrent: number
  readonly rounds: Measured[]
}

export async function benchRuns(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      concurrent: { type: 'string', default: '1,50,200' },
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '1' },
      processes: { type: 'string', default: '2' },
      only: { type: 'string', default: '' },
      'profile-server': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  await installPeers()
  const profileDir = values['profile-server']
  const own = [
    holdfast({ store: 'PGlite', nodes: 1, profileDir }),
    holdfast({ store: 'PostgreSQL', nodes: 1, profileDir }),
    holdfast({ store: 'PostgreSQL', nodes: 3, profileDir }),
  ]
  const peer = langGraph
  const contenders = [...own, dbos, restate, peer].filter(
    (each) => each === peer || each.name.includes(values.only),
  )
  const levels = values.concurrent.split(',').map(Number)
  const [ms, rounds, processes] = [
    Number(values.seconds) * 1000,
    Number(values.rounds),
    Number(values.processes),
  ]

  console.log(`Node ${process.version}, ${availableParallelism()} cores, load average ${loadAverage()}`)
  const cells: Cell[] = []
  for (let round = 0; round < rounds; round += 1)
    for (const concurrent of levels)
      for (const contender of contenders) {
        const known = cells.find((cell) => cell.contender === contender && cell.concurrent === concurrent)
        const cell = known ?? { contender, concurrent, rounds: [] }
        if (known === undefined) cells.push(cell)
        cell.rounds.push(await once(contender, concurrent, ms, processes))
      }

  console.log(
    `One thought and one message a run; ${values.seconds} s each; medians of ${rounds} rounds; clients in ${processes} processes\n`,
  )
  console.log(
    table(
      [
        'at a time',
        '',
        'runs/s',
        '÷ LangGraph',
        'started p50 ms',
        'p99 ms',
        'ended p50 ms',
        'p99 ms',
        'server cores',
        'busiest client',
      ],
      cells.map((cell) => {
        const of = (figure: (measured: Measured) => number): string =>
          median(cell.rounds.map(figure)).toFixed(1)
        const base = cells.find((each) => each.contender === peer && each.concurrent === cell.concurrent)
        return [
          cell.concurrent,
          cell.contender.name,
          count(rateOf(cell)),
          base === undefined ? '–' : `${(rateOf(cell) / rateOf(base)).toFixed(1)}×`,
          of(({ startedMs }) => quantile(startedMs, 0.5)),
          of(({ startedMs }) => quantile(startedMs, 0.99)),
          of(({ endedMs }) => quantile(endedMs, 0.5)),
          of(({ endedMs }) => quantile(endedMs, 0.99)),
          median(cell.rounds.map(({ serverCores }) => serverCores)).toFixed(2),
          `${of(({ loopShare }) => loopShare * 100)} %`,
        ]
      }),
    ),
  )
  console.log('\nGoals')
  for (const cell of cells)
    printGoals(
      cell,
      cells.find((each) => each.contender === peer && each.concurrent === cell.concurrent),
    )
  console.log(`Load average at the end: ${loadAverage()}`)
}

async function once(
  contender: Contender,
  concurrent: number,
  ms: number,
  processes: number,
): Promise<Measured> {
  await using server = await contender.start({ users: concurrent, concurrent })
  await using load = await openLoad({
    receiver: contender.thin,
    target: server.target,
    users: concurrent,
    processes,
  })
  // What a process compiles and loads once is not what a run costs.
  await load.order({ kind: 'loop', ms: warmUpMs })
  // Awaited here: the clients live as long as this function.
  return await measure(server, load, { kind: 'loop', ms })
}

const rateOf = (cell: Cell): number =>
  median(cell.rounds.map(({ endedMs, seconds }) => endedMs.length / seconds))

function printGoals(cell: Cell, base: Cell | undefined): void {
  const { contender, concurrent, rounds } = cell
  if (base === undefined || !contender.name.startsWith('Holdfast')) return
  const who = `${concurrent} at a time, ${contender.name}`
  const times = rateOf(cell) / rateOf(base)
  console.log(
    goalLine(
      who,
      `${times.toFixed(1)}× LangGraph's runs/s, goal ${goals.timesLangGraph}×`,
      times >= goals.timesLangGraph,
    ),
  )
  if (concurrent !== goals.atConcurrent || !contender.name.includes('PostgreSQL')) return
  const p99 = median(rounds.map(({ startedMs }) => quantile(startedMs, 0.99)))
  console.log(
    goalLine(
      who,
      `started p99 ${p99.toFixed(1)} ms, goal ${goals.startedP99Ms} ms`,
      p99 <= goals.startedP99Ms,
    ),
  )
}
