/**
 * A server process of a campaign: the house as compose.ts puts it together, with many users and the numbers agent.
 * Argument: the path of a ServerOrder as JSON. Sends `{url}` to its parent when it is ready; ends with its parent.
 */
import { readFile } from 'node:fs/promises'
import { recordExecution } from './executions.ts'
import { createMangledBus } from './mangled-bus.ts'
import { createMoments, type Moment } from './moments.ts'
import { life, numbersParts } from './numbers-agent.ts'
import { plant } from './planted/plant.ts'
import { createTestAuthenticator, type TestUser } from './users.ts'

export interface ServerOrder {
  readonly dataDir: string
  /** null: PGlite in the data directory. */
  readonly databaseUrl: string | null
  readonly port: number
  readonly users: readonly TestUser[]
  /** What carries hints; default: what the house chooses. */
  readonly bus?: 'postgres' | 'nats'
  readonly natsUrl?: string
  /** Of hints, so many are dropped, doubled and overtaken each; default 0. */
  readonly hintPercent?: number
  /** Where tools say that they were run; default: nowhere. */
  readonly executionsPath?: string
  /** Name of a planted bug; null: the server as it is. */
  readonly planted: string | null
}

const [orderPath = ''] = process.argv.slice(2)
const order = JSON.parse(await readFile(orderPath, 'utf8')) as ServerOrder
// Before the house is loaded: a bug is planted into a module as it loads.
if (order.planted !== null) plant(order.planted)
const { createLogger, readSettings, startServer } = await import('../../packages/server/src/start.ts')

const moments = createMoments()
const { executionsPath, hintPercent = 0 } = order
const server = await startServer({
  settings: readSettings({
    HOLDFAST_ENV: 'test',
    HOLDFAST_DATA_DIR: order.dataDir,
    HOLDFAST_PORT: String(order.port),
    ...(order.databaseUrl === null ? {} : { HOLDFAST_DATABASE_URL: order.databaseUrl }),
    ...(order.bus === undefined ? {} : { HOLDFAST_BUS: order.bus }),
    ...(order.natsUrl === undefined ? {} : { HOLDFAST_NATS_URL: order.natsUrl }),
  }),
  logger: createLogger({ level: 'warn', format: 'line' }),
  advertise: false,
  parts: {
    authenticator: createTestAuthenticator(order.users),
    aroundBus: (bus) =>
      createMangledBus(bus, {
        percent: hintPercent,
        random: Math.random,
        onPublish(hint) {
          if (hint.kind === 'thread') moments.reached('hint')
        },
      }),
    ...numbersParts({
      onMoment: moments.reached,
      ...(executionsPath !== undefined && {
        onExecution: (execution) => recordExecution(executionsPath, { ...execution, life, atMs: Date.now() }),
      }),
    }),
  },
})

let ending = false
const end = (): void => {
  if (ending) return
  ending = true
  server.close().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
}
process.once('SIGTERM', end)
process.on('message', ({ dieAt }: { readonly dieAt: Moment }) => moments.dieAt(dieAt))
process.once('disconnect', () => process.exit(1))
process.send?.({ url: server.url })
