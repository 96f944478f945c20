import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { z } from 'zod'

/** Of this PGlite alone: another one makes another database. */
function templateName(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')))
  return `pglite-${version}.tar.zst`
}

export const templatePath = join(import.meta.dirname, '../../../dist', templateName())

/**
 * A database as PGlite makes it, packed by bin/build-template.ts: a store on a copy opens in two thirds of the time
 * that one on a new database takes. null where it was not built: then a new one is made.
 */
export async function readTemplate(path: string = templatePath): Promise<Blob | null> {
  const packed = await readFile(path).catch(() => null)
  return packed === null ? null : new Blob([await promisify(zstdDecompress)(packed)])
}
