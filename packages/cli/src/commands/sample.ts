import { Command, InvalidArgumentError } from 'commander'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type SampleOptions, sampleUsage } from '../sample/sample-usage.ts'

const help = `
Examples:
  $ holdfast sample > usage.csv
  $ holdfast sample --rows 100000 --seed 2 > more.csv`

/** A gateway's log of this many rows is several hundred megabytes: enough to try any limit. */
const maxRows = 10_000_000

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(count >= 1 && count <= maxRows))
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maxRows}.`)
  return count
}

export function sampleCommand(context: Context, exit: (code: ExitCode) => void): Command {
  return new Command('sample')
    .description('Print a made-up month of AI usage as CSV, to try questions on.')
    .option('--rows <number>', 'data rows', parseCount, 5_000)
    .option('--seed <number>', 'the same seed gives the same rows', parseCount, 1)
    .addHelpText('after', help)
    .action(async (options: SampleOptions) => exit(await sample(options, context)))
}

async function sample(options: SampleOptions, { stdout }: Context): Promise<ExitCode> {
  for (const line of sampleUsage(options)) {
    // `| head` has seen enough: nobody reads the rest.
    if (stdout.isClosed()) break
    await stdout.write(line)
  }
  return exitCodes.answered
}
