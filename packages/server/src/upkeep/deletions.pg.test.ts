import { describe } from 'vitest'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { openS3Blobs } from '../workspace/s3-blobs.ts'
import { openS3Server } from '../workspace/testing/s3-server.ts'
import { deletionsContract } from './deletions.contract.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  deletionsContract('deletions on PostgreSQL and a store of objects', async () => {
    await using opening = new AsyncDisposableStack()
    const store = opening.use(await openTestPostgresStore(postgres))
    const { bucket, endpoint, credentials } = opening.use(await openS3Server())
    const blobs = opening.use(await openS3Blobs({ bucket, prefix: '', endpoint, region: null, credentials }))
    const owned = opening.move()
    return { store, blobs, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  })
})
