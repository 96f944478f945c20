import { describe } from 'vitest'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { eventLogContract } from './event-log.contract.ts'
import { sqlHarness } from './testing/sql-harness.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  eventLogContract('the log on PostgreSQL', async () => sqlHarness(await openTestPostgresStore(postgres)))
})
