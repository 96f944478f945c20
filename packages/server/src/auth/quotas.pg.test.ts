import { describe } from 'vitest'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { quotasContract } from './quotas.contract.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  quotasContract('quotas on PostgreSQL', () => openTestPostgresStore(postgres))
})
