/** The trivial agent as a DBOS workflow: a thought and a message, each a durable step. Arguments: port, database. */
import { createServer, type ServerResponse } from 'node:http'
import { DBOS } from '@dbos-inc/dbos-sdk'

const [port, systemDatabaseUrl] = process.argv.slice(2)

const run = DBOS.registerWorkflow(
  async () => {
    const startedAtMs = performance.timeOrigin + performance.now()
    await DBOS.runStep(async () => `0 ${crypto.randomUUID()}`, { name: 'thought' })
    await DBOS.runStep(async () => `Told 1, ${crypto.randomUUID()}`, { name: 'message' })
    return { startedAtMs }
  },
  { name: 'run' },
)

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl,
  runAdminServer: false,
  logLevel: 'error',
  systemDatabasePoolSize: 50,
})
await DBOS.launch()

async function answer(response: ServerResponse): Promise<void> {
  try {
    const handle = await DBOS.startWorkflow(run)()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await handle.getResult()))
  } catch (error) {
    response.statusCode = 500
    response.end(String(error))
  }
}

createServer((request, response) => {
  request.resume()
  void answer(response)
}).listen(Number(port), '127.0.0.1', () => console.log('listening'))
process.once('disconnect', () => process.exit(0))
