/** `npm run faults -- …`: see `--help`. */
import { runCampaign } from './campaign.ts'
import { type Command, helpText, parseCommand } from './plan.ts'
import { exitCodeOf, reportTable, shortfalls } from './report.ts'

const usageExitCode = 64

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      console.log(helpText())
      return 0
    case 'campaign': {
      const interrupt = new AbortController()
      // Once: a second Ctrl-C ends the process, and the others end with it.
      process.once('SIGINT', () => interrupt.abort())
      const report = await runCampaign(command.plan, (line) => console.error(line), interrupt.signal)
      console.log(reportTable(report))
      for (const example of report.verdict.examples) console.log(example)
      for (const missing of shortfalls(report)) console.log(`plan not reached: ${missing}`)
      if (report.directory !== null) console.log(`journals and logs: ${report.directory}`)
      return exitCodeOf(report)
    }
    case 'model':
    case 'planted':
      return 2
    default:
      return command satisfies never
  }
}

let command: Command
try {
  command = parseCommand(process.argv.slice(2))
} catch (error) {
  console.error(`${(error as Error).message}\n\n${helpText()}`)
  process.exit(usageExitCode)
}
process.exitCode = await main(command)
