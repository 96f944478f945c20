import { openMemoryStore } from '../store/pglite-store.ts'
import { createLogger } from '../telemetry/logger.ts'
import { heartbeatContract } from './heartbeat.contract.ts'
import { timerHeartbeat } from './timer-heartbeat.ts'

heartbeatContract('the heartbeat of an embedded store', async () => {
  const store = await openMemoryStore()
  const openHeartbeat = timerHeartbeat(store, createLogger({ level: 'silent', format: 'line' }))
  return { store, openHeartbeat, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
})
