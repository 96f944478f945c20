/** Two workers on one PostgreSQL that hear of each other by the database alone: no hint passes between them. */
import type { RunId, StoredEvent } from '@holdfast/protocol'
import { advanceRun, newRun, SubmitRun, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRegistry } from '../agents/registry.ts'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog, type SqlEventLog } from '../log/sql-event-log.ts'
import { createModelManager } from '../models/model-manager.ts'
import type { Principal } from '../principal.ts'
import { openPostgresStore } from '../store/postgres-store.ts'
import { startTestPostgres } from '../store/testing/postgres.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { ToolContext, ToolDefinition } from '../tools/define-tool.ts'
import type { ThreadWorkspace, Workspace } from '../workspace/workspace.ts'
import { createRuns } from './create-runs.ts'
import type { OpenHeartbeat } from './heartbeat.ts'
import { threadHeartbeat } from './thread-heartbeat.ts'
import { startWorker } from './worker.ts'

const postgres = await startTestPostgres()
const makeId = systemIdMaker()
const ann: Principal = { kind: 'user', userId: makeId('user') }
const logger = createLogger({ level: 'silent', format: 'line' })
const workspace = { thread: () => ({}) as ThreadWorkspace } as unknown as Workspace

/** A heartbeat that stands still, as a process does that was stopped. */
const stopped: OpenHeartbeat = async () => ({
  hold: () => {},
  beat: () => {},
  [Symbol.asyncDispose]: async () => {},
})

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  async function openNode(
    connectionString: string,
    execute: (context: ToolContext) => Promise<unknown>,
    openHeartbeat = threadHeartbeat(connectionString, logger),
    effect: ToolDefinition['effect'] = 'pure',
  ) {
    await using opening = new AsyncDisposableStack()
    const store = opening.use(await openPostgresStore({ connectionString, poolSize: 5 }))
    const log = opening.use(createEventLog(store))
    const tool: ToolDefinition = {
      name: 'work',
      description: 'Works.',
      effect,
      input: z.unknown(),
      execute: async (_, context) => {
        await execute(context)
        return { output: 'done' }
      },
    }
    const agent = {
      name: 'helper',
      description: 'Helps.',
      instructions: 'Help.',
      tools: ['work'],
      offlineRules: (results: readonly unknown[]) =>
        results.length === 0
          ? { kind: 'call' as const, tool: 'work', input: {}, thinking: 'Working.' }
          : { kind: 'say' as const, text: 'done' },
    }
    const registry = createRegistry({ agents: [agent], tools: [tool], models: createModelManager() })
    const node = makeId('node')
    const common = { log, registry, makeId }
    const worker = await startWorker({
      ...common,
      store,
      workspace,
      node,
      nowMs: Date.now,
      logger,
      openHeartbeat,
      spent: async () => {},
    })
    opening.defer(() => worker.drain())
    const runs = createRuns({ ...common, store, onQueued: worker.wake, onCancel: worker.cancel })
    const owned = opening.move()
    return { store, log, registry, runs, worker, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  }
  type Node = Awaited<ReturnType<typeof openNode>>

  const submit = async ({ runs, store }: Node): Promise<RunId> => {
    const { id } = await createThreads(store).create(ann)
    return (await runs.submit(ann, id, SubmitRun.parse({ message: 'go' }), null)).run.id
  }
  const eventsOf = async ({ log }: Node, runId: RunId, last: StoredEvent['type']) => {
    const events = await expect
      .poll(async () => log.readRun(runId), { timeout: 20_000, interval: 50 })
      .toSatisfy((found: readonly StoredEvent[]) => found.at(-1)?.type === last)
      .then(() => log.readRun(runId))
    let order = newRun
    for (const event of events) {
      const check = advanceRun(order, event)
      if (!check.ok) throw new Error(check.violation)
      order = check.next
    }
    return events
  }
  const untilAborted = ({ signal }: ToolContext): Promise<unknown> => {
    const { promise, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    return promise
  }

  test('[R6] a cancel on one node stops the run on the other, within about a heartbeat', async () => {
    await using database = await postgres.createDatabase()
    const entered = Promise.withResolvers<void>()
    await using here = await openNode(database.connectionString, async (context) => {
      entered.resolve()
      await untilAborted(context)
    })
    const runId = await submit(here)
    await entered.promise
    await using there = await openNode(database.connectionString, async () => {})
    const beganMs = performance.now()
    await there.runs.cancel(ann, runId)
    const events = await eventsOf(there, runId, 'agent_cancelled')
    console.log(`cancelled from another node after ${Math.round(performance.now() - beganMs)} ms`)
    expect(events.slice(-2)).toMatchObject([
      { type: 'tool_completed', data: { ok: false, error: { code: 'cancelled' } } },
      { type: 'agent_cancelled', data: { by: 'user' } },
    ])
  })

  test('[R2] [R3] [L4] a node that stands still loses its run to another, and can write no more when it wakes', async () => {
    await using database = await postgres.createDatabase()
    const entered = Promise.withResolvers<void>()
    const wakes = Promise.withResolvers<void>()
    let executed = 0
    await using asleep = await openNode(
      database.connectionString,
      async () => {
        executed += 1
        entered.resolve()
        await wakes.promise
      },
      stopped,
    )
    const runId = await submit(asleep)
    await entered.promise
    const beganMs = performance.now()
    await using other = await openNode(database.connectionString, async () => {
      executed += 1
    })
    const events = await eventsOf(other, runId, 'agent_completed')
    console.log(`taken over and ended after ${Math.round(performance.now() - beganMs)} ms`)
    // Safe to repeat, so it was.
    expect(executed).toBe(2)
    expect(events.filter(({ type }) => type === 'agent_started').map(({ data }) => data)).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
    ])
    wakes.resolve()
    await asleep.worker.drain()
    expect(await other.log.readRun(runId)).toEqual(events)
  })

  test('[R3] an effect that was under way is not repeated by the node that takes over: the user is asked', async () => {
    await using database = await postgres.createDatabase()
    const entered = Promise.withResolvers<void>()
    const wakes = Promise.withResolvers<void>()
    let executed = 0
    await using asleep = await openNode(
      database.connectionString,
      async () => {
        executed += 1
        entered.resolve()
        await wakes.promise
      },
      stopped,
      'effect',
    )
    const runId = await submit(asleep)
    await entered.promise
    await using other = await openNode(
      database.connectionString,
      async () => {
        executed += 1
      },
      undefined,
      'effect',
    )
    const events = await eventsOf(other, runId, 'agent_completed')
    expect(executed).toBe(1)
    expect(events.find(({ type }) => type === 'tool_completed')?.data).toMatchObject({
      ok: false,
      error: { code: 'outcome_unknown' },
    })
    expect(events.some(({ type }) => type === 'data_requested')).toBe(true)
    wakes.resolve()
  })

  test('the same key for two threads at the same moment: one is the run, the other another request', async () => {
    await using database = await postgres.createDatabase()
    await using here = await openNode(database.connectionString, async () => {})
    /** Both have looked whether the key is free before either writes. */
    const looked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const submitted = looked.map(async (own) => {
      const meeting: SqlEventLog = {
        ...here.log,
        transact: (work) =>
          here.log.transact((tx, append) =>
            work(tx, async (command) => {
              own.resolve()
              await Promise.all(looked.map(({ promise }) => promise))
              return append(command)
            }),
          ),
      }
      const { id } = await createThreads(here.store).create(ann)
      const runs = createRuns({ ...here, log: meeting, makeId, onQueued: () => {}, onCancel: () => {} })
      const request = SubmitRun.parse({ message: 'go', whenBusy: 'reject' })
      return await runs.submit(ann, id, request, 'one-key')
    })
    const outcomes = await Promise.allSettled(submitted)
    const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(reasons).toMatchObject([{ code: 'idempotency_conflict' }])
  })
})
