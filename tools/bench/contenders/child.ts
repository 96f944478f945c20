import { type ChildProcess, fork } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const collectOnMessage = fileURLToPath(new URL('./collect-on-message.ts', import.meta.url))

export interface ForkOptions {
  /** A CPU profile of the process is written here when it ends. */
  readonly profileDir?: string | undefined
  /** Of Node. */
  readonly flags?: readonly string[]
  /** Besides this process's own. */
  readonly env?: Readonly<Record<string, string>>
}

/** A Node process of this Node that can be told to collect its garbage. */
export function forkServer(
  path: string,
  args: readonly string[],
  { profileDir, flags = [], env }: ForkOptions = {},
): ChildProcess {
  return fork(path, [...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
    execArgv: [
      ...flags,
      '--expose-gc',
      `--import=${collectOnMessage}`,
      ...(profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]),
    ],
  })
}

/** @returns bytes of its JavaScript heap that are in use */
export async function collect(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const heard = (message: unknown): void => {
    if (typeof message === 'object' && message !== null && 'heapUsed' in message)
      resolve(Number(message.heapUsed))
  }
  child.on('message', heard)
  child.send('collect')
  const heapUsed = await promise
  child.off('message', heard)
  return heapUsed
}

/** Resolves with what the pattern finds in its output. */
export async function saw(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
  let text = ''
  const read = (chunk: Buffer): void => {
    text += chunk.toString('utf8')
    const match = pattern.exec(text)
    if (match === null) return
    child.stdout?.off('data', read)
    // Read to the end, or the pipe fills and it waits for its own log.
    child.stdout?.resume()
    resolve(match)
  }
  child.stdout?.on('data', read)
  child.once('exit', (code) => reject(new Error(`ended with ${code} before ${pattern}: ${text}`)))
  child.once('error', reject)
  return promise
}

export const pidOf = (child: ChildProcess): number => child.pid ?? fail('the process did not start')

/** Resolves when it is gone. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.kill(signal)
  await promise
}

export function fail(message: string): never {
  throw new Error(message)
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  const listening = Promise.withResolvers<void>()
  probe.listen(0, '127.0.0.1', () => listening.resolve())
  await listening.promise
  const address = probe.address()
  const closed = Promise.withResolvers<void>()
  probe.close(() => closed.resolve())
  await closed.promise
  return address === null || typeof address === 'string' ? fail('a TCP server has a port') : address.port
}
