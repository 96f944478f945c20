import { Command, CommanderError } from 'commander'
import manifest from '../package.json' with { type: 'json' }
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

type MakeCommand = (context: Context, exit: (code: ExitCode) => void) => Command

/** In the order in which help lists them. Each is loaded on demand: some bring half of the house along. */
const commands: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  ask: async () => (await import('./commands/ask.ts')).askCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  sample: async () => (await import('./commands/sample.ts')).sampleCommand,
  backup: async () => (await import('./commands/backup.ts')).backupCommand,
  restore: async () => (await import('./commands/restore.ts')).restoreCommand,
  'migrate-store': async () => (await import('./commands/migrate-store.ts')).migrateStoreCommand,
  users: async () => (await import('./commands/users.ts')).usersCommand,
  prove: async () => (await import('./commands/prove.ts')).proveCommand,
  e2e: async () => (await import('./commands/e2e.ts')).e2eCommand,
  'e2e-key': async () => (await import('./commands/e2e-key.ts')).e2eKeyCommand,
}

/** The command that the line names; all where it names none, for help and for the nearest name. */
async function loadCommands([name = '']: readonly string[]): Promise<readonly MakeCommand[]> {
  const wanted = Object.hasOwn(commands, name) ? commands[name] : undefined
  return Promise.all((wanted === undefined ? Object.values(commands) : [wanted]).map((load) => load()))
}

/** The command line. Each command reports its exit code through `exit`. */
function createProgram(
  makers: readonly MakeCommand[],
  context: Context,
  exit: (code: ExitCode) => void,
): Command {
  const program = new Command('holdfast')
    // What stands after a subcommand is the subcommand's, also where its parent has an option of that name.
    .enablePositionalOptions()
    .description('Answers questions about your data, or says exactly which data is missing.')
    .version(manifest.version)
    .addHelpText('after', examples)
  for (const makeCommand of makers) program.addCommand(makeCommand(context, exit))
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
  const program = createProgram(await loadCommands(args), context, (code) => {
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
