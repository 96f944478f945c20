import { text } from 'node:stream/consumers'
import { readSettings, type Settings } from '@holdfast/server/start'
import { createOutput, createStatus, type Output, type Status } from './terminal.ts'

/** What a command acts on: its streams and the signals that ask it to stop. */
export interface Context {
  readonly stdout: Output
  readonly stderr: Output
  readonly status: Status
  /** All of standard input; '' where it is a terminal: nobody waits for somebody who does not know. */
  stdin(): Promise<string>
  /** Read once, when a command first asks: `--help` works with any settings. */
  settings(): Settings
  /** Calls `listener` for each SIGINT, SIGTERM, SIGHUP, and when the launcher is gone. Returns the way back. */
  onStop(listener: () => void): () => void
}

export function createContext(): Context {
  const stderr = createOutput(process.stderr)
  let settings: Settings | null = null
  return {
    stdout: createOutput(process.stdout),
    stderr,
    status: createStatus(stderr),
    stdin: async () => (process.stdin.isTTY ? '' : text(process.stdin)),
    settings: () => (settings ??= readSettings()),
    onStop(listener) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
      for (const signal of signals) process.on(signal, listener)
      process.on('disconnect', listener)
      // A listener on the launcher's channel would keep the process alive by itself.
      process.channel?.unref()
      return () => {
        for (const signal of signals) process.off(signal, listener)
        process.off('disconnect', listener)
      }
    },
  }
}
