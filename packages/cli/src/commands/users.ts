import type { UserId } from '@holdfast/protocol'
import {
  type Administration,
  deleteUser,
  exportUser,
  type KnownUser,
  openAdministration,
  type ServiceAccount,
} from '@holdfast/server'
import { createLogger } from '@holdfast/server/start'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { bytes, maintain, number } from '../maintain.ts'
import { UsageError } from '../usage-error.ts'
import { parseDays, parseUser } from './options.ts'

const help = `
They act on the database that HOLDFAST_DATABASE_URL names, beside running servers: those hear of it within two seconds.
Without it they need the data directory for themselves: stop the server first.

Examples:
  $ holdfast users list
  $ holdfast users disable usr_01K0…
  $ holdfast users service nightly-report --read-only --days 30
  $ holdfast users export usr_01K0… --to their-data.tar.gz
  $ holdfast users delete usr_01K0… --yes`

interface ServiceOptions {
  readonly issuer?: string
  readonly subject?: string
  readonly readOnly?: true
  readonly days?: number
}

const defaultDays = 90

export function usersCommand(context: Context, exit: (code: ExitCode) => void): Command {
  const users = new Command('users').description(
    'See, disable, sign out, export and delete users; make service accounts.',
  )
  const act = async (work: (administration: Administration) => Promise<string>): Promise<void> => {
    const settings = context.settings()
    const logger = createLogger({
      level: settings.logLevel === 'info' ? 'warn' : settings.logLevel,
      format: 'line',
    })
    await using administration = await openAdministration(settings, logger)
    await context.stdout.write(await work(administration))
    exit(exitCodes.answered)
  }
  users
    .command('list')
    .description('All users, the oldest first.')
    .option('--json', 'one JSON object a line')
    .action(({ json }: { json?: true }) =>
      act(async ({ users: list }) => {
        const all = await list()
        return json === true ? all.map((user) => `${JSON.stringify(user)}\n`).join('') : table(all)
      }),
    )
  users
    .command('disable')
    .argument('<user>', 'a user id', parseUser)
    .description('Nobody is let in as this user any more; what is open is closed.')
    .action((user: UserId) =>
      act(async (administration) => {
        await administration.disable(user)
        return `${user} is disabled\n`
      }),
    )
  users
    .command('enable')
    .argument('<user>', 'a user id', parseUser)
    .description('Takes back `disable`. Tokens are good again; sessions had ended.')
    .action((user: UserId) =>
      act(async (administration) => {
        await administration.enable(user)
        return `${user} is enabled\n`
      }),
    )
  users
    .command('sign-out')
    .argument('<user>', 'a user id', parseUser)
    .description('Ends all browser sessions of this user. Tokens stay.')
    .action((user: UserId) =>
      act(async (administration) => {
        await administration.signOut(user)
        return `${user} is signed out everywhere\n`
      }),
    )
  users
    .command('service')
    .argument('<name>', 'what the account is called')
    .option(
      '--issuer <url>',
      'its access tokens come from here (with --subject), in place of a token of this server',
    )
    .option('--subject <subject>', 'as whom the issuer knows it')
    .option('--read-only', 'its token may not change anything')
    .option('--days <number>', `how long its token is good (default: ${defaultDays})`, parseDays)
    .description('A service account, and a token for it.')
    .action((name: string, options: ServiceOptions) =>
      act(async (administration) => {
        const credentials = credentialsOf(options)
        const { userId, token } = await administration.createServiceAccount({ name, credentials })
        if (credentials.kind === 'pinned' || token === null)
          return `${userId} is ${options.subject} of ${options.issuer}\n`
        return `${userId}\n${token.text}\nThe token is shown now and never again. It is good for ${credentials.days} days.\n`
      }),
    )
  users
    .command('export')
    .argument('<user>', 'a user id', parseUser)
    .requiredOption('--to <place>', 'a new file (.tar, .tar.gz, .tgz) or directory')
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .description(
      'All that is kept of this user: threads and their events as lines of JSON, files and artifacts.',
    )
    .action(async (userId: UserId, { to, ...changes }: { to: string; dataDir?: string }) =>
      exit(
        await maintain(context, changes, async (options) => {
          const { lines, files, bytes: size } = await exportUser({ ...options, userId, to })
          return `${to} holds ${number(lines)} lines and ${number(files)} files, ${bytes(size)}\n`
        }),
      ),
    )
  users
    .command('delete')
    .argument('<user>', 'a user id', parseUser)
    .requiredOption('--yes', 'it cannot be taken back')
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .description(
      'Nobody is let in as this user any more, and all that is kept of them goes. The audit log stays.',
    )
    .action(async (userId: UserId, { dataDir }: { dataDir?: string }) =>
      exit(
        await maintain(
          context,
          dataDir === undefined ? {} : { dataDir },
          async (options) => {
            await deleteUser({ ...options, userId })
            return `${userId} is deleted\n`
          },
          'what is gone is gone, and the rest goes as soon as a server of this database runs',
        ),
      ),
    )
  return users.addHelpText('after', help)
}

function credentialsOf({ issuer, subject, readOnly, days }: ServiceOptions): ServiceAccount['credentials'] {
  if (issuer === undefined && subject === undefined)
    return {
      kind: 'token',
      scopes: readOnly === true ? ['read'] : ['read', 'write'],
      days: days ?? defaultDays,
    }
  if (issuer === undefined || subject === undefined)
    throw new UsageError(
      '--issuer and --subject belong together: give both, or neither for a token of this server.',
    )
  if (readOnly !== undefined || days !== undefined)
    throw new UsageError(
      '--read-only and --days are of a token of this server. What tokens of --issuer may do (scope holdfast:read) and for how long is set there.',
    )
  return { kind: 'pinned', issuer, subject }
}

/** A name is the provider's text: what is not printable could move the cursor of whoever reads the list. */
const shown = (text: string): string => text.replaceAll(/\p{C}/gu, '?')

function table(users: readonly KnownUser[]): string {
  const rows = users.map(({ id, kind, name, issuer, subject, disabledAt }) => [
    id,
    kind,
    disabledAt === null ? 'enabled' : 'disabled',
    shown(name ?? ''),
    shown(`${subject} of ${issuer}`),
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
