import { restoreStore } from '@holdfast/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { bytes, maintain, number, tableLines } from '../maintain.ts'

const help = `
All or nothing, into the store and the place for files that the settings name. No server may use them meanwhile.
It is another log afterwards: clients read their threads anew. Whoever was signed in signs in again.

Examples:
  $ holdfast restore --from holdfast.tar.gz --data-dir .holdfast-restored
  $ holdfast restore --from /srv/backups/2026-11-26 --overwrite

Exit codes: 0 restored · 1 failed, and nothing was restored · 73 a server has the data directory · 130 stopped`

interface RestoreArguments {
  readonly from: string
  readonly dataDir?: string
  readonly overwrite?: boolean
  readonly tokens: boolean
}

export function restoreCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('restore')
    .description('Bring back what a backup holds.')
    .requiredOption('--from <place>', 'what `holdfast backup` made')
    .option('--data-dir <directory>', 'where everything is kept (HOLDFAST_DATA_DIR)')
    .option('--overwrite', 'into a store that is not empty: all that is in it now is lost')
    .option('--no-tokens', 'leave out personal tokens: those revoked since the backup would be good again')
    .addHelpText('after', help)
    .action(async ({ from, overwrite = false, tokens: withTokens, ...changes }: RestoreArguments) =>
      exit(
        await maintain(context, changes, async (options) => {
          const restored = await restoreStore({ ...options, from, overwrite, withoutTokens: !withTokens })
          const { createdAt, tables, stored, missing, tokens } = restored
          const notes = [
            missing > 0 ? `  without ${number(missing)} files whose bytes the backup could not have` : [],
            tokens > 0
              ? `  ${number(tokens)} personal tokens are good again, those revoked since the backup among them`
              : [],
          ].flat()
          return `Restored as of ${createdAt}\n${tableLines(tables)}  files: ${number(stored.files)}, ${bytes(
            stored.bytes,
          )}\n${notes.map((note) => `${note}\n`).join('')}`
        }),
      ),
    )
}
