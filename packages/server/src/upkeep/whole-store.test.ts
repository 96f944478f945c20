import { openMemoryStore } from '../store/pglite-store.ts'
import { wholeStoreContract } from './whole-store.contract.ts'

wholeStoreContract('a whole store on PGlite', openMemoryStore, openMemoryStore, true)
