import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@holdfast/client'
import type { ThreadId } from '@holdfast/protocol'
import { readLocalAccess } from '@holdfast/server/start'
import { expect, test, vi } from 'vitest'
import { start, temporaryDirectory } from '../src/holdfast.test-support.ts'
import { sampleUsage } from '../src/sample/sample-usage.ts'

const patienceMs = 120_000

test(
  'kill -9 right after a thread was deleted: the next start takes its bytes away, and it never comes back',
  async () => {
    await using directory = await temporaryDirectory()
    const dataDir = join(directory.path, 'data')
    const blobs = join(dataDir, 'blobs')
    const serve = async () => {
      const server = start(['serve', '--port', '0', '--data-dir', dataDir])
      await server.saw(/is at (\S+)/)
      const access = await readLocalAccess(dataDir)
      if (access === null) throw new Error('the server did not say where it is')
      return { server, client: createClient({ url: access.url, token: access.token }) }
    }
    const first = await serve()
    const ids: ThreadId[] = []
    for (let made = 0; made < 20; made += 1) {
      const { id } = await first.client.createThread({})
      ids.push(id)
      const text = [...sampleUsage({ rows: 100 })].join('')
      await first.client.upload(id, { name: 'usage.csv', content: new Blob([text]) })
    }
    expect((await readdir(blobs)).toSorted()).toEqual([...ids, 'partial'].toSorted())
    const [kept, ...gone] = ids
    // The last answers are on their way when the server dies.
    const answers = gone.map((id) => first.client.deleteThread(id).then(() => id))
    const answered: ThreadId[] = []
    for (const answer of answers) void answer.then((id) => answered.push(id)).catch(() => {})
    await answers[3]
    first.server.child.kill('SIGKILL')
    await first.server.ended
    await first.client[Symbol.asyncDispose]()

    const second = await serve()
    try {
      const { items } = await second.client.threads()
      const alive = items.map(({ id }) => id)
      expect(answered.length).toBeGreaterThan(3)
      for (const id of answered) expect(alive).not.toContain(id)
      expect(alive).toContain(kept)
      await vi.waitFor(
        async () => expect((await readdir(blobs)).toSorted()).toEqual([...alive, 'partial'].toSorted()),
        { timeout: 20_000, interval: 50 },
      )
    } finally {
      await second.client[Symbol.asyncDispose]()
      await second.server[Symbol.asyncDispose]()
    }
  },
  patienceMs,
)
