import { migrateStore } from '@holdfast/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { maintain, tableLines } from '../maintain.ts'
import { UsageError } from '../usage-error.ts'

const help = `
From the store that the settings name, usually the database inside the data directory, into a PostgreSQL database that
nobody has used yet. Every row is read back and compared before anything counts. It stays the same log: clients go on
where they were. No server may use either meanwhile. Files stay where they are.

A password in the URL can be seen by others on this machine: leave it out and set PGPASSWORD.

Examples:
  $ holdfast migrate-store --to postgres://holdfast@db.example.com/holdfast

Exit codes: 0 moved · 1 failed, and the other database is as it was · 73 a server has the data directory · 130 stopped`

export function migrateStoreCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('migrate-store')
    .description('Move the database into PostgreSQL, for more than one server.')
    .requiredOption('--to <url>', 'postgres://…', parseUrl)
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .addHelpText('after', help)
    .action(async ({ to, ...changes }: { to: string; dataDir?: string }) =>
      exit(
        await maintain(context, changes, async (options) => {
          const tables = await migrateStore({ ...options, to })
          const { files, dataDir } = options.settings
          const where =
            files === null
              ? `Files stay in ${dataDir}/blobs: keep this data directory, or copy that folder to where HOLDFAST_FILES will point.`
              : 'Files stay where HOLDFAST_FILES points.'
          return `Moved, equal row for row:\n${tableLines(tables)}${where}\nStart servers with HOLDFAST_DATABASE_URL from now on.\n`
        }),
      ),
    )
}

function parseUrl(text: string): string {
  // The text may hold a password: it is not repeated.
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text))
    throw new UsageError('--to must be a URL that begins with postgres:// or postgresql://.')
  return text
}
