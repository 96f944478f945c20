import { openMemoryStore } from '../store/pglite-store.ts'
import { userDeletionsContract } from './user-deletions.contract.ts'

userDeletionsContract('users who leave, on PGlite', openMemoryStore)
