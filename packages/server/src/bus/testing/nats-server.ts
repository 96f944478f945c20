import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { freePort } from '../../store/testing/free-port.ts'

/** A NATS server for tests and trials, on 127.0.0.1. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string
  /** Kills it: what it had to say to anybody is lost. */
  stop(): Promise<void>
  /** Again on the same port. */
  start(): Promise<void>
}

/** null: not installed (Debian: nats-server). It stands in sbin, which is not on everybody's PATH. */
export function findNatsServer(): string | null {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin']
  return directories.map((directory) => join(directory, 'nats-server')).find(isExecutable) ?? null
}

/** Put behind a suite's name: empty, or why the suite is skipped. */
export const natsNote: string = findNatsServer() === null ? ' (needs nats-server)' : ''

/** @param flags of nats-server, such as `--user` */
export async function openNatsServer(...flags: readonly string[]): Promise<NatsServer> {
  const program = findNatsServer()
  if (program === null) throw new Error('nats-server is not installed; apt-get install nats-server')
  const port = await freePort()
  let running: ChildProcess | null = null
  const start = async (): Promise<void> => {
    const child = spawn(program, ['--addr', '127.0.0.1', '--port', String(port), ...flags], {
      stdio: 'ignore',
    })
    running = child
    const gone = Promise.withResolvers<never>()
    child.once('error', gone.reject)
    child.once('exit', (code, signal) =>
      gone.reject(new Error(`nats-server ended with ${code ?? signal} as it started`)),
    )
    await Promise.race([accepts(port), gone.promise])
    gone.promise.catch(() => {})
  }
  const stop = async (): Promise<void> => {
    const child = running
    running = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = Promise.withResolvers<void>()
    child.once('exit', () => exited.resolve())
    child.kill('SIGKILL')
    await exited.promise
  }
  await start()
  return { url: `nats://127.0.0.1:${port}`, stop, start, [Symbol.asyncDispose]: stop }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function accepts(port: number): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    if (await dial(port)) return
    if (performance.now() > deadline) throw new Error('nats-server accepts no connection')
  }
}

function dial(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => {
    socket.destroy()
    resolve(true)
  })
  socket.once('error', () => setTimeout(resolve, 10, false))
  return promise
}
