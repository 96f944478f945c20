import {
  Problem,
  Run,
  type RunId,
  type StoredEvent,
  Thread,
  type ThreadId,
  terminalTypes,
} from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openNode } from './compose.test-support.ts'
import type { RunningServer } from './compose.ts'
import { readFrames } from './realtime/frame-reader.test-support.ts'
import { startTestPostgres } from './store/testing/postgres.ts'
import { openPostgresServer } from './store/testing/postgres-server.ts'
import type { ToolDefinition } from './tools/define-tool.ts'

const postgres = await startTestPostgres()

/** A tool whose first call of a run waits until it is let go, and an agent that calls it twice and answers. */
function waitingAgent() {
  const calls: RunId[] = []
  const reached = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const tool: ToolDefinition = {
    name: 'wait',
    description: 'Waits.',
    effect: 'pure',
    input: z.unknown(),
    async execute(_, { runId }) {
      calls.push(runId)
      reached.resolve()
      await open.promise
      return { output: { calls: calls.length } }
    },
  }
  const rules = (calling: number) => (results: readonly unknown[]) =>
    results.length < calling
      ? { kind: 'call' as const, tool: 'wait', input: {}, thinking: 'Next.' }
      : { kind: 'say' as const, text: 'done' }
  const agent = (name: string, calling: number) => ({
    name,
    description: 'Waits.',
    instructions: 'Wait.',
    tools: ['wait'],
    offlineRules: rules(calling),
  })
  return {
    parts: { agents: [agent('waiting', 2), agent('quick', 0)], tools: [tool] },
    calls,
    reached: reached.promise,
    letGo: open.resolve,
  }
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

function client(server: RunningServer) {
  const headers = { authorization: `Bearer ${server.local?.token}`, 'content-type': 'application/json' }
  const ask = async (method: string, path: string, body?: object, key?: string): Promise<Answer> => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  return {
    ask,
    newThread: async () => Thread.parse((await ask('POST', '/v1/threads', {})).body).id,
    submit: (threadId: ThreadId, agent: string, key?: string) =>
      ask('POST', `/v1/threads/${threadId}/runs`, { message: 'Go.', agent }, key),
    follow(...threadIds: readonly ThreadId[]) {
      const reader = readFrames(server.url, { headers: { authorization: headers.authorization } })
      const subs = threadIds.map((id) => ({ stream: `thread/${id}`, after: 'start' }))
      reader.send({ type: 'hello', instance: crypto.randomUUID(), subs })
      return reader
    },
  }
}

const isTerminal = ({ type }: StoredEvent): boolean => (terminalTypes as readonly string[]).includes(type)

/** Events of a stream until as many runs have ended, each expected to be the next of its thread. */
async function untilEnded(
  reader: ReturnType<typeof readFrames>,
  runs: number,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = []
  while (events.filter(isTerminal).length < runs) events.push(...(await reader.events(1)))
  return events
}

const expectAway = ({ status, headers, body }: Answer): void => {
  expect(status).toBe(503)
  expect(headers.get('content-type')).toContain('application/problem+json')
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  expect(Problem.parse(body)).toMatchObject({ code: 'not_ready', retryable: true })
}

describe.skipIf(!postgres.available)(`a server whose real PostgreSQL goes away${postgres.note}`, () => {
  test.each(['fast', 'immediate'] as const)(
    '[B1] [R2] [R3] [R4] %s: answers 503, keeps its sockets, and goes on by itself where it was',
    async (how) => {
      await using database = await openPostgresServer()
      const { parts, reached, calls, letGo } = waitingAgent()
      await using server = await openNode({ HOLDFAST_DATABASE_URL: database.url }, parts)
      const { ask, newThread, submit, follow } = client(server)
      const [busy, idle] = [await newThread(), await newThread()]
      const reader = follow(busy, idle)
      for (let live = 0; live < 2; ) if ((await reader.any()).type === 'live') live += 1
      const { id: runId } = Run.parse((await submit(busy, 'waiting')).body)
      await reached

      await database.stop(how)
      await expect.poll(async () => (await ask('GET', '/health/ready')).status).toBe(503)
      expectAway(await ask('GET', '/health/ready'))
      expectAway(await ask('GET', '/v1/threads'))
      expectAway(await ask('GET', `/v1/runs/${runId}`))
      expectAway(await submit(idle, 'quick'))
      expect((await ask('GET', '/health/live')).status).toBe(200)
      // A connection that comes now is refused before it is one: nobody can say whose it is. One that is there stays.
      expect(await follow(idle).closed).toMatchObject({ code: 1006 })
      // What the tool found is not written, and nothing is made of it.
      letGo()

      const beganMs = performance.now()
      await database.start()
      const events = await untilEnded(reader, 1)
      expect(performance.now() - beganMs).toBeLessThan(10_000)
      expect(events.filter(({ threadId }) => threadId === busy).map(({ seq }) => seq)).toEqual(
        events.map((_, index) => index + 1),
      )
      expect(events.flatMap((event) => (event.type === 'agent_started' ? event.data.attempt : []))).toEqual([
        1, 2,
      ])
      expect(events.at(-1)?.type).toBe('agent_completed')
      for (const type of ['tool_executing', 'tool_completed'] as const) {
        const ids = events.flatMap((event) => (event.type === type ? event.data.callId : []))
        expect([type, new Set(ids).size]).toEqual([type, 2])
        if (type === 'tool_completed') expect(ids).toHaveLength(2)
      }
      // The first call was pure and open: it ran again (R3).
      expect(calls).toEqual([runId, runId, runId])

      // The same socket, the same node.
      expect((await ask('GET', '/health/ready')).status).toBe(200)
      expect((await submit(idle, 'quick')).status).toBe(202)
      expect((await untilEnded(reader, 1)).at(-1)).toMatchObject({ threadId: idle, type: 'agent_completed' })
      expect(reader.socket.readyState).toBe(1)
    },
  )

  test('[R4] [R5] of runs that are submitted while it is stopped and started twice every accepted one ends once', async () => {
    await using database = await openPostgresServer()
    const { parts } = waitingAgent()
    await using server = await openNode({ HOLDFAST_DATABASE_URL: database.url }, parts)
    const { newThread, submit, ask, follow } = client(server)
    const threadIds = [await newThread(), await newThread(), await newThread(), await newThread()]
    const accepted = new Map<string, RunId>()
    let refused = 0
    let stop = false
    /** As a client does: the same key until the server has taken it. */
    const submitForEver = async (threadId: ThreadId, client: number): Promise<void> => {
      for (let number = 0; !stop; number += 1) {
        const key = `${client}-${number}`
        while (!accepted.has(key)) {
          const answer = await submit(threadId, 'quick', key)
          if (answer.status === 202) accepted.set(key, Run.parse(answer.body).id)
          else {
            expectAway(answer)
            refused += 1
          }
        }
      }
    }
    const submitting = Promise.all(threadIds.map(submitForEver))
    for (const how of ['fast', 'immediate'] as const) {
      const before = accepted.size
      await expect.poll(() => accepted.size, { timeout: 20_000 }).toBeGreaterThan(before + 20)
      const refusedBefore = refused
      await database.stop(how)
      await expect.poll(() => refused).toBeGreaterThan(refusedBefore + 10)
      await database.start()
    }
    const before = accepted.size
    await expect.poll(() => accepted.size, { timeout: 20_000 }).toBeGreaterThan(before + 20)
    stop = true
    await submitting

    const ids = new Set(accepted.values())
    expect(ids.size).toBe(accepted.size)
    const ended = new Map<RunId, number>()
    for (const threadId of threadIds) {
      // As many runs as were accepted there, and not one more.
      const wanted = [...accepted].filter(([key]) => key.startsWith(`${threadIds.indexOf(threadId)}-`)).length
      const events = await untilEnded(follow(threadId), wanted)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
      for (const { runId } of events.filter(isTerminal)) ended.set(runId, (ended.get(runId) ?? 0) + 1)
      const queued = events.filter(({ type }) => type === 'run_queued').map(({ runId }) => runId)
      expect(new Set(queued).size).toBe(wanted)
    }
    expect([...ended.keys()].toSorted()).toEqual([...ids].toSorted())
    expect([...ended.values()].every((times) => times === 1)).toBe(true)
    const status = await Promise.all(
      [...ids].map(async (id) => Run.parse((await ask('GET', `/v1/runs/${id}`)).body).status),
    )
    expect(new Set(status)).toEqual(new Set(['completed']))
  })
})
