import type { ParsedSubmitRun, Run, RunId, ThreadId } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'

/** What a user may do with runs. The worker that carries them out is worker.ts. */
export interface Runs {
  /**
   * Run row, user message and run_queued in one transaction (L3).
   * The same key with the same request returns the run of the first call and `created: false`.
   * @throws {HoldfastError} not_found (thread, file), idempotency_conflict, thread_busy (whenBusy: reject), bad_request
   */
  submit(
    principal: Principal,
    threadId: ThreadId,
    request: ParsedSubmitRun,
    idempotencyKey: string | null,
  ): Promise<{ readonly run: Run; readonly created: boolean }>
  get(principal: Principal, runId: RunId): Promise<Run>
  /** Runs of a thread, newest first, at most limits.pageItems. */
  list(principal: Principal, threadId: ThreadId): Promise<readonly Run[]>
  /** Resolves when the wish is stored; the run ends in agent_cancelled (R6). A run that has ended stays as it is. */
  cancel(principal: Principal, runId: RunId): Promise<Run>
}
