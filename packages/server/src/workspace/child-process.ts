import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { HoldfastError } from '@holdfast/protocol'
import { compileCacheEnvironment } from '../environment/compile-cache.ts'
import type { FromChild, ToChild } from './child-jobs.ts'
import { childMessage } from './child-messages.ts'
import type { SqlLimits } from './sql-limits.ts'

const childMain = fileURLToPath(new URL('./child/main.ts', import.meta.url))

export interface ChildOptions {
  /** The child's working directory; holds the files of the job and nothing else. */
  readonly directory: string
  readonly limits: SqlLimits
  /** The child's program. Default: child/main.ts; tests give one that misbehaves. */
  readonly program?: string
}

export interface ChildJob {
  readonly message: Exclude<ToChild, { type: 'interrupt' }>
  readonly deadlineMs: number
  /** Called for each answer. */
  readonly onMessage: (message: FromChild) => void
}

/** A process that does one job after another; after one that failed, in whatever way, it is being killed. */
export interface Child extends AsyncDisposable {
  /**
   * One job at a time.
   * @throws {HoldfastError} what the child reported; sql_timeout, sql_memory; sql_failed when it crashed
   */
  run(job: ChildJob, signal: AbortSignal): Promise<void>
  /** Whether the process lives and no job has failed in it. */
  isSound(): boolean
  /** A child that only waits does not keep the server's process from ending. */
  setIdle(idle: boolean): void
  /** Kills it and waits until it is gone. */
  [Symbol.asyncDispose](): Promise<void>
}

type Ending = 'deadline' | 'memory' | 'aborted'

/** How the job in hand ends: answered by the child, or without. */
type Outcome =
  | { readonly kind: 'answered'; readonly failed: Failed | null }
  | { readonly kind: 'invalid'; readonly error: Error }
  | Closed

type Failed = Extract<FromChild, { type: 'failed' }>

interface Closed {
  readonly kind: 'closed'
  readonly why: string
}

/**
 * Runs one job in one child process and waits until it has ended. Whatever the child does (crash, hang, grow, lie),
 * the promise settles and the process is gone.
 *
 * @throws {HoldfastError} as Child.run
 */
export async function runChild(options: ChildOptions & ChildJob, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await using child = openChild(options)
  await child.run(options, signal)
}

export function openChild({ program = childMain, directory, limits }: ChildOptions): Child {
  const child = spawnChild(program, directory, limits)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2_000)
  })
  let sound = true
  let ending: Ending | null = null
  let current: { readonly job: ChildJob; readonly end: (outcome: Outcome) => void } | null = null
  const kill = (why?: Ending): void => {
    sound = false
    ending ??= why ?? null
    child.kill('SIGKILL')
  }
  const closed = new Promise<Closed>((resolve) => {
    // One that could not even be started sends no 'close'.
    child.once('error', (error) => resolve({ kind: 'closed', why: error.message }))
    child.once('close', (code, killedBy) => resolve({ kind: 'closed', why: killedBy ?? `exit code ${code}` }))
  })
  const watchdog = setInterval(() => {
    void residentBytes(child.pid).then((bytes) => {
      if (bytes > limits.residentBytes) kill('memory')
    })
  }, limits.watchdogMs)
  void closed.then((outcome) => {
    sound = false
    clearInterval(watchdog)
    current?.end(outcome)
  })
  child.on('message', (raw) => {
    const parsed = childMessage.safeParse(raw)
    if (!parsed.success || current === null) {
      const cause = parsed.error ?? new Error('Nothing was asked of it')
      current?.end({
        kind: 'invalid',
        error: new Error('The child process sent what is no message', { cause }),
      })
      kill()
      return
    }
    const message = parsed.data
    if (message.type !== 'failed') current.job.onMessage(message)
    // An aborted job has no answer; onMessage may have aborted it.
    if (message.type === 'result' || ending === 'aborted') return
    current.end({ kind: 'answered', failed: message.type === 'failed' ? message : null })
  })

  async function run(job: ChildJob, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const timers: NodeJS.Timeout[] = []
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    current = { job, end: resolve }
    const onAbort = (): void => kill('aborted')
    signal.addEventListener('abort', onAbort, { once: true })
    const deadline = setTimeout(() => {
      ending ??= 'deadline'
      if (child.connected) child.send({ type: 'interrupt' } satisfies ToChild, ignoreGone)
      timers.push(setTimeout(() => kill('deadline'), limits.killAfterMs))
    }, job.deadlineMs)
    timers.push(deadline)
    try {
      if (child.connected) child.send({ ...job.message } satisfies ToChild, ignoreGone)
      else void closed.then(resolve)
      const outcome = await promise
      settle(outcome, job)
      // One that was late but whole is believed, and not asked again.
      if (ending !== null) kill()
    } catch (error) {
      kill()
      throw error
    } finally {
      current = null
      signal.removeEventListener('abort', onAbort)
      for (const timer of timers) clearTimeout(timer)
    }

    function settle(outcome: Outcome, { deadlineMs }: ChildJob): void {
      if (ending === 'aborted') signal.throwIfAborted()
      if (ending === 'memory')
        throw new HoldfastError(
          'sql_memory',
          `The query was stopped at ${limits.residentBytes} bytes of memory, the limit; group or filter more.`,
        )
      const failed = outcome.kind === 'answered' ? outcome.failed : null
      if (outcome.kind === 'answered' && failed === null) return
      if (ending === 'deadline')
        throw new HoldfastError(
          'sql_timeout',
          `The job was stopped after ${deadlineMs} ms, the limit; look at fewer rows or columns.`,
        )
      if (outcome.kind === 'invalid') throw outcome.error
      if (failed !== null) throw new HoldfastError(failed.code, failed.message)
      throw new HoldfastError(
        'sql_failed',
        `The process that ran the query ended without an answer (${outcome.kind === 'closed' ? outcome.why : 'no answer'}); the server is not affected.`,
        { cause: new Error(stderr) },
      )
    }
  }

  return {
    run,
    isSound: () => sound,
    setIdle(idle) {
      if (idle) {
        child.unref()
        child.channel?.unref()
        watchdog.unref()
      } else {
        child.ref()
        child.channel?.ref()
        watchdog.ref()
      }
    },
    async [Symbol.asyncDispose]() {
      kill()
      await closed
    },
  }
}

/** A message to a child that has just died is answered by its 'close', not by an error of its own. */
const ignoreGone = (): void => undefined

/** Where util-linux is installed, the kernel bounds the child's memory too. */
const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path))

/**
 * Of the environment the child gets nothing but where compiled modules are kept, if this process keeps any: half of
 * its start. Of the descriptors one pipe for its last words, and the channel.
 */
function spawnChild(main: string, directory: string, limits: SqlLimits): ChildProcess {
  const command = [process.execPath, '--no-warnings', main]
  const [program = process.execPath, ...argv] =
    prlimit === undefined ? command : [prlimit, `--data=${limits.dataBytes}`, '--core=0', '--', ...command]
  return spawn(program, argv, {
    cwd: directory,
    env: compileCacheEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}

async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const statm = await readFile(`/proc/${pid}/statm`, 'utf8')
    return Number(statm.split(' ')[1]) * 4_096
  } catch {
    return 0
  }
}
