import type { NewEvent } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import { callsOf } from '../agents/run-calls.ts'
import { LeaseLostError, ThreadMissingError } from '../log/event-log.ts'
import { StoreAwayError } from '../store/store-fault.ts'
import { closeUnrun, doubt } from '../tools/run-tool.ts'
import type { CarryDeps } from './carry-run.ts'
import { type RunLimits, runLimits } from './run-limits.ts'
import type { Claim } from './run-queue.ts'
import { releaseRun } from './run-queue.ts'
import type { RunWriter } from './run-writer.ts'

/** Why a run's signal was aborted. */
export class RunStop extends Error {
  override readonly name = 'RunStop'
  readonly by: 'user' | 'superseded' | 'drain' | 'lease_lost' | 'deadline'

  constructor(by: RunStop['by']) {
    super(`Run stopped: ${by}`)
    this.by = by
  }
}

/**
 * What an attempt that did not complete leaves behind: nothing where it lost its lease, a queued run where the
 * server drains, and else exactly one terminal event with every open call closed before it (R4).
 */
export async function settleRun(
  deps: Pick<CarryDeps, 'log' | 'logger' | 'limits'>,
  claim: Claim,
  writer: RunWriter,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { log, logger } = deps
  const about = { run: claim.row.id, thread: claim.row.thread_id, attempt: claim.attempt }
  if (writer.order().kind === 'ended') return
  if (error instanceof LeaseLostError)
    return logger.warn(about, 'run taken over; this attempt writes no more')
  if (error instanceof ThreadMissingError) return logger.info(about, 'thread deleted; its run ends with it')
  // Nothing can be written, and nothing has to be: what is in the log is true. Whether this was the last of it is
  // not known, so that nobody goes on from memory: the lease runs out, and another attempt reads the log (R3).
  if (error instanceof StoreAwayError)
    return logger.warn(about, 'the database is away; the run is left to its lease')

  const closeOpenCalls = async (code: 'cancelled' | 'outcome_unknown', what: string): Promise<NewEvent[]> =>
    callsOf(await log.readRun(claim.row.id)).open.map((call) => ({
      type: 'tool_completed',
      data: closeUnrun(call, code, `${call.tool} ${what}${doubt(call.effect)}`),
    }))

  const stop: unknown = signal.aborted ? signal.reason : null
  if (stop instanceof RunStop) {
    switch (stop.by) {
      case 'lease_lost':
        return logger.warn(about, 'lease lost; this attempt writes no more')
      case 'drain':
        logger.info(about, 'run released for another worker')
        return releaseRun(log, claim)
      case 'deadline':
        break
      case 'user':
      case 'superseded': {
        logger.info({ ...about, by: stop.by }, 'run cancelled')
        const closed = await closeOpenCalls('cancelled', 'was stopped with its run')
        return writer.write([...closed, { type: 'agent_cancelled', data: { by: stop.by } }])
      }
    }
  }

  const closed = await closeOpenCalls('outcome_unknown', 'was interrupted when its run failed')
  const failure = failureOf(
    stop instanceof RunStop && stop.by === 'deadline' ? timedOut(deps.limits ?? runLimits) : error,
    claim,
  )
  // What is not ours to show stays in the server's log: the user learns whose fault it is and what to do.
  if (failure.code === 'internal') logger.error({ ...about, error }, 'run failed by a fault')
  else logger.warn({ ...about, code: failure.code, reason: failure.message }, 'run failed')
  await writer.write([...closed, { type: 'agent_failed', data: failure }])
}

const timedOut = ({ attemptMs }: Pick<RunLimits, 'attemptMs'>): HoldfastError =>
  new HoldfastError(
    'run_timeout',
    `The run took more than ${attemptMs / 1_000} s and was stopped; ask something narrower`,
  )

function failureOf(error: unknown, claim: Claim): { code: string; message: string; retryable: boolean } {
  if (error instanceof HoldfastError && error.code !== 'internal')
    return { code: error.code, message: error.message, retryable: error.retryable }
  return {
    code: 'internal',
    message: `A fault of the server ended this run; ask again, and report ${claim.row.id} if it repeats`,
    retryable: true,
  }
}
