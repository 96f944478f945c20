/** What a proof does, planned before it begins. Nothing is repeated until it is green. */
export interface Plan {
  /** Fresh connections that ask /version. */
  readonly identities: number
  /** Cold WebSocket connects. */
  readonly connects: number
  /** Users at once, each with a connection of its own. In local mode all are the one user. */
  readonly users: number
  /** Runs of each of them in the concurrent part. */
  readonly runs: number
  /** Runs of the flow part, beside the failing ones. */
  readonly flowRuns: number
  /** Silence expected after the last event of a run, in ms. */
  readonly lingerMs: number
  /** How long an idle connection is watched at least. */
  readonly idleMs: number
  /** A run, an answer or a frame that takes longer has failed. */
  readonly patienceMs: number
  /** The whole proof; what is not done by then was not exercised. */
  readonly totalMs: number
  /** 95 % of the connects are below. */
  readonly connectTargetMs: number
  /** 95 % of the first events are below, counted from when the message was sent. */
  readonly firstEventTargetMs: number
  /** Bytes that are flooded at a consumer that does not read. */
  readonly floodBytes: number
  /** Paired blocks of --against, and runs a side in each. */
  readonly pairs: number
  readonly pairRuns: number
  /** Event loops that stand still longer spoil the measurements of their block. */
  readonly stallMs: number
  /** How long a rate is driven to find its limit; 0: not. */
  readonly burst: number
}

export type ProfileName = 'local' | 'staging' | 'prod-safe' | 'self-test'

export interface Profile {
  readonly name: ProfileName
  readonly plan: Plan
  /** Checks that a GO needs. */
  readonly requires: readonly string[]
  /** Steps that are never taken. */
  readonly never: readonly string[]
}

const everywhere = [
  'id.build',
  'health.endpoints',
  'ws.connect',
  'ws.latency',
  'ws.close-audit',
  'ws.keepalive',
  'run.order',
  'run.agree',
  'iso.delivery',
  'resume.cut',
  'resume.bad',
  'msg.invalid',
  'auth.negative',
  'auth.origin',
  'auth.simkey',
  'auth.echo',
  'contract.conform',
  'contract.diff',
  'tool.health',
  'clean.residue',
] as const

const scripted = ['run.failure', 'run.idempotent', 'resume.twice', 'frame.malformed', 'frame.size'] as const

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  /** One's own machine and one user: what needs a second one is named as not covered. */
  local: {
    name: 'local',
    plan: {
      identities: 20,
      connects: 30,
      users: 6,
      runs: 6,
      flowRuns: 4,
      lingerMs: 2_000,
      idleMs: 32_000,
      patienceMs: 20_000,
      totalMs: 115_000,
      connectTargetMs: 2_000,
      firstEventTargetMs: 4_000,
      floodBytes: 4 * 1024 * 1024,
      pairs: 20,
      pairRuns: 25,
      stallMs: 1_000,
      burst: 150,
    },
    requires: [...everywhere, ...scripted, 'slow.consumer', 'limits.rate', 'idle.proxy'],
    never: [],
  },
  staging: {
    name: 'staging',
    plan: {
      identities: 20,
      connects: 60,
      users: 20,
      runs: 50,
      flowRuns: 10,
      lingerMs: 2_000,
      idleMs: 65_000,
      patienceMs: 30_000,
      totalMs: 20 * 60_000,
      connectTargetMs: 2_000,
      firstEventTargetMs: 3_000,
      floodBytes: 8 * 1024 * 1024,
      pairs: 20,
      pairRuns: 25,
      stallMs: 250,
      burst: 150,
    },
    requires: [
      ...everywhere,
      ...scripted,
      'iso.cross-read',
      'auth.expiry',
      'slow.consumer',
      'limits.rate',
      'idle.proxy',
    ],
    never: [],
  },
  /** Beside real users: small, and nothing that floods, bursts or stops anything. */
  'prod-safe': {
    name: 'prod-safe',
    plan: {
      identities: 20,
      connects: 12,
      users: 2,
      runs: 2,
      flowRuns: 1,
      lingerMs: 2_000,
      idleMs: 35_000,
      patienceMs: 60_000,
      totalMs: 10 * 60_000,
      connectTargetMs: 2_000,
      firstEventTargetMs: 5_000,
      floodBytes: 0,
      pairs: 20,
      pairRuns: 5,
      stallMs: 250,
      burst: 0,
    },
    requires: everywhere,
    never: ['slow', 'rate', 'crash'],
  },
  /** Against the bundled server, whose clocks run fast. */
  'self-test': {
    name: 'self-test',
    plan: {
      identities: 6,
      connects: 8,
      users: 3,
      runs: 2,
      flowRuns: 1,
      lingerMs: 60,
      idleMs: 500,
      patienceMs: 1_500,
      totalMs: 60_000,
      connectTargetMs: 1_000,
      firstEventTargetMs: 1_000,
      floodBytes: 6 * 1024 * 1024,
      pairs: 12,
      pairRuns: 5,
      stallMs: 1_500,
      burst: 150,
    },
    requires: [
      ...everywhere,
      ...scripted,
      'iso.cross-read',
      'iso.spread',
      'auth.expiry',
      'slow.consumer',
      'limits.rate',
      'idle.proxy',
      'drain.rolling',
      'crash.durable',
      'rollback.rehearse',
    ],
    never: [],
  },
}
