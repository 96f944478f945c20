import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPgliteStore } from '../pglite-store.ts'
import type { Store } from '../store.ts'

/** A PGlite store in a directory of its own; both go together. */
export async function openTestPgliteStore(): Promise<Store> {
  await using opening = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-store-'))
  opening.defer(() => rm(directory, { recursive: true, force: true }))
  const store = opening.use(await openPgliteStore({ dataDir: directory }))
  const owned = opening.move()
  return { ...store, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
