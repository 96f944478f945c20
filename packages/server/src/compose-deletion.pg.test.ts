import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileInfo, Run, Thread } from '@holdfast/protocol'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { openNode } from './compose.test-support.ts'
import type { RunningServer } from './compose.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { openPostgresStore } from './store/postgres-store.ts'
import { startTestPostgres } from './store/testing/postgres.ts'
import { createLogger } from './telemetry/logger.ts'
import type { ToolDefinition } from './tools/define-tool.ts'

const postgres = await startTestPostgres()

/** An agent whose one tool call lasts until it is told to stop, and says so. */
function stubbornAgent() {
  const reached = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<unknown>()
  const tool: ToolDefinition = {
    name: 'wait',
    description: 'Waits.',
    effect: 'pure',
    input: z.unknown(),
    execute: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        reached.resolve()
        signal.addEventListener('abort', () => {
          stopped.resolve(signal.reason)
          reject(signal.reason as Error)
        })
      }),
  }
  const agent = {
    name: 'waiting',
    description: 'Waits.',
    instructions: 'Wait.',
    tools: ['wait'],
    offlineRules: () => ({ kind: 'call' as const, tool: 'wait', input: {}, thinking: 'Next.' }),
  }
  return { parts: { agents: [agent], tools: [tool] }, reached: reached.promise, stopped: stopped.promise }
}

async function request(server: RunningServer, method: string, path: string, body?: object | FormData) {
  const isForm = body instanceof FormData
  const response = await fetch(`${server.url}/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.local?.token}`,
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: response.status === 204 ? null : await response.json() }
}

describe.skipIf(!postgres.available)(`two nodes on real PostgreSQL${postgres.note}`, () => {
  test('a thread deleted at one node is gone at the other: followers are told, its run ends, bytes and rows go', async () => {
    await using database = await postgres.createDatabase()
    await using opened = new AsyncDisposableStack()
    const files = await mkdtemp(join(tmpdir(), 'holdfast-deletion-'))
    opened.defer(() => rm(files, { recursive: true, force: true }))
    const environment = { HOLDFAST_DATABASE_URL: database.connectionString, HOLDFAST_FILES: files }
    const agent = stubbornAgent()
    const lines: string[] = []
    const logger = createLogger({ level: 'info', format: 'line', write: (line) => void lines.push(line) })
    // The run is at the first: the other carries out none.
    await using one = await openNode(environment, agent.parts, logger)
    await using two = await openNode({ ...environment, HOLDFAST_ROLE: 'web' }, agent.parts)

    const { id } = Thread.parse((await request(one, 'POST', '/threads', {})).body)
    const form = new FormData()
    form.append('file', new File(['a,b\n1,2\n'], 'a.csv'))
    const file = FileInfo.parse((await request(two, 'POST', `/threads/${id}/files`, form)).body)
    expect(await readdir(join(files, id))).toEqual([file.id])
    Run.parse((await request(two, 'POST', `/threads/${id}/runs`, { message: 'go' })).body)
    await agent.reached

    const readers = [one, two].map((server) => {
      const reader = readFrames(server.url, { headers: { authorization: `Bearer ${server.local?.token}` } })
      reader.send({
        type: 'hello',
        instance: 'test',
        subs: [
          { stream: `thread/${id}`, after: 'head' },
          { stream: 'user/me', after: 'head' },
        ],
      })
      return reader
    })
    for (const reader of readers)
      for (let live = 0; live < 2; ) if ((await reader.any()).type === 'live') live += 1

    expect((await request(two, 'DELETE', `/threads/${id}`)).status).toBe(204)
    for (const server of [one, two]) expect((await request(server, 'GET', `/threads/${id}`)).status).toBe(404)
    for (const reader of readers) {
      const frames = [await reader.any(), await reader.any()]
      expect(frames).toContainEqual(
        expect.objectContaining({
          type: 'lifecycle',
          items: [expect.objectContaining({ type: 'thread_deleted', threadId: id })],
        }),
      )
      expect(frames).toContainEqual({ type: 'sub_err', stream: `thread/${id}`, code: 'not_found' })
    }
    expect(await agent.stopped).toMatchObject({ by: 'lease_lost' })
    expect((await request(one, 'GET', `/files/${file.id}`)).status).toBe(404)

    await using store = await openPostgresStore({ connectionString: database.connectionString, poolSize: 1 })
    await vi.waitFor(
      async () => {
        expect(await readdir(files)).not.toContain(id)
        for (const table of ['events', 'runs', 'files', 'artifacts'] as const)
          expect(await store.db.selectFrom(table).selectAll().execute()).toEqual([])
      },
      { timeout: 15_000 },
    )
    // That is no fault of anybody's.
    expect(lines.filter((line) => /error/i.test(line))).toEqual([])
  })
})
