/** `npm run bench -- <name>`: measures, prints a table, leaves nothing behind. */
import { benchAsk } from './ask.ts'
import { benchDelivery } from './delivery.ts'
import { benchLog } from './log.ts'
import { benchRuns } from './runs.ts'

interface Bench {
  readonly about: string
  readonly run: (args: readonly string[]) => Promise<void>
}

const benches: Readonly<Record<string, Bench>> = {
  ask: {
    about: 'ask on a generated CSV, beside DuckDB alone [rows, default 1400000] [rounds, default 3]',
    run: benchAsk,
  },
  delivery: {
    about: 'events to many users, beside Socket.IO, LangGraph JS and bare ws [--help]',
    run: benchDelivery,
  },
  log: { about: 'events appended per second, beside the bare statement [rounds, default 5]', run: benchLog },
  runs: {
    about: 'runs per second and time to their start, beside LangGraph JS [--help]',
    run: benchRuns,
  },
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  const width = Math.max(...Object.keys(benches).map(({ length }) => length))
  console.error('Usage: npm run bench -- <name>\n')
  for (const [known, { about }] of Object.entries(benches))
    console.error(`  ${known.padEnd(width)}  ${about}`)
  process.exitCode = 2
} else await bench.run(args)
