import { describe } from 'vitest'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { userDeletionsContract } from './user-deletions.contract.ts'

const postgres = await startTestPostgres()

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  userDeletionsContract('users who leave', () => openTestPostgresStore(postgres))
})
