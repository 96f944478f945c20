import { openMemoryStore } from '../store/pglite-store.ts'
import { quotasContract } from './quotas.contract.ts'

quotasContract('quotas on PGlite', openMemoryStore)
