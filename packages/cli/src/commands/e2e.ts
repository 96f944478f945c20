import { readFile } from 'node:fs/promises'
import { type Deployment, personas, purgeRun, signInAs, withoutNewline } from '@holdfast/protocol/e2e'
import { Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { UsageError } from '../usage-error.ts'
import { parseRun, parseUrl } from './options.ts'

const help = `
The key is read from a file or from standard input, never from the command line, which other users of a machine see.

Examples:
  $ holdfast e2e login --persona alice --run ci-4711 --url https://chat.staging.example.com --key-file key
  $ gcloud secrets versions access 1 --secret=holdfast-e2e --project=acme-staging \\
      | holdfast e2e login --persona alice --run ci-4711 --url https://chat.staging.example.com
  $ HOLDFAST_TOKEN=$(holdfast e2e login … --key-file key) holdfast ask "Where does the money go?" --url …
  $ holdfast e2e purge --run ci-4711 --url https://chat.staging.example.com --key-file key`

interface E2eOptions {
  readonly run: string
  readonly url: URL
  readonly keyFile?: string
  readonly host?: string
}

export function e2eCommand(context: Context, exit: (code: ExitCode) => void): Command {
  const all = new Command('e2e').description(
    'Sign in as a persona of a test run, and clean up after the run.',
  )
  const command = (name: string, description: string): Command =>
    all
      .command(name)
      .description(description)
      .requiredOption('--run <id>', 'the test run: each has personas of its own', parseRun)
      .requiredOption('--url <url>', 'where the deployment is', parseUrl)
      .option('--key-file <file>', 'a file that holds the simulation key; default: standard input')
      .option('--host <host>', 'E2E_SIMULATION_HOST of the deployment, where it is not the host of --url')

  command('login', 'Prints a bearer token, good for fifteen minutes.')
    .addOption(new Option('--persona <name>', 'who to be').choices(personas).makeOptionMandatory())
    .option('--json', 'print all that is known of the session as one JSON object')
    .action(async ({ persona, json, ...options }: E2eOptions & { persona: string; json?: true }) => {
      const deployment = await deploymentOf(options, context)
      const session = await signInAs({ persona, run: options.run, mode: 'token' }, deployment)
      await context.stderr.write(
        `${persona} of ${options.run} is ${session.user}, until ${session.expiresAt}\n`,
      )
      await context.stdout.write(json === true ? `${JSON.stringify(session)}\n` : `${session.token}\n`)
      exit(exitCodes.answered)
    })
  command('purge', 'Takes away the users of a test run, and all that they made.').action(
    async (options: E2eOptions) => {
      const { users } = await purgeRun(options.run, await deploymentOf(options, context))
      await context.stdout.write(`${users} users of ${options.run} are gone, with all that was theirs\n`)
      exit(exitCodes.answered)
    },
  )
  return all.addHelpText('after', help)
}

async function deploymentOf({ url, keyFile, host }: E2eOptions, context: Context): Promise<Deployment> {
  const text = keyFile === undefined ? await context.stdin() : await readFile(keyFile, 'utf8')
  const key = withoutNewline(text)
  if (key === '') throw new UsageError('There is no key: give --key-file, or the key on standard input.')
  return { url, key, ...(host === undefined ? {} : { host }) }
}
