import type { CampaignReport } from './campaign.ts'
import { quantile, violationClasses } from './checker.ts'
import type { Plan } from './plan.ts'
import { runViolations } from './runs-checker.ts'

/** What the plan asked for and did not get. */
export function shortfalls({ plan, strikes, ...done }: CampaignReport): string[] {
  const { numbers } = plan
  const wanted: readonly (readonly [what: string, planned: number, reached: number])[] = [
    ['resets', numbers.resets, strikes.reset],
    ['holes', numbers.holes + numbers['open-holes'], strikes.hole],
    ['stalls', numbers.stalls, strikes.stall],
    ['slices', numbers.slices, strikes.slice],
    ['throttles', numbers.throttles, strikes.throttle],
    ['truncates', numbers.truncates, strikes.truncate],
    ['latencies', numbers.latencies, strikes.latency],
    ['kills', numbers.kills, done.kills],
    ['terms', numbers.terms, done.terms],
    ['stops', numbers.stops, done.stops],
    ['kills in a tool', numbers['tool-kills'], done.exact.tool],
    ['kills in an effect', numbers['effect-kills'], done.exact.effect],
    ["kills in a model's answer", numbers['model-kills'], done.exact.model],
    ['kills before a hint', numbers['hint-kills'], done.exact.hint],
    ['outages of the database', numbers['database-outages'], done.databaseOutages],
    ['outages of the bus', numbers['bus-outages'], done.busOutages],
    // Who held leases when it was frozen finds them gone.
    [
      'attempts refused after a freeze',
      numbers.serial > 0 && numbers.nodes > 1 ? numbers.stops : 0,
      done.refusedAttempts,
    ],
    ['client kills', numbers['client-kills'], done.clientKills],
    ['events applied', numbers.clients * numbers['events-per-client'], done.verdict.applied],
    // Where nothing else befalls them, every client is there to be told of every end.
    [
      'closes with 1012',
      plan.profile === 'drain' ? numbers.clients * numbers.terms : 0,
      done.verdict.politeCloses,
    ],
    ['refusals of foreign threads', numbers.clients, done.denied],
  ]
  return wanted
    .filter(([, planned, reached]) => reached < planned)
    .map(([what, planned, reached]) => `${what}: ${reached} of ${planned}`)
}

export function exitCodeOf(report: CampaignReport): 0 | 1 | 2 {
  const counts = [report.verdict.counts, report.runs.counts].flatMap((one) => Object.values(one))
  const violated = counts.some((count) => count > 0)
  if (violated || report.crashes > 0 || report.uncleanEnds > 0) return 1
  return shortfalls(report).length > 0 ? 2 : 0
}

const groundOf = ({ postgres, bus, numbers: { nodes } }: Plan): string =>
  postgres === null
    ? 'PGlite, in process'
    : `PostgreSQL with ${nodes} server(s), ${bus === 'nats' ? 'NATS' : 'NOTIFY'}`

/** The table that goes into docs/reliability.md as it is. */
export function reportTable(report: CampaignReport): string {
  const { verdict, runs, strikes, plan, exact } = report
  const { numbers } = plan
  const ms = (value: number | null): string => (value === null ? '–' : `${Math.round(value)} ms`)
  const spread = (sorted: readonly number[]): string =>
    [0.5, 0.99, 1].map((q) => ms(quantile(sorted, q))).join(', ')
  const rows: (readonly [string, string | number])[] = [
    ['profile, seed', `${plan.profile}, ${plan.numbers.seed}`],
    ['store, bus', groundOf(plan)],
    ['clients, users, threads', `${verdict.clients}, ${plan.numbers.users}, ${verdict.threads}`],
    ['events committed', verdict.committed],
    ['events received', verdict.delivered],
    ['events applied', verdict.applied],
    ['connections', verdict.connections],
    ['resets', strikes.reset],
    ['half-open holes', strikes.hole],
    ['stalls, slices, throttles', `${strikes.stall}, ${strikes.slice}, ${strikes.throttle}`],
    ['truncations, latencies', `${strikes.truncate}, ${strikes.latency}`],
    ['server SIGKILL, SIGTERM, SIGSTOP', `${report.kills}, ${report.terms}, ${report.stops}`],
    ['client processes killed', report.clientKills],
    ...(numbers.effects > 0
      ? [
          [
            'SIGKILL in a tool, in an effect, in an answer, before a hint',
            `${exact.tool}, ${exact.effect}, ${exact.model}, ${exact.hint}`,
          ] as const,
          ['outages of the database, of the bus', `${report.databaseOutages}, ${report.busOutages}`] as const,
          ['hints dropped, doubled, overtaken', `${numbers['hint-percent']} % each`] as const,
        ]
      : []),
    [
      'runs accepted and completed, failed, cancelled',
      `${runs.runs}: ${Object.values(runs.ended).join(', ')}`,
    ],
    ...(numbers.effects > 0
      ? [['tools begun, outcomes unknown', `${runs.executions}, ${runs.outcomesUnknown}`] as const]
      : []),
    ['attempts refused after a take-over', report.refusedAttempts],
    ...violationClasses.map((name) => [`**${name}**`, `**${verdict.counts[name]}**`] as const),
    ...runViolations.map((name) => [`**${name}**`, `**${runs.counts[name]}**`] as const),
    ['hand-overs, p50, p99, max', `${runs.handOverMs.length}: ${spread(runs.handOverMs)}`],
    ['crashes, unclean ends', `${report.crashes}, ${report.uncleanEnds}`],
    ['error lines of the servers', report.serverErrors],
    ['foreign threads refused', report.denied],
    ['back to live p50, p99, max', spread(verdict.backToLiveMs)],
    [
      '… measured on',
      `${verdict.backToLiveMs.length} lost connections, delays × ${plan.numbers['delay-percent']} %`,
    ],
    [
      'the same over a server restart or freeze',
      `${spread(verdict.backFromOutageMs)} (${verdict.backFromOutageMs.length})`,
    ],
    ['live connections closed with 1012 on SIGTERM', verdict.politeCloses],
    ['SIGTERM to exit, max', ms(quantile(report.termMs, 1))],
    ['start to serving, max', ms(quantile(report.restartMs, 1))],
    [
      'seconds in all',
      `${report.seconds.toFixed(1)} (${report.phases.map(({ name, seconds }) => `${name} ${seconds.toFixed(1)}`).join(', ')})`,
    ],
  ]
  return ['| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n')
}
