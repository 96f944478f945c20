import { openMemoryStore } from '../store/pglite-store.ts'
import { expiredRowsContract } from './expired-rows.contract.ts'

expiredRowsContract('on PGlite', openMemoryStore)
