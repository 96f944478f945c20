import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** How another program of the same user reaches the server that has a data directory open. */
const LocalAccess = z.object({
  pid: z.int().positive(),
  url: z.url({ protocol: /^http$/ }),
  token: z.string().min(1),
})
export type LocalAccess = z.infer<typeof LocalAccess>

const fileOf = (dataDir: string): string => join(dataDir, 'local-access.json')

/** Readable by its owner only (0600). Returns what removes it again: call it when the server closes. */
export async function writeLocalAccess(dataDir: string, access: LocalAccess): Promise<() => Promise<void>> {
  const file = fileOf(dataDir)
  // Written aside and renamed: a reader never sees half of it, nor an older file's wider permissions.
  const aside = `${file}.${access.pid}`
  await rm(aside, { force: true })
  await writeFile(aside, `${JSON.stringify(access)}\n`, { mode: 0o600, flag: 'wx' })
  await rename(aside, file)
  return async () => {
    // A server that took the directory over since has written its own: that one stays.
    if ((await readLocalAccess(dataDir))?.token === access.token) await rm(file, { force: true })
  }
}

/**
 * null: no server has said so, or what stands there cannot be used. A server that was killed leaves its file
 * behind, so whoever reads it asks `url` before relying on it.
 */
export async function readLocalAccess(dataDir: string): Promise<LocalAccess | null> {
  let text: string
  try {
    text = await readFile(fileOf(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return LocalAccess.parse(JSON.parse(text))
  } catch {
    // Not our file's shape (an older version, a torn disk): as good as none.
    return null
  }
}
