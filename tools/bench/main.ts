/** `npm run bench -- <name>`: measures, prints a table, leaves nothing behind. */
import { benchAsk } from './ask.ts'
import { benchBus } from './bus.ts'
import { benchDelivery } from './delivery.ts'
import { benchLog } from './log.ts'
import { benchPage } from './page.ts'
import { benchProve } from './prove.ts'
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
  bus: {
    about: 'what hints between nodes cost, and how long they take: NOTIFY and NATS [rounds, default 3]',
    run: benchBus,
  },
  delivery: {
    about:
      'events to many users, idle connections, replay, restart, beside Socket.IO, LangGraph JS and ws [--help]',
    run: benchDelivery,
  },
  log: { about: 'events appended per second, beside the bare statement [rounds, default 5]', run: benchLog },
  page: {
    about:
      'the page: opening a thread of 2,000 turns beside one of 50, and what a delta costs there [--help]',
    run: benchPage,
  },
  prove: {
    about: 'prove --against on an unchanged build: its false alarms [--help]',
    run: benchProve,
  },
  runs: {
    about: 'runs per second and time to their start, beside LangGraph JS, Restate and DBOS [--help]',
    run: benchRuns,
  },
}

const usage = (): string => {
  const width = Math.max(...Object.keys(benches).map(({ length }) => length))
  const lines = Object.entries(benches).map(([known, { about }]) => `  ${known.padEnd(width)}  ${about}`)
  return ['Usage: npm run bench -- <name>', '', ...lines].join('\n')
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (bench !== undefined) await bench.run(args)
else if (name === '--help') console.log(usage())
else {
  console.error(usage())
  process.exitCode = 2
}
