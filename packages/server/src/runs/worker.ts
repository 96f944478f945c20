import type { MakeId, NodeId, RunId, StoredEvent, UserId } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { Registry } from '../agents/registry.ts'
import { runAgent } from '../agents/run-agent.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { runLimits } from './run-limits.ts'
import type { Claim } from './run-queue.ts'
import { claimRuns, renewLeases, voidLeases } from './run-queue.ts'
import { createRunWriter } from './run-writer.ts'
import { RunStop, settleRun } from './settle-run.ts'
import { earlierRuns, messageOf } from './thread-history.ts'

/** Carries out queued runs, several at a time, each under a lease that it renews. */
export interface Worker {
  /** Look for work now rather than at the next poll. */
  wake(): void
  /** A run shall end; ignored where another worker has it, which hears of it by its heartbeat (R6). */
  cancel(runId: RunId): void
  /** Takes nothing new, gives the runs in hand back to the queue, resolves when none is left. */
  drain(): Promise<void>
}

export interface WorkerDeps {
  readonly store: Store
  readonly log: SqlEventLog
  readonly registry: Registry
  readonly workspace: Workspace
  readonly node: NodeId
  readonly makeId: MakeId
  readonly nowMs: () => number
  readonly logger: Logger
}

interface InHand {
  readonly claim: Claim
  readonly abort: AbortController
  readonly ended: Promise<void>
}

export async function startWorker(deps: WorkerDeps): Promise<Worker> {
  const { store, log, registry, node, logger } = deps
  if (store.capabilities.exclusive) await voidLeases(store)
  const inHand = new Map<RunId, InHand>()
  let draining = false
  let woken = Promise.withResolvers<void>()
  const wake = (): void => woken.resolve()

  let lastOwner: UserId | '' = ''
  async function claimSome(most: number): Promise<number> {
    const claims = await claimRuns(store, log, {
      node,
      held: [...inHand.keys()],
      most,
      after: lastOwner,
      started: (row) => {
        const { name, offline } = registry.models.resolve(row.model, registry.agent(row.agent).offlineRules)
        return { model: name, offline }
      },
    })
    lastOwner = claims.at(-1)?.row.owner ?? lastOwner
    // One question for all of them; a claim without its events is left, and taken again when its lease runs out.
    const events = await log.readRuns(claims.map(({ row }) => row.id))
    for (const claim of claims) take(claim, events.get(claim.row.id) ?? [])
    return claims.length
  }

  const claiming = (async () => {
    while (!draining) {
      woken = Promise.withResolvers<void>()
      const free = runLimits.concurrentPerWorker - inHand.size
      if (free > 0) {
        const claimed = await claimSome(free).catch((error: unknown) => {
          logger.error({ error }, 'claim failed; trying again')
          return 0
        })
        if (claimed > 0) continue
      }
      await poll(runLimits.claimPollMs, woken.promise)
    }
  })()

  function take(claim: Claim, events: readonly StoredEvent[]): void {
    const abort = new AbortController()
    const ended = carry(deps, claim, events, abort.signal)
      .catch((error: unknown) =>
        logger.error({ run: claim.row.id, error }, 'run left behind; its lease will expire'),
      )
      .finally(() => {
        inHand.delete(claim.row.id)
        // The next run of the thread, or one that waited for a free place.
        wake()
      })
    inHand.set(claim.row.id, { claim, abort, ended })
  }

  const heartbeat = setInterval(() => void renew(), runLimits.heartbeatMs)
  async function renew(): Promise<void> {
    try {
      const held = new Map(inHand)
      const renewals = new Map(
        (await renewLeases(store, node, [...held.keys()])).map((row) => [row.runId, row]),
      )
      for (const [runId, { claim, abort }] of held) {
        const renewal = renewals.get(runId)
        if (renewal?.leaseEpoch !== claim.leaseEpoch) {
          // Ended meanwhile, or taken over: in the first case nothing listens to this any more.
          abort.abort(new RunStop('lease_lost'))
        } else if (renewal.cancelBy !== null) abort.abort(new RunStop(renewal.cancelBy))
      }
    } catch (error) {
      logger.error({ error }, 'heartbeat failed; leases run out if this lasts')
    }
  }

  return {
    wake,
    // The row says by whom; the heartbeat reads it. Asking for one now is the short way.
    cancel: (runId) => {
      if (inHand.has(runId)) void renew()
    },
    drain: async () => {
      draining = true
      wake()
      await claiming
      for (const { abort } of inHand.values()) abort.abort(new RunStop('drain'))
      await Promise.all([...inHand.values()].map(({ ended }) => ended))
      clearInterval(heartbeat)
    },
  }
}

/** One attempt of one run, from its claim to its end, its release, or the loss of its lease. */
async function carry(
  deps: WorkerDeps,
  claim: Claim,
  events: readonly StoredEvent[],
  signal: AbortSignal,
): Promise<void> {
  const { store, log, registry, workspace, logger, makeId, nowMs } = deps
  const { row, attempt } = claim
  const principal: Principal = { kind: 'user', userId: row.owner }
  const agent = registry.agent(row.agent)
  const writer = createRunWriter(log, claim, events)
  const about = { run: row.id, thread: row.thread_id, attempt }
  logger.info(about, 'run started')
  try {
    if (claim.interrupted >= runLimits.attempts)
      throw new HoldfastError(
        'attempts_exhausted',
        `The run was interrupted ${runLimits.attempts} times and is not tried again; ask again to start anew`,
      )
    const steps = runAgent({
      principal,
      threadId: row.thread_id,
      runId: row.id,
      agent,
      tools: registry.toolsOf(agent),
      model: registry.models.resolve(row.model, agent.offlineRules),
      message: messageOf(events),
      earlier: await earlierRuns(store, log, row),
      events,
      workspace: workspace.thread(principal, row.thread_id),
      signal,
      makeId,
      nowMs,
    })
    for await (const group of steps) {
      await writer.write(group)
      signal.throwIfAborted()
    }
    logger.info(about, 'run ended')
  } catch (error) {
    await settleRun(deps, claim, writer, error, signal)
  }
}

/** Resolves after `ms`, or with `early`; the timer never outlives the wait. */
async function poll(ms: number, early: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([promise, early])
  clearTimeout(timer)
}
