import {
  bootProblems,
  createLogger,
  describeTier,
  detectTier,
  type RunningServer,
  roles,
  type Settings,
  settingDescriptions,
  startServer,
} from '@holdfast/server/start'
import { Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { pageDirectory } from '../page.ts'
import { describeFiles, describeRole, describeStore } from '../report.ts'
import { parseHost, parsePort } from './options.ts'

interface ServeOptions {
  readonly host?: string
  readonly port?: number
  readonly dataDir?: string
  readonly role?: Settings['role']
}

const settingsHelp = (): string => {
  const rows = settingDescriptions.map(({ names, fallback, sentence }) => {
    return `  ${names.join(' or ')}\n      ${sentence} Default: ${fallback}.`
  })
  return `\nSettings, from the environment (an empty one counts as unset; a flag comes before its setting):\n${rows.join('\n')}`
}

const examples = `
Examples:
  $ holdfast serve
  $ holdfast serve --port 0 --data-dir /tmp/trial
  $ holdfast serve --role worker      # beside others on one PostgreSQL; see docs/operations.md

Exit codes: 0 stopped when asked to · 73 another process has the data directory · 78 a setting cannot be used`

export function serveCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('serve')
    .description('Start the server and print where to go.')
    .option('--host <address>', 'address to listen on (HOLDFAST_HOST)', parseHost)
    .option('--port <number>', 'port to listen on, 0 for any free one (HOLDFAST_PORT)', parsePort)
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .addOption(
      new Option(
        '--role <role>',
        'what this server does, of several on one database (HOLDFAST_ROLE)',
      ).choices(roles),
    )
    .addHelpText('after', () => `${examples}\n${settingsHelp()}`)
    .action(async (options: ServeOptions) => exit(await serve(options, context)))
}

function welcome({ url, role, local }: RunningServer, publicUrl: URL | null): string {
  if (role === 'worker')
    return `Holdfast carries out runs here, and answers nobody. Its health is at ${url}/health/ready\n`
  if (local === null)
    return `Holdfast is at ${publicUrl?.href ?? url}, and people sign in with their provider.\n`
  return `Holdfast is at ${url}

  Open it with this link. It works once, for ten minutes:
  ${local.loginLink()}

  Or ask from another terminal:
  npx holdfast sample > usage.csv
  npx holdfast ask "Where does the money go?" --data usage.csv
  npx holdfast ask "Why is it slow, what is our p95?" --data usage.csv
  npx holdfast ask "average latency by tenant" --data usage.csv
`
}

async function serve(options: ServeOptions, context: Context): Promise<ExitCode> {
  const settings: Settings = { ...context.settings(), ...options }
  const tier = detectTier(settings)
  const [problem] = bootProblems(tier, settings)
  if (problem !== undefined) throw problem
  const format = tier.tier === 'development' || tier.tier === 'test' ? 'line' : 'json'
  const logger = createLogger({ level: settings.logLevel, format })

  // Heard from the first moment: Ctrl-C while the database is being created closes politely too.
  const stop = Promise.withResolvers<void>()
  const stopListening = context.onStop(() => stop.resolve())
  await using server = await startServer({
    settings,
    logger,
    advertise: true,
    pageDirectory: pageDirectory(),
  })
  await context.stdout.write(
    `${welcome(server, settings.publicUrl)}
  tier   ${describeTier(server.tier)}
  role   ${describeRole(server.role)}
  store  ${describeStore(server.store, settings.dataDir)}
  files  ${describeFiles(settings)}
  stop   Ctrl-C\n`,
  )
  await stop.promise
  stopListening()
  // The second Ctrl-C finds no listener anymore and ends the process at once.
  await context.stderr.write('closing (again to stop at once)\n')
  await server.close()
  return exitCodes.answered
}
