import type { RunId, StoredEvent, ThreadId, UserId } from '@holdfast/protocol'
import { advanceRun, newRun, SubmitRun, systemIdMaker, terminalTypes } from '@holdfast/protocol'
import { afterAll, beforeAll } from 'vitest'
import { z } from 'zod'
import { createRegistry } from '../agents/registry.ts'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog, type SqlEventLog } from '../log/sql-event-log.ts'
import { createModelManager } from '../models/model-manager.ts'
import type { Principal } from '../principal.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Store } from '../store/store.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { ToolContext, ToolDefinition } from '../tools/define-tool.ts'
import type { ThreadWorkspace, Workspace } from '../workspace/workspace.ts'
import { createRuns } from './create-runs.ts'
import type { RunLimits } from './run-limits.ts'
import { type Claim, claimRuns } from './run-queue.ts'
import type { Runs } from './runs.ts'
import { timerHeartbeat } from './timer-heartbeat.ts'
import { startWorker, type Worker } from './worker.ts'

const makeId = systemIdMaker()
export const ann: Principal = { kind: 'local', userId: makeId('user') as UserId }

/** A tool whose calls wait until the test lets them go, so that a test can look at a run half way. */
export function gate() {
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

export interface House extends AsyncDisposable {
  readonly runs: Runs
  readonly worker: Worker
  readonly threadId: ThreadId
  /** Resolves with the run's events once its terminal event is committed. */
  ended(runId: RunId): Promise<readonly StoredEvent[]>
}

export interface HouseOptions {
  readonly worker?: boolean
  readonly workerLog?: SqlEventLog
  readonly limits?: Pick<RunLimits, 'attemptMs'>
}

interface RunsTrial extends AsyncDisposable {
  readonly store: Store
  readonly log: SqlEventLog
  /** Runs and a worker on the trial's store, with an agent that calls the given tools in order and then answers. */
  house(tools: readonly ToolDefinition[], options?: HouseOptions): Promise<House>
  /** As a node does that has room for ten more. */
  claimAny(): Promise<readonly Claim[]>
}

/** A store for several houses, one after another or side by side. */
async function openRunsTrial(): Promise<RunsTrial> {
  await using opening = new AsyncDisposableStack()
  const store = opening.use(await openMemoryStore())
  const log = opening.use(createEventLog(store))
  async function house(tools: readonly ToolDefinition[], options: HouseOptions = {}): Promise<House> {
    const agent = {
      name: 'helper',
      description: 'Helps.',
      instructions: 'Help.',
      tools: tools.map(({ name }) => name),
      offlineRules: (results: readonly { ok: boolean; output: unknown }[]) => {
        const next = tools[results.length]
        if (next !== undefined)
          return { kind: 'call' as const, tool: next.name, input: {}, thinking: 'Next.' }
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

  const claimAny = (): Promise<readonly Claim[]> =>
    claimRuns(store, log, {
      node: makeId('node'),
      held: [],
      most: 10,
      after: '',
      expired: true,
      started: () => ({ model: 'offline', offline: true }),
      onFault: (_, error) => {
        throw error
      },
    })
  const owned = opening.move()
  return { store, log, house, claimAny, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** One for the tests of a file. */
export function runsTrial(): Omit<RunsTrial, keyof AsyncDisposable> {
  let trial: RunsTrial
  beforeAll(async () => {
    trial = await openRunsTrial()
  })
  afterAll(() => trial[Symbol.asyncDispose]())
  return {
    get store() {
      return trial.store
    },
    get log() {
      return trial.log
    },
    house: (...given) => trial.house(...given),
    claimAny: () => trial.claimAny(),
  }
}

export const ask = (message: string, more: object = {}) => SubmitRun.parse({ message, ...more })
export const types = (events: readonly StoredEvent[]) => events.map(({ type }) => type)

export function expectInOrder(events: readonly StoredEvent[]): void {
  let order = newRun
  for (const event of events) {
    const check = advanceRun(order, event)
    if (!check.ok) throw new Error(check.violation)
    order = check.next
  }
}
