import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { HoldfastError } from '@holdfast/protocol'
import type { FromChild, ToChild } from './child-jobs.ts'
import { childMessage } from './child-messages.ts'
import type { SqlLimits } from './sql-limits.ts'

const childMain = fileURLToPath(new URL('./child/main.ts', import.meta.url))

export interface ChildJob {
  readonly message: Exclude<ToChild, { type: 'interrupt' }>
  /** The child's working directory; holds the files of the job and nothing else. */
  readonly directory: string
  readonly deadlineMs: number
  readonly limits: SqlLimits
  /** The child's program. Default: child/main.ts; tests give one that misbehaves. */
  readonly program?: string
  /** Called for each answer but the last. */
  readonly onMessage: (message: FromChild) => void
}

type Ending = 'deadline' | 'memory' | 'aborted'

/**
 * Runs one job in one child process and waits until it has ended. Whatever the child does (crash, hang, grow, lie),
 * the promise settles and the process is gone.
 *
 * @throws {HoldfastError} what the child reported; sql_timeout, sql_memory; sql_failed when it crashed
 */
export async function runChild(job: ChildJob, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { limits } = job
  const child = spawnChild(job.program ?? childMain, job.directory, limits)
  const timers: NodeJS.Timeout[] = []
  let ending: Ending | null = null
  let failed: Extract<FromChild, { type: 'failed' }> | null = null
  let finished = false
  let invalid: Error | null = null
  const stop = (why: Ending): void => {
    ending ??= why
    child.kill('SIGKILL')
  }
  const onAbort = (): void => stop('aborted')
  signal.addEventListener('abort', onAbort, { once: true })
  const deadline = setTimeout(() => {
    ending ??= 'deadline'
    if (child.connected) child.send({ type: 'interrupt' } satisfies ToChild, ignoreGone)
    timers.push(setTimeout(() => stop('deadline'), limits.killAfterMs))
  }, job.deadlineMs)
  const watchdog = setInterval(() => {
    void residentBytes(child.pid).then((bytes) => {
      if (bytes > limits.residentBytes) stop('memory')
    })
  }, limits.watchdogMs)
  timers.push(deadline, watchdog)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2_000)
  })
  child.on('message', (raw) => {
    const parsed = childMessage.safeParse(raw)
    if (!parsed.success) {
      invalid ??= new Error('The child process sent what is no message', { cause: parsed.error })
      child.kill('SIGKILL')
      return
    }
    const message = parsed.data
    const last = message.type !== 'result'
    if (message.type === 'failed') failed = message
    else finished ||= last
    if (message.type !== 'failed') job.onMessage(message)
    // All it wrote is closed by now: waiting for it to clean up would gain nothing.
    if (last) child.kill('SIGKILL')
  })
  try {
    const closed = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, killedBy) => resolve({ code, signal: killedBy }))
    })
    child.send({ ...job.message } satisfies ToChild, ignoreGone)
    const exit = await closed
    settle({ ending, failed, finished, invalid, exit, stderr }, job, signal)
  } finally {
    signal.removeEventListener('abort', onAbort)
    for (const timer of timers) clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

/** A message to a child that has just died is answered by its 'close', not by an error of its own. */
const ignoreGone = (): void => undefined

interface Outcome {
  readonly ending: Ending | null
  readonly failed: Extract<FromChild, { type: 'failed' }> | null
  readonly finished: boolean
  readonly invalid: Error | null
  readonly exit: { readonly code: number | null; readonly signal: string | null }
  readonly stderr: string
}

function settle(outcome: Outcome, job: ChildJob, signal: AbortSignal): void {
  const { limits } = job
  const { ending, failed } = outcome
  if (ending === 'aborted') signal.throwIfAborted()
  if (ending === 'memory')
    throw new HoldfastError(
      'sql_memory',
      `The query was stopped at ${limits.residentBytes} bytes of memory, the limit; group or filter more.`,
    )
  if (outcome.finished && failed === null) return
  if (ending === 'deadline')
    throw new HoldfastError(
      'sql_timeout',
      `The job was stopped after ${job.deadlineMs} ms, the limit; look at fewer rows or columns.`,
    )
  if (outcome.invalid !== null) throw outcome.invalid
  if (failed !== null) throw new HoldfastError(failed.code, failed.message)
  throw new HoldfastError(
    'sql_failed',
    `The process that ran the query ended without an answer (${outcome.exit.signal ?? `exit code ${outcome.exit.code}`}); the server is not affected.`,
    { cause: new Error(outcome.stderr) },
  )
}

/** Where util-linux is installed, the kernel bounds the child's memory too. */
const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path))

/** Of the environment the child gets nothing, of the descriptors one pipe for its last words and the channel. */
function spawnChild(main: string, directory: string, limits: SqlLimits): ChildProcess {
  const command = [process.execPath, '--no-warnings', main]
  const [program = process.execPath, ...argv] =
    prlimit === undefined ? command : [prlimit, `--data=${limits.dataBytes}`, '--core=0', '--', ...command]
  return spawn(program, argv, { cwd: directory, env: {}, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
}

async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const statm = await readFile(`/proc/${pid}/statm`, 'utf8')
    return Number(statm.split(' ')[1]) * 4_096
  } catch {
    return 0
  }
}
