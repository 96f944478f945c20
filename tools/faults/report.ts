import type { CampaignReport } from './campaign.ts'
import { quantile, violationClasses } from './checker.ts'

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
  const violated = Object.values(report.verdict.counts).some((count) => count > 0)
  if (violated || report.crashes > 0 || report.uncleanEnds > 0) return 1
  return shortfalls(report).length > 0 ? 2 : 0
}

/** The table that goes into docs/reliability.md as it is. */
export function reportTable(report: CampaignReport): string {
  const { verdict, strikes, plan } = report
  const ms = (value: number | null): string => (value === null ? '–' : `${Math.round(value)} ms`)
  const spread = (sorted: readonly number[]): string =>
    [0.5, 0.99, 1].map((q) => ms(quantile(sorted, q))).join(', ')
  const rows: (readonly [string, string | number])[] = [
    ['profile, seed', `${plan.profile}, ${plan.numbers.seed}`],
    ['store', plan.postgres === null ? 'PGlite' : `PostgreSQL, ${plan.numbers.nodes} server(s)`],
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
    ...violationClasses.map((name) => [`**${name}**`, `**${verdict.counts[name]}**`] as const),
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
