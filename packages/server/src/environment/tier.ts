/**
 * Which tier this process runs in, and how that was found. Pure.
 *
 * 1. HOLDFAST_ENV decides when it is set.
 * 2. Otherwise project ids and URLs vote, by whole labels: `acme-staging` and `staging.example.com` do,
 *    `prestaging`, a path or a query do not.
 * 3. All votes staging → staging. Any conflict, a hosted platform without a vote, or a vote for production
 *    → production. Not hosted and bound to loopback → development. Anything else → production.
 *
 * What is detected or assumed sets patience only (P2). Whoever grants access asks for `how: 'explicit'`.
 */
import { isLoopback } from './loopback.ts'
import type { Platform, Settings, Tier } from './settings.ts'

export type Vote = 'staging' | 'production'

export interface Evidence {
  /** The variable. Never its whole value where that could hold more than a name: a URL gives its host. */
  readonly source: string
  readonly value: string
  readonly votes: readonly Vote[]
  readonly hosted: boolean
}

export interface TierDetection {
  readonly tier: Tier
  readonly how: 'explicit' | 'detected' | 'assumed'
  readonly evidence: readonly Evidence[]
  readonly conflicts: readonly string[]
}

export type TierSignals = Pick<
  Settings,
  'tier' | 'host' | 'publicUrl' | 'authUrl' | 'publicDomains' | 'platform'
>

const voteOfLabel: ReadonlyMap<string, Vote> = new Map([
  ['staging', 'staging'],
  ['stg', 'staging'],
  ['production', 'production'],
  ['prod', 'production'],
])

function votesOf(labels: readonly string[]): readonly Vote[] {
  const votes = labels.flatMap((label) => voteOfLabel.get(label.toLowerCase()) ?? [])
  return [...new Set(votes)]
}

/** A platform that runs the process for somebody. A project id alone is also set on laptops. */
const hostedBy: readonly (keyof Platform)[] = ['K_SERVICE', 'K_REVISION', 'KUBERNETES_SERVICE_HOST']
const projectIds: readonly (keyof Platform)[] = ['GOOGLE_CLOUD_PROJECT', 'GCP_PROJECT_ID']

const isWithin = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`)

interface Finding {
  readonly evidence: readonly Evidence[]
  readonly conflicts: readonly string[]
}

function readUrl(source: string, url: URL | null, domains: readonly string[]): Finding {
  if (url === null) return { evidence: [], conflicts: [] }
  const host = url.hostname.replace(/\.$/, '')
  const foreign = domains.length > 0 && !domains.some((domain) => isWithin(host, domain))
  const votes = foreign ? [] : votesOf(host.split('.'))
  return {
    evidence: [{ source, value: host, votes, hosted: false }],
    conflicts: foreign ? [`${source} (${host}) is not within HOLDFAST_PUBLIC_DOMAINS`] : [],
  }
}

function readPlatform(platform: Platform): readonly Evidence[] {
  const evidence = (source: keyof Platform, hosted: boolean): readonly Evidence[] => {
    const value = platform[source]
    return value === null ? [] : [{ source, value, votes: hosted ? [] : votesOf(value.split('-')), hosted }]
  }
  return [
    ...hostedBy.flatMap((source) => evidence(source, true)),
    ...projectIds.flatMap((source) => evidence(source, false)),
  ]
}

const describe = (piece: Evidence): string => `${piece.source} (${piece.value})`

function conflictsOfVotes(evidence: readonly Evidence[]): readonly string[] {
  const voters = (vote: Vote) => evidence.filter((piece) => piece.votes.includes(vote)).map(describe)
  const staging = voters('staging')
  const production = voters('production')
  if (staging.length === 0 || production.length === 0) return []
  return [`${staging.join(', ')} says staging, ${production.join(', ')} says production`]
}

function conflictsWithSetting(tier: Tier, evidence: readonly Evidence[]): readonly string[] {
  return evidence.flatMap((piece) => {
    if (piece.hosted && (tier === 'development' || tier === 'test'))
      return [`HOLDFAST_ENV says ${tier}, ${describe(piece)} says that this is a hosted platform`]
    return piece.votes
      .filter((vote) => vote !== tier)
      .map((vote) => `HOLDFAST_ENV says ${tier}, ${describe(piece)} says ${vote}`)
  })
}

/** The tier, how it was found, and each piece of evidence for and against. */
export function detectTier(signals: TierSignals): TierDetection {
  const publicUrl = readUrl('HOLDFAST_PUBLIC_URL', signals.publicUrl, signals.publicDomains)
  const authUrl = readUrl('HOLDFAST_AUTH_URL', signals.authUrl, signals.publicDomains)
  const evidence = [...readPlatform(signals.platform), ...publicUrl.evidence, ...authUrl.evidence]
  const conflicts = [...conflictsOfVotes(evidence), ...publicUrl.conflicts, ...authUrl.conflicts]
  if (signals.tier !== null)
    return {
      tier: signals.tier,
      how: 'explicit',
      evidence,
      conflicts: [...conflictsWithSetting(signals.tier, evidence), ...conflicts],
    }
  const votes = new Set(evidence.flatMap((piece) => piece.votes))
  const hosted = evidence.some((piece) => piece.hosted)
  const found = (tier: Tier, how: 'detected' | 'assumed'): TierDetection => ({
    tier,
    how,
    evidence,
    conflicts,
  })
  if (conflicts.length > 0 || votes.has('production')) return found('production', 'assumed')
  if (votes.has('staging')) return found('staging', 'detected')
  if (!hosted && isLoopback(signals.host)) return found('development', 'assumed')
  return found('production', 'assumed')
}

/** One line for the boot and for `holdfast doctor`. */
export function describeTier({ tier, how, evidence, conflicts }: TierDetection): string {
  const pieces = evidence.map((piece) => {
    const says = piece.hosted ? 'hosted' : piece.votes.join(' and ') || 'no vote'
    return `${describe(piece)}: ${says}`
  })
  const because = pieces.length === 0 ? 'no platform seen' : pieces.join('; ')
  const against = conflicts.length === 0 ? '' : `; in conflict: ${conflicts.join('; ')}`
  return `${tier} (${how}), ${because}${against}`
}
