import type { RunningServer } from '@holdfast/server'

const durabilities = {
  memory: 'kept in memory only: nothing survives the process',
  'process-crash': 'what is acknowledged survives a crash of the process, not a loss of power',
  'power-loss': 'what is acknowledged survives a loss of power',
} as const satisfies Record<RunningServer['store']['durability'], string>

/** `pglite in .holdfast, what is acknowledged survives …` */
export function describeStore({ kind, durability }: RunningServer['store'], dataDir: string): string {
  const place = kind === 'pglite' ? `PGlite in ${dataDir}` : 'PostgreSQL (HOLDFAST_DATABASE_URL)'
  return `${place}; ${durabilities[durability]}`
}
