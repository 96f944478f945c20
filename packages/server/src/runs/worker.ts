import type { NodeId, RunId, UserId } from '@holdfast/protocol'
import type { Store } from '../store/store.ts'
import { type CarryDeps, carryRun, type Past } from './carry-run.ts'
import type { Beat, OpenHeartbeat } from './heartbeat.ts'
import { runLimits } from './run-limits.ts'
import type { Claim } from './run-queue.ts'
import { claimRuns, voidLeases } from './run-queue.ts'
import { RunStop } from './settle-run.ts'
import { readHistories } from './thread-history.ts'

/** Carries out queued runs, several at a time, each under a lease that it renews. */
export interface Worker {
  /** Look for work now rather than at the next poll. */
  wake(): void
  /** A run shall end; ignored where another worker has it, which hears of it by its heartbeat (R6). */
  cancel(runId: RunId): void
  /** Takes nothing new, gives the runs in hand back to the queue, resolves when none is left. */
  drain(): Promise<void>
}

export interface WorkerDeps extends CarryDeps {
  readonly store: Store
  readonly node: NodeId
  readonly openHeartbeat: OpenHeartbeat
}

interface InHand {
  readonly claim: Claim
  readonly abort: AbortController
  readonly ended: Promise<void>
  /** Its lease is renewed until then. */
  readonly untilMs: number
}

export async function startWorker(deps: WorkerDeps): Promise<Worker> {
  const { store, log, registry, node, logger } = deps
  const { attemptMs } = deps.limits ?? runLimits
  if (store.capabilities.exclusive) await voidLeases(store)
  const inHand = new Map<RunId, InHand>()
  const heartbeat = await deps.openHeartbeat(node, heard)
  let draining = false
  let woken = Promise.withResolvers<void>()
  const wake = (): void => woken.resolve()

  let lastOwner: UserId | '' = ''
  let expiredSeenMs = Number.NEGATIVE_INFINITY
  async function claimSome(most: number): Promise<number> {
    // Leases run out in seconds; queued runs come by the hundred.
    const lookForExpired = performance.now() - expiredSeenMs > runLimits.expiredPollMs
    if (lookForExpired) expiredSeenMs = performance.now()
    const claims = await claimRuns(store, log, {
      node,
      held: [...inHand.keys()],
      most,
      after: lastOwner,
      expired: lookForExpired,
      started: (row) => {
        const { name, offline } = registry.models.resolve(row.model, registry.agent(row.agent).offlineRules)
        return { model: name, offline }
      },
      onFault: (row, error) =>
        logger.error({ run: row.id, error }, 'a run could not be claimed; the others were'),
    })
    lastOwner = claims.at(-1)?.row.owner ?? lastOwner
    // The next claim does not wait for what these go on from.
    const past = pastsOf(claims)
    for (const claim of claims)
      take(
        claim,
        past.then((find) => find(claim)),
      )
    hold()
    return claims.length
  }

  /** Two questions for all of them. */
  async function pastsOf(claims: readonly Claim[]): Promise<(claim: Claim) => Past> {
    const rows = claims.map(({ row }) => row)
    const [events, histories] = await Promise.all([
      log.readRuns(rows.map(({ id }) => id)),
      readHistories(store, rows),
    ])
    return ({ row: { id } }) => ({ events: events.get(id) ?? [], earlier: histories.get(id) ?? [] })
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

  const hold = (): void => heartbeat.hold([...inHand].map(([runId, { untilMs }]) => ({ runId, untilMs })))

  function take(claim: Claim, past: Promise<Past>): void {
    const abort = new AbortController()
    // R6: a cancel that reached the node which had it before. Here no heartbeat has to tell of it.
    const { cancel_by: cancelBy } = claim.row
    if (cancelBy !== null) abort.abort(new RunStop(cancelBy))
    const deadline = setTimeout(() => abort.abort(new RunStop('deadline')), attemptMs)
    const ended = past
      .then((found) => carryRun(deps, claim, found, abort.signal))
      // Also a past that could not be read: the run is taken again when its lease has run out.
      .catch((error: unknown) =>
        logger.error({ run: claim.row.id, error }, 'run left behind; its lease will expire'),
      )
      .finally(() => {
        clearTimeout(deadline)
        inHand.delete(claim.row.id)
        hold()
        // The next run of the thread, or one that waited for a free place.
        wake()
      })
    const untilMs = Date.now() + attemptMs + runLimits.stopWithinMs
    inHand.set(claim.row.id, { claim, abort, ended, untilMs })
  }

  function heard({ asked, renewals }: Beat): void {
    const byRun = new Map(renewals.map((renewal) => [renewal.runId, renewal]))
    for (const runId of asked) {
      const one = inHand.get(runId)
      if (one === undefined) continue
      const renewal = byRun.get(runId)
      // An older lease is news of an attempt before this one.
      if (renewal === undefined || renewal.leaseEpoch > one.claim.leaseEpoch)
        one.abort.abort(new RunStop('lease_lost'))
      else if (renewal.leaseEpoch === one.claim.leaseEpoch && renewal.cancelBy !== null)
        one.abort.abort(new RunStop(renewal.cancelBy))
    }
  }

  return {
    wake,
    // The row says by whom; the heartbeat reads it. Asking for one now is the short way.
    cancel: (runId) => {
      if (inHand.has(runId)) heartbeat.beat()
    },
    drain: async () => {
      draining = true
      wake()
      await claiming
      for (const { abort } of inHand.values()) abort.abort(new RunStop('drain'))
      await Promise.all([...inHand.values()].map(({ ended }) => ended))
      await heartbeat[Symbol.asyncDispose]()
    },
  }
}

/** Resolves after `ms`, or with `early`; the timer never outlives the wait. */
async function poll(ms: number, early: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([promise, early])
  clearTimeout(timer)
}
