import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runCampaign } from '../campaign.ts'
import type { ViolationClass } from '../checker.ts'
import { parseCommand } from '../command.ts'
import { violatedClasses } from '../model/run-model.ts'
import type { Numbers } from '../plan.ts'
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

/** @param bug null: the product as it is, in which nothing may be found */
export async function hunt(
  bug: PlantedBug | null,
  trial: TrialKind,
): Promise<readonly (ViolationClass | 'crash')[]> {
  if (trial === 'campaign') return huntByCampaign(bug)
  const args = [trialPath, trial, ...(bug === null ? [] : [bug.name])]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: trialWithinMs })
  return JSON.parse(stdout) as ViolationClass[]
}

async function huntByCampaign(bug: PlantedBug | null): Promise<readonly (ViolationClass | 'crash')[]> {
  const flags = Object.entries(short).flatMap(([name, value]) => [`--${name}`, String(value)])
  const planted = bug === null ? [] : ['--with-bug', bug.name]
  const command = parseCommand([...flags, ...planted])
  if (command.kind !== 'campaigns') throw new Error('These flags are a campaign')
  const [plan] = command.plans
  if (plan === undefined) throw new Error('These flags are a campaign')
  const report = await runCampaign(plan, () => {}, new AbortController().signal)
  // Kept because something was found, which here is as it should be.
  if (report.directory !== null) await rm(report.directory, { recursive: true, force: true })
  return [...violatedClasses(report.verdict), ...(report.crashes > 0 ? (['crash'] as const) : [])]
}
