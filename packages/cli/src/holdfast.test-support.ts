import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '@holdfast/server/start'
import type { Context } from './context.ts'
import { execute } from './execute.ts'
import { createStatus, type Output } from './terminal.ts'

export const launcher = join(import.meta.dirname, '../bin/holdfast.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running extends AsyncDisposable {
  readonly child: ChildProcess
  /** Resolves when standard output holds `pattern`; rejects when the process ends before. */
  saw(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Default: none. */
  readonly stdin?: string
  /** Put before the launcher, for Node itself. */
  readonly nodeArgs?: readonly string[]
}

/** The environment without any setting of whoever runs the tests. */
function cleanEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** The command as a process of its own, its output collected. Disposing ends it. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), launcher, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  // A command that does not read it may be gone before it is written.
  child.stdin.on('error', () => {}).end(options.stdin)
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const watcher of watchers) watcher()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    child,
    ended,
    saw: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stdout)
          if (match === null) return
          watchers.delete(look)
          resolve(match)
        }
        watchers.add(look)
        look()
        void ended.then((end) => reject(new Error(`ended before ${pattern}: ${JSON.stringify(end)}`)))
      }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

export const run = (args: readonly string[], options?: RunOptions): Promise<Ended> =>
  start(args, options).ended

/** A directory that is gone at the end of the test. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** The command within this process, for what it says before it starts anything: no process to wait for. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onStop: Context['onStop'] = () => () => undefined,
  stdin = '',
): Promise<Pick<Ended, 'code' | 'stdout' | 'stderr'>> {
  const texts = { stdout: '', stderr: '' }
  const collect = (name: keyof typeof texts): Output => ({
    isTerminal: false,
    isClosed: () => false,
    write: async (text) => {
      texts[name] += text
    },
  })
  const stderr = collect('stderr')
  const code = await execute(args, {
    stdout: collect('stdout'),
    stderr,
    status: createStatus(stderr),
    stdin: async () => stdin,
    settings: () => readSettings(env),
    onStop,
  })
  return { code, ...texts }
}

/** A port that nothing listens on: the kernel gave it a moment ago and does not give it again so soon. */
export async function freePort(): Promise<number> {
  const { port, close } = await takePort()
  await close()
  return port
}

/** A port that something listens on, until `close`. */
export async function takePort(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
