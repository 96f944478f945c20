import type { MaintenanceOptions, Progress } from '@holdfast/server'
import { createLogger, type Settings } from '@holdfast/server/start'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'

/**
 * Work on a whole store: says what it is at, and Ctrl-C stops it.
 * @param work its text goes to standard output
 * @param whenStopped what is true then. Default: nothing of it is left
 */
export async function maintain(
  context: Context,
  changes: Partial<Settings>,
  work: (options: MaintenanceOptions) => Promise<string>,
  whenStopped = 'nothing was changed',
): Promise<ExitCode> {
  const settings: Settings = { ...context.settings(), ...changes }
  const level = settings.logLevel === 'info' ? 'warn' : settings.logLevel
  const stopped = new AbortController()
  const stopListening = context.onStop(() => stopped.abort(new Error('stopped')))
  try {
    const text = await work({
      settings,
      logger: createLogger({ level, format: 'line' }),
      onProgress: (progress) => context.status.doing(inWords(progress)),
      signal: stopped.signal,
    })
    context.status.stop()
    await context.stdout.write(text)
    return exitCodes.answered
  } catch (error) {
    if (!stopped.signal.aborted) throw error
    context.status.line(`holdfast: stopped; ${whenStopped}`)
    return exitCodes.interrupted
  } finally {
    stopListening()
    context.status.stop()
  }
}

function inWords(progress: Progress): string {
  switch (progress.doing) {
    case 'read':
      return `checking the backup: ${bytes(progress.bytes)}`
    case 'rows':
      return `${progress.table}: ${number(progress.rows)} rows`
    case 'files':
      return `files: ${number(progress.files)}, ${bytes(progress.bytes)}`
    case 'check':
      return `checking ${progress.table}`
  }
}

export const number = (value: number): string => value.toLocaleString('en')

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

export function bytes(value: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), units.length - 1)
  return power === 0 ? `${number(value)} bytes` : `${(value / 1_000 ** power).toFixed(1)} ${units[power]}`
}

/** A line a table that has rows, and what all of them are. */
export function tableLines(tables: Readonly<Record<string, { readonly rows: number }>>): string {
  const used = Object.entries(tables).filter(([, { rows }]) => rows > 0)
  const width = Math.max(0, ...used.map(([name]) => name.length))
  return used.map(([name, { rows }]) => `  ${name.padEnd(width)}  ${number(rows)}\n`).join('')
}
