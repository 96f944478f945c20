import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryStore } from '../store/pglite-store.ts'
import { createDirectoryBlobs } from '../workspace/directory-blobs.ts'
import { deletionsContract } from './deletions.contract.ts'

deletionsContract('deletions on PGlite and a directory', async () => {
  await using opening = new AsyncDisposableStack()
  const store = opening.use(await openMemoryStore())
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-deletions-'))
  opening.defer(() => rm(directory, { recursive: true, force: true }))
  const blobs = createDirectoryBlobs({ directory, durable: false })
  const owned = opening.move()
  return { store, blobs, [Symbol.asyncDispose]: () => owned.disposeAsync() }
})
