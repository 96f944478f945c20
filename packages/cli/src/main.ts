import { createContext } from './context.ts'
import { execute, report } from './execute.ts'

/** Runs the command and ends the process with its exit code. */
export async function run(args: readonly string[]): Promise<void> {
  const context = createContext()
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => void report(error, context).then((code) => process.exit(code)))
  const exitCode = await execute(args, context)
  // What is written has been handed over; a handle that somebody forgot must not keep the shell waiting.
  process.exit(exitCode)
}
