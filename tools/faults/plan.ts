/** What a campaign does, as numbers. Every one is a flag. */
import { parseArgs } from 'node:util'

interface NumberFlag {
  readonly about: string
  readonly ci: number
  readonly nightly: number
}

/** The two profiles side by side; a flag of the same name changes one number. */
export const planFlags = {
  seed: { about: 'of the choice of victims and times', ci: 1, nightly: 1 },
  clients: { about: 'clients, each following one thread', ci: 50, nightly: 2_000 },
  users: { about: 'users with look-alike ids, one thread each', ci: 25, nightly: 200 },
  'events-per-client': { about: 'events that each client shall get, at least', ci: 400, nightly: 500 },
  seconds: { about: 'over which faults and events are spread', ci: 75, nightly: 5_400 },
  resets: { about: 'connections reset', ci: 400, nightly: 4_000 },
  holes: { about: 'half-open holes, 30–400 ms, then an RST', ci: 400, nightly: 4_000 },
  'open-holes': { about: 'half-open holes that nothing ends but the client', ci: 5, nightly: 200 },
  stalls: { about: 'stalls of 100–1,000 ms', ci: 30, nightly: 500 },
  slices: { about: 'connections in crumbs of 1–20 bytes for 300 ms', ci: 30, nightly: 500 },
  throttles: { about: 'connections at 8 KB/s for 500 ms', ci: 30, nightly: 500 },
  truncates: { about: 'connections cut in the middle of a frame', ci: 60, nightly: 1_000 },
  latencies: { about: 'connections with 50 ms more a chunk for 1 s', ci: 30, nightly: 500 },
  kills: { about: 'SIGKILL of a server, and its restart', ci: 3, nightly: 200 },
  terms: { about: 'SIGTERM of a server, and its restart', ci: 2, nightly: 50 },
  stops: { about: 'SIGSTOP of a server, and SIGCONT', ci: 1, nightly: 50 },
  'stop-seconds': { about: 'between SIGSTOP and SIGCONT', ci: 2, nightly: 30 },
  'rest-seconds': { about: 'after each deed to a process, for everybody to come back', ci: 3, nightly: 5 },
  'client-kills': {
    about: 'SIGKILL of a process of clients, restarted from the stored cursors',
    ci: 2,
    nightly: 20,
  },
  processes: { about: 'of clients', ci: 2, nightly: 4 },
  nodes: { about: 'servers; more than one needs PostgreSQL', ci: 1, nightly: 1 },
  'delay-percent': { about: "of the client's reconnect delays", ci: 3, nightly: 20 },
  'settle-seconds': { about: 'to be live again after the last fault', ci: 30, nightly: 60 },
} as const satisfies Record<string, NumberFlag>

export type PlanFlag = keyof typeof planFlags
export type Numbers = { readonly [Flag in PlanFlag]: number }

export interface Plan {
  readonly profile: 'ci' | 'nightly'
  readonly numbers: Numbers
  /** Runs on this PostgreSQL (`embedded`: one started for the campaign) instead of PGlite. */
  readonly postgres: string | null
  /** Keep journals and logs also where nothing was wrong. */
  readonly keep: boolean
  readonly planted: string | null
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'campaign'; readonly plan: Plan }
  | { readonly kind: 'model'; readonly seeds: number; readonly seed: number }
  | { readonly kind: 'planted' }

/** @throws {Error} a flag nobody knows, or a value that is no number; the message says which */
export function parseCommand(argv: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean' },
      profile: { type: 'string' },
      planted: { type: 'boolean' },
      'with-bug': { type: 'string' },
      postgres: { type: 'string' },
      keep: { type: 'boolean' },
      seeds: { type: 'string' },
      ...Object.fromEntries(Object.keys(planFlags).map((name) => [name, { type: 'string' as const }])),
    },
  })
  const given: Readonly<Record<string, string | boolean | undefined>> = values
  const number = (name: string, fallback: number): number => {
    const text = given[name]
    if (text === undefined) return fallback
    const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} takes a number, not ${text}`)
    return value
  }
  if (values.help === true) return { kind: 'help' }
  if (values.planted === true) return { kind: 'planted' }
  const { profile = 'ci' } = values
  if (profile === 'model') return { kind: 'model', seeds: number('seeds', 100_000), seed: number('seed', 1) }
  if (profile !== 'ci' && profile !== 'nightly')
    throw new Error(`--profile is ci, nightly or model, not ${profile}`)
  const numbers = Object.fromEntries(
    Object.entries(planFlags).map(([name, flag]) => [name, number(name, flag[profile])]),
  ) as Numbers
  const { postgres = null } = values
  if (numbers.nodes > 1 && postgres === null)
    throw new Error('--nodes above 1 needs --postgres: an embedded store belongs to one process')
  return {
    kind: 'campaign',
    plan: { profile, numbers, postgres, keep: values.keep === true, planted: values['with-bug'] ?? null },
  }
}

export function helpText(): string {
  const width = Math.max(...Object.keys(planFlags).map(({ length }) => length)) + 2
  const row = (name: string, about: string, ci: string, nightly: string): string =>
    `  ${name.padEnd(width)}  ${ci.padStart(7)}  ${nightly.padStart(7)}  ${about}`
  return [
    'Breaks connections and processes of a real server and says what its clients lost, got twice or got wrong.',
    '',
    'Usage: npm run faults -- --profile ci|nightly [flags]',
    '       npm run faults -- --profile model [--seeds 100000] [--seed 1]',
    '       npm run faults -- --planted',
    '',
    row('flag', '', 'ci', 'nightly'),
    ...Object.entries(planFlags).map(([name, { about, ci, nightly }]) =>
      row(`--${name}`, about, String(ci), String(nightly)),
    ),
    '',
    '  --postgres URL    a server to make a database in, or `embedded`; default PGlite',
    '  --keep            keep journals and logs',
    '  --with-bug NAME   the campaign on a server with one planted bug',
    '',
    'Exit codes: 0 nothing found and the plan reached, 1 a violation, 2 the plan was not reached, 64 usage.',
  ].join('\n')
}
