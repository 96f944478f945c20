/** The command line of `npm run faults`. */
import { parseArgs } from 'node:util'
import {
  clusterProfiles,
  grounds,
  isProfile,
  type Numbers,
  type Plan,
  type PlanFlag,
  type Profile,
  planFlags,
  profiles,
} from './plan.ts'

export type Command =
  | { readonly kind: 'help' }
  /** One after the other. */
  | { readonly kind: 'campaigns'; readonly plans: readonly Plan[] }
  | { readonly kind: 'model'; readonly seeds: number; readonly seed: number }
  /** Only bugs whose names hold `name`; empty: all, and each trial without any. */
  | { readonly kind: 'planted'; readonly name: string }

/** @throws {Error} a flag nobody knows, or a value that is no number; the message says which */
export function parseCommand(argv: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean' },
      profile: { type: 'string' },
      planted: { type: 'boolean' },
      bug: { type: 'string' },
      'with-bug': { type: 'string' },
      postgres: { type: 'string' },
      bus: { type: 'string' },
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
  if (values.planted === true) return { kind: 'planted', name: values.bug ?? '' }
  const { profile = 'ci' } = values
  if (profile === 'model') return { kind: 'model', seeds: number('seeds', 100_000), seed: number('seed', 1) }
  const planOf = (name: string): Plan => {
    if (!isProfile(name))
      throw new Error(`--profile is ${Object.keys(profiles).join(', ')}, cluster or model, not ${name}`)
    const numbers = Object.fromEntries(
      Object.entries(profiles[name]).map(([flag, value]) => [flag, number(flag, value)]),
    ) as Numbers
    const ground = grounds[name] ?? { postgres: null, bus: null }
    const { postgres = ground.postgres, bus = ground.bus } = values
    if (bus !== null && bus !== 'postgres' && bus !== 'nats')
      throw new Error(`--bus is postgres or nats, not ${bus}`)
    if (numbers.nodes > 1 && postgres === null)
      throw new Error('--nodes above 1 needs --postgres: an embedded store belongs to one process')
    const planted = values['with-bug'] ?? null
    return { profile: name, numbers, postgres, bus, keep: values.keep === true, planted }
  }
  const names = profile === 'cluster' ? clusterProfiles : [profile]
  return { kind: 'campaigns', plans: names.map(planOf) }
}

export function helpText(): string {
  const width = Math.max(...Object.keys(planFlags).map(({ length }) => length)) + 2
  const row = (name: string, about: string, values: readonly string[]): string =>
    `  ${name.padEnd(width)}${values.map((value) => value.padStart(9)).join('')}  ${about}`
  const names = Object.keys(profiles) as readonly Profile[]
  return [
    'Breaks connections and processes of a real server and says what its clients lost, got twice or got wrong.',
    '',
    `Usage: npm run faults -- --profile ${names.join('|')} [flags]`,
    '       npm run faults -- --profile cluster [flags]     cluster-nats, cluster-notify and cluster-single',
    '       npm run faults -- --profile model [--seeds 100000] [--seed 1]',
    '       npm run faults -- --planted [--bug TEXT]        bugs whose names hold TEXT; default all',
    '',
    row('flag', '', names),
    ...Object.entries(planFlags).map(([name, about]) =>
      row(
        `--${name}`,
        about,
        names.map((profile) => String(profiles[profile][name as PlanFlag])),
      ),
    ),
    '',
    '  --postgres URL    a server to make a database in, or `embedded`; default PGlite',
    '  --bus NAME        postgres or nats (Debian: nats-server); default what the servers choose',
    '  --keep            keep journals and logs',
    '  --with-bug NAME   the campaign on a server with one planted bug',
    '',
    'Exit codes: 0 nothing found and the plan reached, 1 a violation, 2 the plan was not reached, 64 usage.',
  ].join('\n')
}
