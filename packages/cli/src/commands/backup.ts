import { backupStore } from '@holdfast/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { bytes, maintain, number, tableLines } from '../maintain.ts'

const help = `
On PostgreSQL servers may go on working: the backup is of one moment. A data directory's own database is one process's
at a time: stop the server first.

Examples:
  $ holdfast backup --to holdfast.tar.gz
  $ holdfast backup --to /srv/backups/2026-11-26

Exit codes: 0 complete · 1 failed, and nothing is left · 73 a server has the data directory · 130 stopped`

interface BackupArguments {
  readonly to: string
  readonly allowMissing?: boolean
  readonly dataDir?: string
}

export function backupCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('backup')
    .description('Copy everything, rows and files, into one file or directory.')
    .requiredOption('--to <place>', 'a new file (.tar, .tar.gz, .tgz) or directory')
    .option('--allow-missing', 'leave out files whose bytes are lost: without it there is no backup then')
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .addHelpText('after', help)
    .action(async ({ to, allowMissing = false, ...changes }: BackupArguments) =>
      exit(
        await maintain(context, changes, async (options) => {
          const { tables, stored, missing } = await backupStore({ ...options, to, allowMissing })
          const without =
            missing === 0
              ? ''
              : `  without ${number(missing)} files: deleted meanwhile, or their bytes are lost\n`
          return `${to} holds\n${tableLines(tables)}  files: ${number(stored.files)}, ${bytes(stored.bytes)}\n${without}`
        }),
      ),
    )
}
