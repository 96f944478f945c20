import { describe } from 'vitest'
import { openMemoryStore } from '../store/pglite-store.ts'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { wholeStoreContract } from './whole-store.contract.ts'

const postgres = await startTestPostgres()
const openPostgres = () => openTestPostgresStore(postgres)

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  wholeStoreContract('a whole store on PostgreSQL', openPostgres, openPostgres, true)
  wholeStoreContract('a whole store from PGlite to PostgreSQL', openMemoryStore, openPostgres, true)
  wholeStoreContract('a whole store from PostgreSQL to PGlite', openPostgres, openMemoryStore, false)
})
