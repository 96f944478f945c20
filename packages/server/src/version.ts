import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Version } from '@holdfast/protocol'
import type { Settings } from './environment/settings.ts'
import { contractDocument } from './http/contract.ts'
import { migrations } from './store/migrations/migrations.ts'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** SHA-256 of the contract as it is served. */
const contractHash = createHash('sha256').update(contractDocument).digest('hex')

/** Of this server, as published, and of this build, as the operator said. */
export function versionOf({ role, commit, imageDigest }: Settings): Version {
  return {
    version: manifest.version,
    role,
    commit: commit ?? 'unknown',
    image: imageDigest ?? 'unknown',
    contract: contractHash,
    schema: Object.keys(migrations).sort().at(-1) ?? 'none',
  }
}
