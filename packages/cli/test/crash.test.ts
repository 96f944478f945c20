import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@holdfast/client'
import { advanceRun, newRun, type RunOrder, type StoredEvent } from '@holdfast/protocol'
import { readLocalAccess } from '@holdfast/server/start'
import { expect, test } from 'vitest'
import { openDataFiles } from '../src/ask/data-files.ts'
import { start, temporaryDirectory } from '../src/holdfast.test-support.ts'
import { sampleUsage } from '../src/sample/sample-usage.ts'

/** Two starts of a server and a run: long on a machine that does other things as well. */
const patienceMs = 120_000

/** Every place where a server can die: after any event of the run that is not its last. */
const deaths = ['agent_started', 'tool_executing', 'tool_completed', 'artifact_created'] as const

test.each(deaths)(
  '[R3] kill -9 after %s: the next start goes on, and no finished call is repeated',
  async (type) => {
    await using directory = await temporaryDirectory()
    const dataDir = join(directory.path, 'data')
    const file = join(directory.path, 'usage.csv')
    await writeFile(file, [...sampleUsage({ rows: 2_000 })].join(''))
    const serve = async () => {
      const server = start(['serve', '--port', '0', '--data-dir', dataDir])
      await server.saw(/is at (\S+)/)
      const access = await readLocalAccess(dataDir)
      if (access === null) throw new Error('the server did not say where it is')
      return { server, client: createClient({ url: access.url, token: access.token }) }
    }
    const signal = AbortSignal.timeout(patienceMs)

    const first = await serve()
    const { id: threadId } = await first.client.createThread({})
    const [data] = await openDataFiles([file])
    if (data === undefined) throw new Error('no file')
    const { id } = await first.client.upload(threadId, data)
    const run = await first.client.submit(threadId, { message: 'Where does the money go?', files: [id] })
    const seen: StoredEvent[] = []
    for await (const event of first.client.events(threadId, { after: 'start', signal })) {
      seen.push(event)
      if (event.type === type) break
    }
    first.server.child.kill('SIGKILL')
    await first.server.ended
    await first.client[Symbol.asyncDispose]()

    const second = await serve()
    try {
      const events: StoredEvent[] = []
      for await (const event of second.client.events(threadId, { after: 'start', signal })) {
        events.push(event)
        if (event.type === 'agent_completed' || event.type === 'agent_failed') break
      }
      // L1: what anybody has seen is still there, at the same place.
      expect(events.slice(0, seen.length)).toEqual(seen)
      let order: RunOrder = newRun
      for (const event of events) {
        const check = advanceRun(order, event)
        if (!check.ok) throw new Error(check.violation)
        order = check.next
      }
      expect(events.at(-1)).toMatchObject({ type: 'agent_completed', data: { outcome: 'answered' } })
      expect(events.filter((event) => event.type === 'agent_started')).toHaveLength(2)
      const completed = events.flatMap((event) => (event.type === 'tool_completed' ? [event.data.tool] : []))
      expect(completed).toEqual([...new Set(completed)])
      expect(await second.client.run(run.id)).toMatchObject({ status: 'completed', attempt: 2 })
    } finally {
      await second.client[Symbol.asyncDispose]()
      await second.server[Symbol.asyncDispose]()
    }
  },
  patienceMs,
)
