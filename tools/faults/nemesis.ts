/** Server and client processes that are killed, stopped and ended on purpose, and always started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Moment } from './moments.ts'
import type { ServerOrder } from './server.ts'

/** Longer than any start should take, so that a campaign ends though a server does not start. */
const startWithinMs = 60_000
/** For a server to come to the moment at which it shall die. */
const momentWithinMs = 10_000
/** What a server promises of SIGTERM; what takes longer is killed and reported. */
const endWithinMs = 8_000

export interface ProcessOptions {
  readonly name: string
  /** Where the order and the output go. */
  readonly directory: string
  readonly script: 'server.ts' | 'clients.ts'
  readonly order: object
  readonly onMessage: (message: unknown) => void
}

/** A process that can be ended in any way and started again with the same order. */
export interface Restartable extends AsyncDisposable {
  readonly running: boolean
  start(): void
  /** Sends the signal and resolves with the exit code, null after a signal, once the process is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
  /** SIGSTOP, and SIGCONT after so long. */
  freeze(ms: number): Promise<void>
  /** Tells it something after which it will kill itself; false: it did not, and was killed. */
  poison(message: object, withinMs: number): Promise<boolean>
  /** Asks it, in its own words, to end, and waits. */
  dismiss(): Promise<void>
  /** Exits that nobody asked for. */
  readonly crashes: number
}

export function createProcess({ name, directory, script, order, onMessage }: ProcessOptions): Restartable {
  const orderPath = join(directory, `${name}.json`)
  writeFileSync(orderPath, JSON.stringify(order), { mode: 0o600 })
  const output = openSync(join(directory, `${name}.log`), 'a')
  let child: ChildProcess | null = null
  let gone: Promise<number | null> = Promise.resolve(null)
  let asked = false
  let crashes = 0

  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    asked = true
    child?.kill(signal)
    return gone
  }
  return {
    get running() {
      return child !== null
    },
    get crashes() {
      return crashes
    },
    start() {
      if (child !== null) throw new Error(`${name} is running`)
      asked = false
      const started = spawn(
        process.execPath,
        [fileURLToPath(new URL(`./${script}`, import.meta.url)), orderPath],
        { stdio: ['ignore', output, output, 'ipc'] },
      )
      child = started
      started.on('message', onMessage)
      const exit = Promise.withResolvers<number | null>()
      started.on('error', exit.reject)
      started.once('exit', (code) => {
        child = null
        if (!asked) crashes += 1
        exit.resolve(code)
      })
      gone = exit.promise
    },
    end,
    async freeze(ms) {
      const frozen = child
      if (frozen === null) return
      frozen.kill('SIGSTOP')
      await sleep(ms)
      // To this process only: another one may have been started meanwhile.
      frozen.kill('SIGCONT')
    },
    async poison(message, withinMs) {
      asked = true
      child?.send(message)
      const late = new AbortController()
      const inTime = await Promise.race([
        gone.then(() => true),
        sleep(withinMs, false, { signal: late.signal }),
      ])
      late.abort()
      if (!inTime) await end('SIGKILL')
      return inTime
    },
    async dismiss() {
      asked = true
      child?.send('end')
      await gone
    },
    async [Symbol.asyncDispose]() {
      if (child !== null) await end('SIGKILL')
    },
  }
}

/** A server of the campaign, on one port and one data directory for all its lives. */
export interface Node extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly ready: boolean
  readonly frozen: boolean
  readonly crashes: number
  /** Starts it and resolves when it serves. */
  start(): Promise<void>
  /** Ends it and has it serve again. Resolves with how long it took to be gone and to be back. */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<Restart>
  freeze(ms: number): Promise<void>
  /** SIGKILL at exactly that moment, and its restart; false: the moment did not come, and it was killed anyway. */
  dieAt(moment: Moment): Promise<Restart & { readonly exact: boolean }>
  end(): Promise<Ending>
}

export interface Ending {
  readonly exitCode: number | null
  readonly goneAfterMs: number
}
export interface Restart extends Ending {
  readonly backAfterMs: number
}

/** @param onChange it became ready, or ceased to be */
export function createNode(name: string, directory: string, order: ServerOrder, onChange: () => void): Node {
  let ready = Promise.withResolvers<void>()
  let isReady = false
  let isFrozen = false
  const set = (now: boolean): void => {
    isReady = now
    onChange()
  }
  const server = createProcess({
    name,
    directory,
    script: 'server.ts',
    order,
    onMessage() {
      set(true)
      ready.resolve()
    },
  })
  const start = async (): Promise<void> => {
    ready = Promise.withResolvers()
    server.start()
    const late = new AbortController()
    await Promise.race([
      ready.promise,
      sleep(startWithinMs, undefined, { signal: late.signal }).then(() => {
        throw new Error(
          `${name} did not serve within ${startWithinMs / 1000} s; see ${directory}/${name}.log`,
        )
      }),
    ]).finally(() => late.abort())
  }
  const finish = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<Ending> => {
    const beganMs = performance.now()
    // A server that drains goes on refusing politely: it stays the target until it is gone.
    if (signal === 'SIGKILL') set(false)
    const late = new AbortController()
    void sleep(endWithinMs, undefined, { signal: late.signal }).then(
      () => server.end('SIGKILL'),
      () => {},
    )
    const exitCode = await server.end(signal)
    late.abort()
    set(false)
    return { exitCode, goneAfterMs: performance.now() - beganMs }
  }
  return {
    port: order.port,
    url: `http://127.0.0.1:${order.port}`,
    get ready() {
      return isReady
    },
    get frozen() {
      return isFrozen
    },
    get crashes() {
      return server.crashes
    },
    start,
    async restart(signal) {
      const ending = await finish(signal)
      const beganMs = performance.now()
      await start()
      return { ...ending, backAfterMs: performance.now() - beganMs }
    },
    async freeze(ms) {
      isFrozen = true
      await server.freeze(ms)
      isFrozen = false
    },
    async dieAt(moment) {
      const exact = await server.poison(
        { dieAt: moment } satisfies { readonly dieAt: Moment },
        momentWithinMs,
      )
      set(false)
      const beganMs = performance.now()
      await start()
      return { exact, exitCode: null, goneAfterMs: 0, backAfterMs: performance.now() - beganMs }
    },
    end: () => finish('SIGTERM'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
