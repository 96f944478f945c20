import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPostgresServer } from '../../../packages/server/src/store/testing/postgres-server.ts'
import type { ServerOrder } from '../../faults/server.ts'
import { makeUsers, type TestUser } from '../../faults/users.ts'
import { postJson } from '../load/post-json.ts'
import { collect, forkServer, freePort, pidOf, stop } from './child.ts'
import type { Contender, RunningContender, StartOptions, Target } from './contender.ts'
import { temporaryFolder } from './leftovers.ts'

export interface HoldfastOptions {
  /** PGlite: one process with its database inside. */
  readonly store: 'PGlite' | 'PostgreSQL'
  readonly nodes: number
  /** CPU profiles of the servers are written here when they end. */
  readonly profileDir?: string | undefined
}

/** Compiled modules are kept, as the command `holdfast` keeps them: a restart pays for nothing that its does not. */
const compileCache = fileURLToPath(new URL('../../../node_modules/.cache/holdfast', import.meta.url))
const server = fileURLToPath(new URL('../../faults/server.ts', import.meta.url))

/** The house as compose.ts puts it together, with many users and an agent that tells numbers; see tools/faults. */
export function holdfast(options: HoldfastOptions): Contender {
  const nodes = options.nodes === 1 ? '' : `, ${options.nodes} nodes`
  return {
    name: `Holdfast (${options.store}${nodes})`,
    guarantee:
      options.store === 'PGlite'
        ? 'in the log before it is sent; any cursor, any age; survives kill -9'
        : 'in the log before it is sent; any cursor, any age; survives loss of power',
    thin: 'holdfast-thin',
    product: 'holdfast-client',
    start: (start) => startHoldfast(options, start),
    prepareIdle: prepareThreads,
  }
}

async function startHoldfast(
  { store, nodes, profileDir }: HoldfastOptions,
  { users }: StartOptions,
): Promise<RunningContender> {
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await temporaryFolder())
  const postgres = store === 'PostgreSQL' ? opened.use(await openPostgresServer()) : null
  const known = makeUsers(users)
  const running: Node[] = []
  opened.defer(async () => {
    // A profile is written by a process that ends by itself.
    for (const { child } of running) await stop(child, profileDir === undefined ? 'SIGKILL' : 'SIGTERM')
  })
  for (let index = 0; index < nodes; index += 1) {
    const order = {
      dataDir: join(folder, nodes === 1 || postgres !== null ? 'data' : `data-${index}`),
      databaseUrl: postgres?.url ?? null,
      port: await freePort(),
      users: known,
      planted: null,
    }
    const orderPath = join(folder, `order-${index}.json`)
    await writeFile(orderPath, JSON.stringify(order satisfies ServerOrder))
    running.push({ child: await startNode(orderPath, profileDir), orderPath, port: order.port })
  }
  const owned = opened.move()
  return {
    get pids() {
      return running.map(({ child }) => pidOf(child))
    },
    target: targetOf(running, known),
    async collect() {
      let heapUsed = 0
      for (const { child } of running) heapUsed += await collect(child)
      return heapUsed
    },
    async restart(signal) {
      await Promise.all(running.map(({ child }) => stop(child, signal)))
      for (const node of running) node.child = await startNode(node.orderPath, profileDir)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A thread a user, and then another process: what made the threads is not what holds the connections. */
async function prepareThreads(server: RunningContender): Promise<Target> {
  const { target } = server
  const [url = ''] = target.urls
  const threads: string[] = []
  for (let from = 0; from < target.tokens.length; from += atOnce)
    threads.push(
      ...(await Promise.all(
        target.tokens.slice(from, from + atOnce).map(async (token) => {
          const { id } = (await postJson(`${url}/v1/threads`, {}, token)) as { id: string }
          return id
        }),
      )),
    )
  await server.restart('SIGTERM')
  return { ...target, threads }
}

const atOnce = 50

interface Node {
  child: ChildProcess
  readonly orderPath: string
  readonly port: number
}

const targetOf = (nodes: readonly Node[], users: readonly TestUser[]): Target => ({
  urls: nodes.map(({ port }) => `http://127.0.0.1:${port}`),
  tokens: users.map(({ token }) => token),
})

/** What `npm start` gives to Node: the server is measured as it is started. */
async function startFlags(): Promise<readonly string[]> {
  const manifest = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { scripts } = JSON.parse(manifest) as { readonly scripts: { readonly start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

async function startNode(orderPath: string, profileDir: string | undefined): Promise<ChildProcess> {
  const child = forkServer(server, [orderPath], {
    profileDir,
    flags: await startFlags(),
    env: { NODE_COMPILE_CACHE: compileCache },
  })
  child.stdout?.pipe(process.stderr)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('message', () => resolve())
  child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)))
  await promise
  return child
}
