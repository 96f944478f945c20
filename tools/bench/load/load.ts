import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stop } from '../contenders/child.ts'
import type { Target } from '../contenders/contender.ts'
import type { LoadCommand, LoadReport } from './load-process.ts'
import type { ReceiverName } from './receiver.ts'

export interface LoadOptions {
  readonly receiver: ReceiverName
  readonly target: Target
  /** Users from `first` on, so many. */
  readonly first?: number
  readonly users: number
  readonly processes: number
}

/** All clients of a measurement, in processes of their own. */
export interface Load extends AsyncDisposable {
  /** To all processes at once; a report of each. */
  order(command: LoadCommand): Promise<readonly LoadReport[]>
}

const path = fileURLToPath(new URL('./load-process.ts', import.meta.url))

/** Starts the processes and connects all users. */
export async function openLoad(options: LoadOptions): Promise<Load> {
  const { receiver, target, users, processes, first = 0 } = options
  const children = Array.from({ length: Math.min(processes, users) }, () =>
    fork(path, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  )
  const load: Load = {
    order: (command) => Promise.all(children.map((child) => ask(child, command))),
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => stop(child)))
    },
  }
  try {
    await Promise.all(
      children.map((child, index) =>
        ask(child, {
          kind: 'connect',
          order: {
            receiver,
            urls: target.urls,
            users: Array.from({ length: users }, (_, user) => first + user)
              .filter((user) => (user - first) % children.length === index)
              .map((user) => ({
                user,
                token: target.tokens[user] ?? '',
                thread: target.threads?.[user] ?? null,
              })),
          },
        }),
      ),
    )
    return load
  } catch (error) {
    await load[Symbol.asyncDispose]()
    throw error
  }
}

async function ask(child: ChildProcess, command: LoadCommand): Promise<LoadReport> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadReport>()
  const ended = (code: number | null): void => reject(new Error(`a load process ended with ${code}`))
  child.once('message', (report) => resolve(report as LoadReport))
  child.once('exit', ended)
  child.send(command)
  try {
    return await promise
  } finally {
    child.off('exit', ended)
  }
}

/** The processes taken together: from the first that began to the last that ended. */
export interface LoadSum {
  readonly seconds: number
  readonly samples: Float64Array
  readonly startedMs: Float64Array
  readonly endedMs: Float64Array
  readonly bytes: number
  /** Of the machine's cores, all processes together. */
  readonly cores: number
  /** The busiest event loop: near 1 the load is what was measured. */
  readonly loopShare: number
}

export function sumOf(reports: readonly LoadReport[]): LoadSum {
  const seconds =
    (Math.max(...reports.map(({ endedAtMs }) => endedAtMs)) -
      Math.min(...reports.map(({ beganAtMs }) => beganAtMs))) /
    1000
  const total = (of: (report: LoadReport) => number): number =>
    reports.reduce((sum, report) => sum + of(report), 0)
  return {
    seconds,
    samples: joined(reports.map(({ samples }) => samples)),
    startedMs: joined(reports.map(({ startedMs }) => startedMs)),
    endedMs: joined(reports.map(({ endedMs }) => endedMs)),
    bytes: total(({ bytes }) => bytes),
    cores: total(({ cpuSeconds }) => cpuSeconds) / seconds,
    loopShare: Math.max(...reports.map(({ loopShare }) => loopShare)),
  }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
