import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { openPostgresServer } from '../../../packages/server/src/store/testing/postgres-server.ts'
import { collect, forkServer, freePort, pidOf, saw, stop } from './child.ts'
import type { Contender, RunningContender } from './contender.ts'
import { killedAtExit, temporaryFolder } from './leftovers.ts'
import { peersDir } from './peers.ts'

/** Durable execution as its makers ship it: a server with its own log (RocksDB, fsync on), the agent in a process beside. */
export const restate: Contender = {
  name: 'Restate 1.7',
  guarantee: 'steps in its log before they count; survives loss of power; a run tells nobody how it goes on',
  thin: 'post-run',
  product: null,
  start: startRestate,
}

/** Durable execution as a library on the same kind of PostgreSQL. */
export const dbos: Contender = {
  name: 'DBOS 5.3 (PostgreSQL)',
  guarantee: 'steps in PostgreSQL before they count; a run tells nobody how it goes on',
  thin: 'post-run',
  product: null,
  start: startDbos,
}

const once = (): Promise<never> => Promise.reject(new Error('Only runs are measured of this peer'))

async function startDbos(): Promise<RunningContender> {
  await using opened = new AsyncDisposableStack()
  const postgres = opened.use(await openPostgresServer())
  const port = await freePort()
  const child = forkServer(join(peersDir, 'dbos-agent.ts'), [String(port), postgres.url])
  opened.defer(() => stop(child))
  await saw(child, /listening/)
  const owned = opened.move()
  return {
    pids: [pidOf(child)],
    target: { urls: [`http://127.0.0.1:${port}`], tokens: [] },
    collect: () => collect(child),
    restart: once,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startRestate(): Promise<RunningContender> {
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await temporaryFolder())
  const [agentPort, fabricPort, ingressPort, adminPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const agent = forkServer(join(peersDir, 'restate-agent.ts'), [String(agentPort)])
  opened.defer(() => stop(agent))
  await saw(agent, /listening/)

  const config = join(folder, 'restate.toml')
  await writeFile(
    config,
    `bind-ip = "127.0.0.1"
bind-port = ${fabricPort}
listen-mode = "tcp"
base-dir = ${JSON.stringify(join(folder, 'data'))}
node-name = "bench"
disable-telemetry = true
log-filter = "error"
[ingress]
bind-port = ${ingressPort}
[admin]
bind-port = ${adminPort}
disable-web-ui = true
`,
  )
  const server = spawn(restateBinary(), ['--config-file', config, '--no-logo'], {
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const kill = killedAtExit(pidOf(server))
  opened.defer(async () => {
    kill()
    await stop(server)
  })
  await answers(`http://127.0.0.1:${adminPort}/health`, server)
  await answers(`http://127.0.0.1:${ingressPort}/restate/health`, server)
  const registered = await fetch(`http://127.0.0.1:${adminPort}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${agentPort}` }),
  })
  if (!registered.ok) throw new Error(`Restate took no deployment: ${await registered.text()}`)
  const owned = opened.move()
  return {
    pids: [pidOf(server), pidOf(agent)],
    target: { urls: [`http://127.0.0.1:${ingressPort}`], tokens: [] },
    collect: async () => 0,
    restart: once,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The package's own launcher is a Node process around it that a SIGKILL would leave an orphan of. */
function restateBinary(): string {
  const launcher = createRequire(join(peersDir, 'package.json')).resolve(
    '@restatedev/restate-server/package.json',
  )
  const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`
  return join(createRequire(launcher).resolve(`${platform}/package.json`), '../bin/restate-server')
}

/** A server of which nothing but its port tells that it has begun. */
async function answers(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null)
      throw new Error(`the server ended with ${server.exitCode} before ${url} answered`)
    try {
      if ((await fetch(url)).ok) return
    } catch {
      // Not listening yet.
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, 50)
    await promise
  }
}
