import type { RunId, StoredEvent, ThreadId, UserId } from '@holdfast/protocol'
import {
  advanceRun,
  HoldfastError,
  newRun,
  SubmitRun,
  systemIdMaker,
  terminalTypes,
} from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRegistry } from '../agents/registry.ts'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog, type SqlEventLog } from '../log/sql-event-log.ts'
import { createModelManager } from '../models/model-manager.ts'
import type { Principal } from '../principal.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Store } from '../store/store.ts'
import { StoreAwayError } from '../store/store-fault.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { ToolContext, ToolDefinition } from '../tools/define-tool.ts'
import type { ThreadWorkspace, Workspace } from '../workspace/workspace.ts'
import { createRuns } from './create-runs.ts'
import { type RunLimits, runLimits } from './run-limits.ts'
import { type Claim, claimRuns } from './run-queue.ts'
import { createRunWriter } from './run-writer.ts'
import type { Runs } from './runs.ts'
import { timerHeartbeat } from './timer-heartbeat.ts'
import { startWorker, type Worker } from './worker.ts'

const makeId = systemIdMaker()
const ann: Principal = { kind: 'local', userId: makeId('user') as UserId }
const bob: Principal = { kind: 'local', userId: makeId('user') as UserId }

/** A tool whose calls wait until the test lets them go, so that a test can look at a run half way. */
function gate() {
  const entered: ToolContext[] = []
  let waiting = Promise.withResolvers<ToolContext>()
  let open = Promise.withResolvers<void>()
  const tool: ToolDefinition = {
    name: 'wait',
    description: 'Waits.',
    effect: 'pure',
    input: z.unknown(),
    execute: async (_, context) => {
      entered.push(context)
      waiting.resolve(context)
      await open.promise
      return { output: { times: entered.length } }
    },
  }
  return {
    tool,
    entered,
    reached: () => waiting.promise,
    letGo: () => open.resolve(),
    again: () => {
      waiting = Promise.withResolvers()
      open = Promise.withResolvers()
    },
  }
}

let store: Store
let log: SqlEventLog
beforeAll(async () => {
  store = await openMemoryStore()
  log = createEventLog(store)
})
afterAll(async () => {
  await log[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

interface House extends AsyncDisposable {
  readonly runs: Runs
  readonly worker: Worker
  readonly threadId: ThreadId
  /** Resolves with the run's events once its terminal event is committed. */
  ended(runId: RunId): Promise<readonly StoredEvent[]>
}

/** Runs and a worker on the shared store, with an agent that calls the given tools in order and then answers. */
async function house(
  tools: readonly ToolDefinition[],
  options: { worker?: boolean; workerLog?: SqlEventLog; limits?: Pick<RunLimits, 'attemptMs'> } = {},
): Promise<House> {
  const agent = {
    name: 'helper',
    description: 'Helps.',
    instructions: 'Help.',
    tools: tools.map(({ name }) => name),
    offlineRules: (results: readonly { ok: boolean; output: unknown }[]) => {
      const next = tools[results.length]
      if (next !== undefined) return { kind: 'call' as const, tool: next.name, input: {}, thinking: 'Next.' }
      return { kind: 'say' as const, text: 'done' }
    },
  }
  const registry = createRegistry({ agents: [agent], tools, models: createModelManager() })
  const workspace = { thread: () => ({}) as ThreadWorkspace } as unknown as Workspace
  const logger = createLogger({ level: 'silent', format: 'line' })
  const node = makeId('node')
  const worker =
    options.worker === false
      ? { wake: () => {}, cancel: () => {}, drain: async () => {} }
      : await startWorker({
          spent: async () => {},
          store,
          log: options.workerLog ?? log,
          registry,
          workspace,
          node,
          makeId,
          nowMs: Date.now,
          logger,
          openHeartbeat: timerHeartbeat(store, logger),
          ...(options.limits === undefined ? {} : { limits: options.limits }),
        })
  const runs = createRuns({ store, log, registry, makeId, onQueued: worker.wake, onCancel: worker.cancel })
  const { id: threadId } = await createThreads(store).create(ann)
  return {
    runs,
    worker,
    threadId,
    ended: async (runId) => {
      const { promise, resolve } = Promise.withResolvers<readonly StoredEvent[]>()
      const look = async (): Promise<void> => {
        const events = await log.readRun(runId)
        const last = events.at(-1)?.type ?? ''
        if ((terminalTypes as readonly string[]).includes(last)) resolve(events)
      }
      const remove = log.onCommit(() => void look())
      await look()
      return promise.finally(remove)
    },
    [Symbol.asyncDispose]: () => worker.drain(),
  }
}

/** As a node does that has room for ten more. */
const claimAny = (on: SqlEventLog = log): Promise<readonly Claim[]> =>
  claimRuns(store, on, {
    node: makeId('node'),
    held: [],
    most: 10,
    after: '',
    expired: true,
    started: () => ({ model: 'offline', offline: true }),
  })

const ask = (message: string, more: object = {}) => SubmitRun.parse({ message, ...more })
const types = (events: readonly StoredEvent[]) => events.map(({ type }) => type)

function expectInOrder(events: readonly StoredEvent[]): void {
  let order = newRun
  for (const event of events) {
    const check = advanceRun(order, event)
    if (!check.ok) throw new Error(check.violation)
    order = check.next
  }
}

describe('submit', () => {
  test('[L3] the run row and run_queued commit together, and the run goes to its end', async () => {
    await using h = await house([])
    const { run, created } = await h.runs.submit(ann, h.threadId, ask('hello'), null)
    expect(created).toBe(true)
    expect(run).toMatchObject({ status: 'queued', queuedAt: 1, agent: 'helper' })
    const events = await h.ended(run.id)
    expect(types(events)).toEqual(['run_queued', 'agent_started', 'message_delta', 'agent_completed'])
    expect(await h.runs.get(ann, run.id)).toMatchObject({ status: 'completed', attempt: 1 })
  })

  test('the same key with the same request is one run, also when both come at once', async () => {
    await using h = await house([])
    const both = await Promise.all([1, 2].map(() => h.runs.submit(ann, h.threadId, ask('hello'), 'key-1')))
    expect(both[0]?.run.id).toBe(both[1]?.run.id)
    expect(both.map(({ created }) => created).toSorted()).toEqual([false, true])
    expect(await h.runs.list(ann, h.threadId)).toHaveLength(1)
  })

  test('the same key with another request is refused', async () => {
    await using h = await house([])
    await h.runs.submit(ann, h.threadId, ask('hello'), 'key-2')
    await expect(h.runs.submit(ann, h.threadId, ask('goodbye'), 'key-2')).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
  })

  test.each([
    ['an agent there is none of', { agent: 'nobody' }, 'bad_request'],
    ['a model there is none of', { model: 'openai:gpt-5' }, 'bad_request'],
    ['a file that is not of the thread', { files: [makeId('file')] }, 'not_found'],
  ])('%s is refused before anything is written', async (_, more, code) => {
    await using h = await house([])
    await expect(h.runs.submit(ann, h.threadId, ask('hello', more), null)).rejects.toMatchObject({ code })
    expect(await h.runs.list(ann, h.threadId)).toEqual([])
  })

  test('[P1] to another user the thread, the run and its list do not exist', async () => {
    await using h = await house([])
    const { run } = await h.runs.submit(ann, h.threadId, ask('hello'), null)
    await expect(h.runs.submit(bob, h.threadId, ask('hello'), null)).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(h.runs.get(bob, run.id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(h.runs.cancel(bob, run.id)).rejects.toMatchObject({ code: 'not_found' })
    expect(await h.runs.list(bob, h.threadId)).toEqual([])
  })
})

describe('[R5] one run at a time per thread', () => {
  test('queue: the second starts after the first has ended', async () => {
    const { tool, reached, letGo, entered } = gate()
    await using h = await house([tool])
    const first = await h.runs.submit(ann, h.threadId, ask('one'), null)
    await reached()
    const second = await h.runs.submit(ann, h.threadId, ask('two'), null)
    expect((await h.runs.get(ann, second.run.id)).status).toBe('queued')
    letGo()
    const [one, two] = await Promise.all([h.ended(first.run.id), h.ended(second.run.id)])
    expect(one.at(-1)?.seq).toBeLessThan(two.find(({ type }) => type === 'agent_started')?.seq ?? 0)
    expect(entered.filter(({ threadId }) => threadId === h.threadId)).toHaveLength(2)
  })

  test('reject: the second is refused, and names the first', async () => {
    const { tool, reached, letGo } = gate()
    await using h = await house([tool])
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    await reached()
    await expect(
      h.runs.submit(ann, h.threadId, ask('two', { whenBusy: 'reject' }), null),
    ).rejects.toMatchObject({
      code: 'thread_busy',
      message: expect.stringContaining(run.id),
    })
    letGo()
    await h.ended(run.id)
  })

  test('interrupt: the first ends as superseded, its call closed, and the second runs', async () => {
    const { tool, reached, letGo, again } = gate()
    await using h = await house([tool])
    const first = await h.runs.submit(ann, h.threadId, ask('one'), null)
    await reached()
    again()
    const second = await h.runs.submit(ann, h.threadId, ask('two', { whenBusy: 'interrupt' }), null)
    const one = await h.ended(first.run.id)
    expectInOrder(one)
    expect(one.at(-1)?.data).toEqual({ by: 'superseded' })
    expect(one.at(-2)?.data).toMatchObject({ ok: false, error: { code: 'cancelled' } })
    await reached()
    letGo()
    expect((await h.ended(second.run.id)).at(-1)?.type).toBe('agent_completed')
  })
})

describe('[R6] cancel', () => {
  test('a running run: the tool is aborted, its call closed, agent_cancelled is last', async () => {
    const { tool, reached } = gate()
    await using h = await house([tool])
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    const { signal } = await reached()
    await h.runs.cancel(ann, run.id)
    const events = await h.ended(run.id)
    expectInOrder(events)
    expect(signal.aborted).toBe(true)
    expect(events.at(-1)).toMatchObject({ type: 'agent_cancelled', data: { by: 'user' } })
    expect(await h.runs.get(ann, run.id)).toMatchObject({ status: 'cancelled' })
  })

  test('a queued run ends at once, and an ended one stays as it is', async () => {
    await using h = await house([], { worker: false })
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    expect(await h.runs.cancel(ann, run.id)).toMatchObject({ status: 'cancelled' })
    expect(await h.runs.cancel(ann, run.id)).toMatchObject({ status: 'cancelled' })
    expect(types(await log.readRun(run.id))).toEqual(['run_queued', 'agent_cancelled'])
  })
})

describe('[R3] [L4] a run outlives its worker', () => {
  const tools: readonly ToolDefinition[] = ['first', 'second'].map((name) => ({
    name,
    description: name,
    effect: 'pure',
    input: z.unknown(),
    execute: async () => ({ output: name }),
  }))

  test('a worker that died after a tool call: the next one goes on behind it, and the dead one can write no more', async () => {
    await using before = await house(tools, { worker: false })
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    const [claim] = await claimAny()
    if (claim === undefined) throw new Error('nothing to claim')
    const writer = createRunWriter(log, claim, await log.readRun(run.id))
    const call = { callId: makeId('call'), tool: 'first', effect: 'pure' as const, input: {} }
    await writer.write([{ type: 'tool_executing', data: call }])
    await writer.write([
      {
        type: 'tool_completed',
        data: { callId: call.callId, tool: 'first', ok: true, output: 'kept', durationMs: 1, artifacts: [] },
      },
    ])

    // The store is of one process, so a new worker knows that every lease it finds is void.
    await using after = await house(tools)
    const events = await after.ended(run.id)
    expectInOrder(events)
    expect(events.filter(({ type }) => type === 'agent_started').map(({ data }) => data)).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
    ])
    const completed = events.filter((event) => event.type === 'tool_completed')
    expect(completed.map(({ data }) => [data.tool, data.output])).toEqual([
      ['first', 'kept'],
      ['second', 'second'],
    ])
    await expect(
      writer.write([{ type: 'agent_thinking', data: { step: 9, text: 'I was only asleep.' } }]),
    ).rejects.toThrow(/taken over/)
  })

  test('a lease that holds is not taken', async () => {
    await using h = await house(tools, { worker: false })
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    expect((await claimAny()).map(({ row }) => row.id)).toEqual([run.id])
    expect(await claimAny()).toEqual([])
    await h.runs.cancel(ann, run.id)
  })

  test('[R2] an attempt that was given back politely is not one that died', async () => {
    const { tool, reached, letGo, again } = gate()
    const { run } = await (async () => {
      await using first = await house([tool])
      const submitted = await first.runs.submit(ann, first.threadId, ask('one'), null)
      await reached()
      return submitted
    })()
    for (let release = 1; release <= runLimits.attempts; release += 1) {
      again()
      await using next = await house([tool])
      await reached()
      expect((await next.runs.get(ann, run.id)).attempt).toBe(release + 1)
    }
    again()
    await using last = await house([tool])
    await reached()
    letGo()
    expect((await last.ended(run.id)).at(-1)?.type).toBe('agent_completed')
  })

  test('after its attempts are used up it fails with attempts_exhausted', async () => {
    await using before = await house(tools, { worker: false })
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    await sql`update runs set interrupted = ${runLimits.attempts} where id = ${run.id}`.execute(store.db)
    await using after = await house(tools)
    expect((await after.ended(run.id)).at(-1)).toMatchObject({
      type: 'agent_failed',
      data: { code: 'attempts_exhausted' },
    })
  })

  test('a drained worker gives its run back, and the next one finishes it', async () => {
    const { tool, reached, letGo, again } = gate()
    const before = await house([tool])
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    await reached()
    again()
    await before.worker.drain()
    expect((await before.runs.get(ann, run.id)).status).toBe('queued')
    await using after = await house([tool])
    await reached()
    letGo()
    const events = await after.ended(run.id)
    expectInOrder(events)
    expect(events.at(-1)?.type).toBe('agent_completed')
  })
})

test('a run that takes too long is stopped and fails with run_timeout, its open call closed', async () => {
  const { tool, reached } = gate()
  await using h = await house([tool], { limits: { attemptMs: 300 } })
  const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
  const context = await reached()
  const events = await h.ended(run.id)
  expect(context.signal.aborted).toBe(true)
  expectInOrder(events)
  expect(events.slice(-2)).toMatchObject([
    { type: 'tool_completed', data: { ok: false, error: { code: 'outcome_unknown' } } },
    { type: 'agent_failed', data: { code: 'run_timeout', retryable: true } },
  ])
})

test('[R2] a run that a fault of the store left behind is taken up again by the only worker there is', async () => {
  let faults = 1
  const workerLog: SqlEventLog = {
    ...log,
    readRuns: async (runIds) => {
      if (runIds.length > 0 && faults > 0) {
        faults -= 1
        throw new Error('the connection is gone')
      }
      return log.readRuns(runIds)
    },
  }
  await using here = await house([], { workerLog })
  const { run } = await here.runs.submit(ann, here.threadId, ask('what?'), null)
  const events = await here.ended(run.id)
  expect(types(events)).toEqual([
    'run_queued',
    'agent_started',
    'agent_started',
    'message_delta',
    'agent_completed',
  ])
})

test.each([
  ['committed before the answer was lost', true],
  ['not committed', false],
])(
  '[R2] [R3] [R4] a write of which the database did not say what became, %s, ends the attempt and not the run',
  async (_, committed) => {
    let faults = 1
    const workerLog: SqlEventLog = {
      ...log,
      append: async (command) => {
        if (faults === 0 || !command.events.some(({ type }) => type === 'tool_completed'))
          return log.append(command)
        faults -= 1
        if (committed) await log.append(command)
        throw new StoreAwayError('away')
      },
    }
    const once: ToolDefinition = {
      name: 'once',
      description: 'Does something.',
      effect: 'pure',
      input: z.unknown(),
      execute: async () => ({ output: {} }),
    }
    await using here = await house([once], { workerLog })
    const { run } = await here.runs.submit(ann, here.threadId, ask('what?'), null)
    const events = await here.ended(run.id)
    expectInOrder(events)
    expect(events.flatMap((event) => (event.type === 'agent_started' ? event.data.attempt : []))).toEqual([
      1, 2,
    ])
    expect(types(events).filter((type) => type === 'tool_completed')).toHaveLength(1)
    expect(events.at(-1)?.type).toBe('agent_completed')
  },
)

test('[R3] [R4] a tool that meets a database that is away ends the attempt, and is no answer to the model', async () => {
  let calls = 0
  const reading: ToolDefinition = {
    name: 'reading',
    description: 'Reads something.',
    effect: 'pure',
    input: z.unknown(),
    execute: async () => {
      calls += 1
      if (calls === 1) throw new StoreAwayError('away')
      return { output: { rows: 7 } }
    },
  }
  await using here = await house([reading])
  const { run } = await here.runs.submit(ann, here.threadId, ask('what?'), null)
  const events = await here.ended(run.id)
  expectInOrder(events)
  expect(events.flatMap((event) => (event.type === 'tool_completed' ? event.data.ok : []))).toEqual([true])
  expect(events.at(-1)?.type).toBe('agent_completed')
})

test.each([
  ['thrown here', new Error('password is hunter2')],
  ['told by a child process', new HoldfastError('internal', 'password is hunter2')],
])(
  '[R4] a fault of a tool, %s, fails the run once, and its message stays in the server',
  async (_, fault) => {
    const broken: ToolDefinition = {
      name: 'broken',
      description: 'Breaks.',
      effect: 'pure',
      input: z.unknown(),
      execute: async () => {
        throw fault
      },
    }
    await using h = await house([broken])
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    const events = await h.ended(run.id)
    expectInOrder(events)
    expect(events.at(-1)).toMatchObject({ type: 'agent_failed', data: { code: 'internal' } })
    expect(JSON.stringify(events)).not.toContain('hunter2')
  },
)
