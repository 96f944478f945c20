import { openMemoryStore } from '../store/pglite-store.ts'
import { authContract } from './auth.contract.ts'

authContract('credentials on PGlite', openMemoryStore)
