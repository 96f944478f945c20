import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** No job, upload or fetch lasts nearly so long. */
const staleMs = 24 * 60 * 60 * 1_000

/** Removes what a killed process left behind in a directory of work under way. */
export async function sweepStale(directory: string, nowMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names) {
    const path = join(directory, name)
    // Its owner may be at it at this moment.
    const found = await stat(path).catch(() => null)
    if (found !== null && nowMs - found.mtimeMs > staleMs) await rm(path, { recursive: true, force: true })
  }
}
