import { systemIdMaker } from '@holdfast/protocol'
import { openTestPgliteStore } from '../store/testing/pglite.ts'
import { eventLogContract } from './event-log.contract.ts'
import { createMemoryEventLog } from './memory-event-log.ts'
import { sqlHarness } from './testing/sql-harness.ts'
import { transactContract } from './transact.contract.ts'

eventLogContract('the log in memory', async () => {
  const log = createMemoryEventLog()
  const makeId = systemIdMaker()
  return {
    log,
    createThread: async () => log.createThread(),
    createRun: async () => makeId('run'),
    setLease: async (runId, leaseEpoch) => log.setLease(runId, leaseEpoch),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
})

eventLogContract('the log on PGlite in a directory', async () => sqlHarness(await openTestPgliteStore()))

transactContract('transactions of the log on PGlite', openTestPgliteStore)
