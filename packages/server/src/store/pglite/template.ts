import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import tar from 'tar-stream'
import { z } from 'zod'

/** Of this PGlite alone: another one makes another database. */
function templateName(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')))
  return `pglite-${version}.tar.zst`
}

export const templatePath = join(import.meta.dirname, '../../../dist', templateName())

/** Of what is unpacked, which has some 40 MB: in pieces of 16 KiB, zlib's own, it takes twice as long. */
const pieceBytes = 64 * 1024 * 1024

/**
 * A database as PGlite makes it, packed by bin/build-template.ts: a store on a copy opens in half of the time that one
 * on a new database takes. null where it was not built: then a new one is made.
 * @returns a tar of the database's directory
 */
export async function readTemplate(path: string = templatePath): Promise<Uint8Array | null> {
  const packed = await readFile(path).catch(() => null)
  return packed === null ? null : await promisify(zstdDecompress)(packed, { chunkSize: pieceBytes })
}

/**
 * Makes `directory` a copy of the template, whole or not at all. PGlite unpacks by itself too, file by file through its
 * own file system, in five times the time.
 * @returns false where something stands in its place that is not to be written over, or it is a mount: nothing is done
 */
export async function unpackTemplate(template: Uint8Array, directory: string): Promise<boolean> {
  const unpacked = `${directory}.unpacking`
  // Whoever died over it has left theirs.
  rmSync(unpacked, { recursive: true, force: true })
  mkdirSync(unpacked, { mode: 0o700 })
  const entries = tar.extract()
  entries.end(template)
  for await (const entry of entries) {
    const path = join(unpacked, entry.header.name)
    if (entry.header.type === 'directory') mkdirSync(path, { recursive: true, mode: 0o700 })
    else writeFileSync(path, await buffer(entry), { mode: 0o600 })
    entry.resume()
  }
  try {
    renameSync(unpacked, directory)
    return true
  } catch (error) {
    rmSync(unpacked, { recursive: true, force: true })
    if (error instanceof Error && 'code' in error && inTheWay.has(String(error.code))) return false
    throw error
  }
}

const inTheWay = new Set(['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EXDEV'])
