/** What a run's life writes into the log when it is cancelled, taken over and told at full speed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type NewEvent, type RunId, type RunStatus, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { createRegistry } from '../../../packages/server/src/agents/registry.ts'
import { createThreads } from '../../../packages/server/src/log/create-threads.ts'
import { LeaseLostError } from '../../../packages/server/src/log/event-log.ts'
import { createEventLog } from '../../../packages/server/src/log/sql-event-log.ts'
import type { Principal } from '../../../packages/server/src/principal.ts'
import { createRuns } from '../../../packages/server/src/runs/create-runs.ts'
import type { Claim } from '../../../packages/server/src/runs/run-queue.ts'
import { createRunWriter } from '../../../packages/server/src/runs/run-writer.ts'
import { timerHeartbeat } from '../../../packages/server/src/runs/timer-heartbeat.ts'
import { startWorker } from '../../../packages/server/src/runs/worker.ts'
import { openMemoryStore } from '../../../packages/server/src/store/pglite-store.ts'
import { silentLogger } from '../../../packages/server/src/telemetry/logger.ts'
import type { ThreadWorkspace, Workspace } from '../../../packages/server/src/workspace/workspace.ts'
import { createChecker, type ViolationClass } from '../checker.ts'
import { violatedClasses } from '../model/run-model.ts'
import { type NumbersPlan, numbersParts } from '../numbers-agent.ts'
import { readTruth } from '../truth.ts'

/** A run that does not end in this time counts as one that never does. */
const endWithinMs = 4_000
/** The numbers agent has no files. */
const noFiles = { thread: () => ({}) as ThreadWorkspace } as unknown as Workspace

export async function runsTrial(): Promise<ViolationClass[]> {
  await using store = await openMemoryStore()
  await using log = createEventLog(store)
  const makeId = systemIdMaker()
  const principal: Principal = { kind: 'user', userId: makeId('user') }
  const registry = createRegistry(numbersParts())
  const threads = createThreads(store)
  const runs = createRuns({ store, log, registry, makeId, onQueued: () => {}, onCancel: () => {} })
  const submit = async (plan: NumbersPlan): Promise<{ id: RunId; threadId: ThreadId }> => {
    const thread = await threads.create(principal)
    const request = { message: JSON.stringify(plan), files: [], whenBusy: 'queue' as const }
    return (await runs.submit(principal, thread.id, request, null)).run
  }
  const ended = async (id: RunId): Promise<void> => {
    const over: readonly RunStatus[] = ['completed', 'failed', 'cancelled']
    for (let waitedMs = 0; waitedMs < endWithinMs; waitedMs += 20) {
      if (over.includes((await runs.get(principal, id)).status)) return
      await sleep(20)
    }
  }

  // A worker is paused, its run is taken over and ended, and then it wakes up and writes on.
  const contested = await submit({ events: 1, legs: 1, pauseMs: 0 })
  const claim = (attempt: number): Promise<Claim> =>
    log.transact(async (tx, append) => {
      const row = await tx
        .updateTable('runs')
        .set({ status: 'running', attempt, lease_epoch: attempt, lease_node: makeId('node') })
        .where('id', '=', contested.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      const started: NewEvent = {
        type: 'agent_started',
        data: { attempt, model: 'numbers', offline: false },
      }
      await append({
        threadId: row.thread_id,
        runId: row.id,
        agent: row.agent,
        events: [started],
        producerKey: `${attempt}.started`,
        fence: { runId: row.id, leaseEpoch: attempt },
      })
      return { row, leaseEpoch: attempt, attempt, interrupted: 0 }
    })
  const first = await claim(1)
  const second = await claim(2)
  const events = await log.readRun(first.row.id)
  const writerOf = (held: Claim) => createRunWriter(log, held, events.slice(0, held.attempt + 1))
  const [paused, taken] = [writerOf(first), writerOf(second)]
  const thought = [{ type: 'agent_thinking' as const, data: { step: 1, text: 'x' } }]
  await taken.write(thought)
  await taken.write([{ type: 'agent_cancelled', data: { by: 'user' } }])
  await paused.write(thought).catch((error: unknown) => {
    if (!(error instanceof LeaseLostError)) throw error
  })

  // One run is cancelled in its midst, one is told as fast as it can be.
  const worker = await startWorker({
    spent: async () => {},
    store,
    log,
    registry,
    workspace: noFiles,
    node: makeId('node'),
    makeId,
    nowMs: Date.now,
    logger: silentLogger,
    openHeartbeat: timerHeartbeat(store, silentLogger),
  })
  const slow = await submit({ events: 1_000, legs: 1, pauseMs: 10 })
  const fast = await submit({ events: 20, legs: 4, pauseMs: 0 })
  worker.wake()
  while ((await log.readRun(slow.id)).length < 5) await sleep(10)
  await runs.cancel(principal, slow.id)
  worker.cancel(slow.id)
  await Promise.all([ended(slow.id), ended(fast.id)])
  await worker.drain()
  return violatedClasses(createCheckerOver(await readTruth(store)))
}

const createCheckerOver = (truth: Parameters<typeof createChecker>[0]) => createChecker(truth, []).verdict()
