/**
 * Packs a new PGlite database, so that each later one is a copy of it: `npm test` runs this first, whose tests open
 * hundreds, and so does whoever publishes the package. Where it is there already this costs some milliseconds.
 */
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import { templatePath } from '../src/store/pglite/template.ts'

/** @returns whether there was anything to do */
export async function buildTemplate(path: string = templatePath): Promise<boolean> {
  if (existsSync(path)) return false
  const db = await PGlite.create('memory://')
  const packed = await db.dumpDataDir('none')
  await db.close()
  await mkdir(dirname(path), { recursive: true })
  // Put in its place in one step: whoever reads it meanwhile sees a whole one, or none.
  const fresh = `${path}.${process.pid}`
  await writeFile(fresh, await promisify(zstdCompress)(Buffer.from(await packed.arrayBuffer())))
  await rename(fresh, path)
  return true
}

if (import.meta.main) {
  const began = performance.now()
  if (await buildTemplate())
    console.log(
      `The template of the embedded database is packed (${((performance.now() - began) / 1000).toFixed(1)} s).`,
    )
}
