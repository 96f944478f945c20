import { expect, test } from 'vitest'
import { runCampaign } from './campaign.ts'
import { parseCommand } from './command.ts'
import { exitCodeOf, shortfalls } from './report.ts'

/** Small campaigns, as the command line would run them. */
async function campaign(...flags: readonly string[]) {
  const command = parseCommand(flags)
  if (command.kind !== 'campaigns') throw new Error('These flags are a campaign')
  const [plan] = command.plans
  if (plan === undefined) throw new Error('These flags are a campaign')
  const report = await runCampaign(plan, () => {}, new AbortController().signal)
  const { verdict, crashes, uncleanEnds } = report
  // What was found first, so that a failure says it.
  expect({ found: verdict.examples, missing: shortfalls(report), crashes, uncleanEnds }).toEqual({
    found: [],
    missing: [],
    crashes: 0,
    uncleanEnds: 0,
  })
  expect(exitCodeOf(report)).toBe(0)
  return report
}
const flags = (numbers: Readonly<Record<string, number>>): string[] =>
  Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)])

const small = { processes: 1, 'rest-seconds': 1, 'settle-seconds': 30 }

test('clients that are killed and started again from their stored cursors, after a SIGKILL of the server too, have applied exactly the log', {
  timeout: 120_000,
}, async () => {
  const numbers = { ...small, clients: 6, users: 3, 'events-per-client': 80, seconds: 8, 'client-kills': 2 }
  const nothing = { resets: 6, holes: 4, 'open-holes': 0, stalls: 0, slices: 0, throttles: 0 }
  const few = { truncates: 2, latencies: 0, kills: 0, terms: 0, stops: 0 }
  const report = await campaign(...flags({ ...numbers, ...nothing, ...few }))
  expect(report.clientKills).toBe(2)
  // The second of them across a restart.
  expect(report.kills).toBe(1)
})

test('SIGTERM under running clients: each is closed with 1012, the server is gone within 8 s, runs go on, nothing is lost', {
  timeout: 120_000,
}, async () => {
  const numbers = { ...small, clients: 60, users: 60, seconds: 6, terms: 1, 'rest-seconds': 3 }
  const report = await campaign('--profile', 'drain', ...flags(numbers))
  expect(report.verdict.politeCloses).toBe(60)
  expect(Math.max(...report.termMs)).toBeLessThan(8_000)
})
