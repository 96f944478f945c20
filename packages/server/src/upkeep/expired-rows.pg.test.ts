import { describe } from 'vitest'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { expiredRowsContract } from './expired-rows.contract.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  expiredRowsContract('on PostgreSQL', () => openTestPostgresStore(postgres))
})
