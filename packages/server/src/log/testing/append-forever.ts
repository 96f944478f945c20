/**
 * A child process of crash.test.ts: appends to a thread on PGlite, 16 at a time, and prints the place of every event
 * once its append is acknowledged, until it is killed.
 */
import { writeSync } from 'node:fs'
import { RunId, ThreadId } from '@holdfast/protocol'
import { openPgliteStore } from '../../store/pglite-store.ts'
import { createEventLog } from '../sql-event-log.ts'

const [dataDir = '', rawThread, rawRun, round = ''] = process.argv.slice(2)
const [threadId, runId] = [ThreadId.parse(rawThread), RunId.parse(rawRun)]
const store = await openPgliteStore({ dataDir })
const log = createEventLog(store)
// A message id that passes for one; what the events say is not what is tested.
const messageId = runId.replace('run_', 'msg_') as never

await Promise.all(
  Array.from({ length: 16 }, async (_, appender) => {
    for (let part = 0; ; part += 1) {
      const producerKey = `${round}.${appender}.${part}`
      const [stored] = await log.append({
        threadId,
        runId,
        agent: 'a',
        fence: null,
        producerKey,
        events: [{ type: 'message_delta', data: { messageId, text: producerKey } }],
      })
      // Synchronous: what is printed has left the process, whatever happens next.
      writeSync(1, `${stored?.seq} ${producerKey}\n`)
    }
  }),
)
