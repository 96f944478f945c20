import { readFileSync } from 'node:fs'

/** Of this prover, as published. */
export const { version: toolVersion } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }
