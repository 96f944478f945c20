import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runCampaign } from '../campaign.ts'
import type { ViolationClass } from '../checker.ts'
import { parseCommand } from '../command.ts'
import { violatedClasses } from '../model/run-model.ts'
import type { Numbers } from '../plan.ts'
import { type RunViolation, runViolations } from '../runs-checker.ts'
import type { PlantedBug, TrialKind } from './bugs.ts'

const trialPath = fileURLToPath(new URL('./trial.ts', import.meta.url))
/** A trial that hangs has found something too, but nobody knows what: it is ended and counts as not caught. */
const trialWithinMs = 120_000

/** Small enough to be over in some seconds, large enough to meet what is planted for it. */
const short: Partial<Numbers> = {
  clients: 4,
  users: 4,
  'events-per-client': 60,
  seconds: 4,
  resets: 8,
  holes: 4,
  'open-holes': 0,
  stalls: 0,
  slices: 2,
  throttles: 0,
  truncates: 2,
  latencies: 0,
  kills: 0,
  terms: 1,
  'rest-seconds': 1,
  stops: 0,
  'client-kills': 0,
  processes: 1,
  'settle-seconds': 8,
}

type Finding = ViolationClass | RunViolation | 'crash'

/** Where the clients are when the last hint goes astray is chance: one campaign in three met nobody. */
const campaignsAtMost = 3

/** @param bug null: the product as it is, in which nothing may be found */
export async function hunt(bug: PlantedBug | null, trial: TrialKind): Promise<readonly Finding[]> {
  if (trial !== 'model' && trial !== 'runs') {
    let found = await huntByCampaign(bug, trial)
    for (let tried = 1; bug !== null && found.length === 0 && tried < campaignsAtMost; tried += 1)
      found = await huntByCampaign(bug, trial)
    return found
  }
  const args = [trialPath, trial, ...(bug === null ? [] : [bug.name])]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: trialWithinMs })
  return JSON.parse(stdout) as ViolationClass[]
}

/** Two servers, of which one at a time dies, or is frozen for longer than its leases last. */
const cluster: Partial<Numbers> = {
  clients: 12,
  users: 6,
  'events-per-client': 60,
  seconds: 20,
  resets: 0,
  'tool-kills': 1,
  'effect-kills': 1,
  'model-kills': 1,
  'hint-kills': 1,
  stops: 1,
  'stop-seconds': 6,
  'database-outages': 0,
  'hint-percent': 30,
  'rest-seconds': 1,
  nodes: 2,
  'settle-seconds': 8,
}
/** A server that wakes asks for its leases soon: whether it writes before it has the answer is chance at each freeze. */
const frozen: Partial<Numbers> = {
  ...cluster,
  clients: 16,
  users: 16,
  seconds: 32,
  'tool-kills': 0,
  'effect-kills': 0,
  'model-kills': 0,
  'hint-kills': 0,
  'hint-percent': 0,
  stops: 4,
  'stop-seconds': 5,
}
const busy: Partial<Numbers> = {
  ...cluster,
  clients: 2,
  users: 1,
  'tool-kills': 0,
  'effect-kills': 0,
  'model-kills': 0,
  'hint-kills': 0,
  stops: 0,
  'hint-percent': 0,
  'busy-ms': 4_000,
}
const campaigns = {
  campaign: { profile: 'ci', numbers: short },
  cluster: { profile: 'cluster-notify', numbers: cluster },
  frozen: { profile: 'cluster-notify', numbers: frozen },
  busy: { profile: 'cluster-notify', numbers: busy },
} as const

async function huntByCampaign(
  bug: PlantedBug | null,
  trial: keyof typeof campaigns,
): Promise<readonly Finding[]> {
  const { profile, numbers } = campaigns[trial]
  const flags = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)])
  const planted = bug === null ? [] : ['--with-bug', bug.name]
  const command = parseCommand(['--profile', profile, ...flags, ...planted])
  if (command.kind !== 'campaigns') throw new Error('These flags are a campaign')
  const [plan] = command.plans
  if (plan === undefined) throw new Error('These flags are a campaign')
  const report = await runCampaign(plan, () => {}, new AbortController().signal)
  // Kept because something was found, which here is as it should be.
  if (report.directory !== null) await rm(report.directory, { recursive: true, force: true })
  const { counts } = report.runs
  const ofRuns = runViolations.filter((name) => counts[name] > 0)
  return [...violatedClasses(report.verdict), ...ofRuns, ...(report.crashes > 0 ? (['crash'] as const) : [])]
}
