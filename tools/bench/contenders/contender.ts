import type { ReceiverName } from '../load/receiver.ts'

/** Where a contender's clients go. */
export interface Target {
  /** One a node; clients are spread over them. */
  readonly urls: readonly string[]
  /** One a user, where the contender knows users. */
  readonly tokens: readonly string[]
  /** A thread a user, where they are there already. */
  readonly threads?: readonly string[]
}

export interface RunningContender extends AsyncDisposable {
  /** The process that serves; what it starts counts with it. */
  readonly pids: readonly number[]
  readonly target: Target
  /** Throws garbage away, so that what is left is held; bytes of the main thread's JavaScript heap after it. */
  collect(): Promise<number>
  /** Ends the server so and starts it again on the same port, with what it has stored; resolves when it listens. */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
}

export interface StartOptions {
  readonly users: number
  /** Runs that may be under way at a time, where a contender wants to be told. */
  readonly concurrent: number
}

export interface Contender {
  readonly name: string
  /** What an event that was sent is still worth after a fault: figures mean nothing without it. */
  readonly guarantee: string
  /** Thin: a socket and a parser that checks that nothing is missing, much the same for all. */
  readonly thin: ReceiverName
  /** The client that the product ships. */
  readonly product: ReceiverName | null
  start(options: StartOptions): Promise<RunningContender>
  /** What idle users have besides a connection, so that it does not count as the connection's: made before. */
  prepareIdle?(server: RunningContender): Promise<Target>
}
