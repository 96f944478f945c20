import { join } from 'node:path'
import type { RunningServer, Settings } from '@holdfast/server/start'

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

const rolesInWords = {
  all: 'all: answers people and carries out runs',
  web: 'web: answers people; runs wait for a worker',
  worker: 'worker: carries out runs',
} as const satisfies Record<RunningServer['role'], string>

export const describeRole = (role: RunningServer['role']): string => rolesInWords[role]

/** Where uploads and artifacts are, and what that means for other servers. */
export function describeFiles({ files, dataDir, databaseUrl }: Settings): string {
  if (files?.kind === 's3')
    return `s3://${files.bucket}${files.prefix === '' ? '' : `/${files.prefix}`} (HOLDFAST_FILES)`
  if (files !== null) return `${files.path} (HOLDFAST_FILES)`
  const place = join(dataDir, 'blobs')
  return databaseUrl === null
    ? place
    : `${place}, for this server alone: set HOLDFAST_FILES where there are others`
}
