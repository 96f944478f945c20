/** What a campaign does, as numbers. Every one is a flag. */
export const planFlags = {
  seed: 'of the choice of victims and times',
  clients: 'clients, each following one thread',
  users: 'users with look-alike ids, one thread each',
  'events-per-client': 'events that each client shall get, at least',
  seconds: 'over which faults and events are spread',
  resets: 'connections reset',
  holes: 'half-open holes, 30–400 ms, then an RST',
  'open-holes': 'half-open holes that nothing ends but the client',
  stalls: 'stalls of 100–1,000 ms',
  slices: 'connections in crumbs of 1–20 bytes for 300 ms',
  throttles: 'connections at 8 KB/s for 500 ms',
  truncates: 'connections cut in the middle of a frame',
  latencies: 'connections with 50 ms more a chunk for 1 s',
  kills: 'SIGKILL of a server, and its restart',
  terms: 'SIGTERM of a server, and its restart',
  stops: 'SIGSTOP of a server, and SIGCONT',
  'stop-seconds': 'between SIGSTOP and SIGCONT',
  'tool-kills': 'SIGKILL of a server in the midst of a tool',
  'effect-kills': 'SIGKILL of a server in the midst of a tool that declares an effect',
  'model-kills': "SIGKILL of a server in the midst of a model's answer",
  'hint-kills': 'SIGKILL of a server between a commit and its hint',
  'database-outages': 'stops of PostgreSQL, politely and as in a crash by turns, and its start',
  'bus-outages': 'SIGKILL of NATS, and its start',
  'outage-seconds': 'between the two',
  'hint-percent': 'of hints dropped, doubled and overtaken, each',
  'busy-ms': 'that one tool of each run lets its process do nothing else',
  'tool-ms': 'that each tool of a run takes',
  effects: '1: tools of every declared effect, their executions written down; 0: pure ones',
  paced: '1: runs begin as time goes on; 0: whenever there is a place',
  serial: '1: one deed to processes at a time; 0: one at a time on each server',
  'rest-seconds': 'after each deed to a process, for everybody to come back',
  'wait-seconds': 'more at most, until every client has a WebSocket again',
  'client-kills':
    'SIGKILL of a process of clients, restarted from the stored cursors, every second time after the server',
  processes: 'of clients',
  nodes: 'servers; more than one needs PostgreSQL',
  'delay-percent': "of the client's reconnect delays",
  'settle-seconds': 'to be live again after the last fault',
} as const

export type PlanFlag = keyof typeof planFlags
export type Numbers = { readonly [Flag in PlanFlag]: number }

/** Nothing but clients that follow: what every profile starts from. */
const quiet: Numbers = {
  seed: 1,
  clients: 50,
  users: 25,
  'events-per-client': 400,
  seconds: 60,
  resets: 0,
  holes: 0,
  'open-holes': 0,
  stalls: 0,
  slices: 0,
  throttles: 0,
  truncates: 0,
  latencies: 0,
  kills: 0,
  terms: 0,
  stops: 0,
  'stop-seconds': 2,
  'tool-kills': 0,
  'effect-kills': 0,
  'model-kills': 0,
  'hint-kills': 0,
  'database-outages': 0,
  'bus-outages': 0,
  'outage-seconds': 3,
  'hint-percent': 0,
  'tool-ms': 0,
  'busy-ms': 0,
  effects: 0,
  paced: 1,
  serial: 0,
  'rest-seconds': 3,
  'wait-seconds': 0,
  'client-kills': 0,
  processes: 2,
  nodes: 1,
  'delay-percent': 3,
  'settle-seconds': 30,
}

/** Runs that change hands: on three servers with either bus, and on one that is its own heir. */
const cluster: Numbers = {
  ...quiet,
  clients: 24,
  users: 12,
  'events-per-client': 300,
  seconds: 120,
  resets: 60,
  stops: 3,
  'stop-seconds': 10,
  'tool-kills': 5,
  'effect-kills': 5,
  'model-kills': 5,
  'hint-kills': 5,
  'hint-percent': 5,
  'tool-ms': 150,
  effects: 1,
  paced: 0,
  serial: 1,
  'rest-seconds': 2,
  processes: 1,
}

export const profiles = {
  ci: {
    ...quiet,
    seconds: 60,
    resets: 400,
    holes: 400,
    'open-holes': 5,
    stalls: 30,
    slices: 30,
    throttles: 30,
    truncates: 60,
    latencies: 30,
    kills: 3,
    terms: 2,
    stops: 1,
    'rest-seconds': 2,
    'client-kills': 2,
  },
  /** Servers that stop politely under clients whom nothing else disturbs: each of these is closed with 1012. */
  drain: {
    ...quiet,
    clients: 500,
    users: 500,
    'events-per-client': 38,
    seconds: 30,
    terms: 2,
    'rest-seconds': 4,
    'wait-seconds': 60,
    'delay-percent': 20,
  },
  'cluster-nats': { ...cluster, nodes: 3, 'database-outages': 2, 'bus-outages': 2 },
  'cluster-notify': { ...cluster, nodes: 3, 'database-outages': 2 },
  'cluster-single': cluster,
  nightly: {
    ...quiet,
    clients: 2_000,
    users: 200,
    'events-per-client': 500,
    seconds: 5_400,
    resets: 4_000,
    holes: 4_000,
    'open-holes': 200,
    stalls: 500,
    slices: 500,
    throttles: 500,
    truncates: 1_000,
    latencies: 500,
    kills: 200,
    terms: 50,
    stops: 50,
    'stop-seconds': 30,
    'rest-seconds': 5,
    'client-kills': 20,
    processes: 4,
    'delay-percent': 20,
    'settle-seconds': 60,
  },
} as const satisfies Record<string, Numbers>

export type Profile = keyof typeof profiles
export const isProfile = (name: string): name is Profile => name in profiles

/** What a profile stands on unless a flag says otherwise. */
export interface Ground {
  /** Runs on this PostgreSQL (`embedded`: one started for the campaign) instead of PGlite. */
  readonly postgres: string | null
  /** What carries hints between servers; null: what they choose themselves. */
  readonly bus: 'postgres' | 'nats' | null
}

export const grounds: Readonly<Partial<Record<Profile, Ground>>> = {
  'cluster-nats': { postgres: 'embedded', bus: 'nats' },
  'cluster-notify': { postgres: 'embedded', bus: 'postgres' },
}

/** `--profile cluster` is all of these, one after the other. */
export const clusterProfiles = ['cluster-nats', 'cluster-notify', 'cluster-single'] as const

export interface Plan extends Ground {
  readonly profile: Profile
  readonly numbers: Numbers
  /** Keep journals and logs also where nothing was wrong. */
  readonly keep: boolean
  readonly planted: string | null
}
