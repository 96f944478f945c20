import { Command, CommanderError } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { askCommand } from './commands/ask.ts'
import { backupCommand } from './commands/backup.ts'
import { doctorCommand } from './commands/doctor.ts'
import { e2eCommand } from './commands/e2e.ts'
import { e2eKeyCommand } from './commands/e2e-key.ts'
import { migrateStoreCommand } from './commands/migrate-store.ts'
import { proveCommand } from './commands/prove.ts'
import { restoreCommand } from './commands/restore.ts'
import { sampleCommand } from './commands/sample.ts'
import { serveCommand } from './commands/serve.ts'
import { usersCommand } from './commands/users.ts'
import type { Context } from './context.ts'
import { explain } from './errors.ts'
import { type ExitCode, exitCodes, proveCodes } from './exit-codes.ts'

const examples = `
Examples:
  $ holdfast serve
  $ holdfast sample > usage.csv
  $ holdfast ask "Where does the money go?" --data usage.csv
  $ holdfast doctor
  $ holdfast prove http://127.0.0.1:8080 --profile local

In a clone of the repository the command is \`npx holdfast\`.`

/** The command line. Each command reports its exit code through `exit`. */
function createProgram(context: Context, exit: (code: ExitCode) => void): Command {
  const program = new Command('holdfast')
    // What stands after a subcommand is the subcommand's, also where its parent has an option of that name.
    .enablePositionalOptions()
    .description('Answers questions about your data, or says exactly which data is missing.')
    .version(manifest.version)
    .addHelpText('after', examples)
  program.addCommand(serveCommand(context, exit))
  program.addCommand(askCommand(context, exit))
  program.addCommand(doctorCommand(context, exit))
  program.addCommand(sampleCommand(context, exit))
  for (const command of [backupCommand, restoreCommand, migrateStoreCommand])
    program.addCommand(command(context, exit))
  for (const command of [usersCommand, proveCommand, e2eCommand, e2eKeyCommand])
    program.addCommand(command(context, exit))
  for (const command of withSubcommands(program))
    command
      .exitOverride()
      .showHelpAfterError('(--help says what it takes)')
      .configureOutput({
        writeOut: (text) => void context.stdout.write(text),
        writeErr: (text) => void context.stderr.write(text),
      })
  return program
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}

/** Runs one command line; every error ends as a sentence on standard error. */
export async function execute(args: readonly string[], context: Context): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.answered
  const program = createProgram(context, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.answered
      // Of a gate, 2 says INCONCLUSIVE: a typo must not.
      return args[0] === 'prove' ? proveCodes.usage : exitCodes.usage
    }
    return report(error, context)
  }
}

/** A sentence on standard error; the stack only for whoever asked for debug lines. */
export async function report(error: unknown, context: Context): Promise<ExitCode> {
  const { sentence, exitCode } = explain(error)
  context.status.stop()
  await context.stderr.write(`holdfast: ${sentence}\n`)
  if (wantsStack(context) && error instanceof Error) await context.stderr.write(`${error.stack}\n`)
  return exitCode
}

function wantsStack(context: Context): boolean {
  try {
    return context.settings().logLevel === 'debug'
  } catch {
    // The settings themselves are what is wrong, and that is being reported.
    return false
  }
}
