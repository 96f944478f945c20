import type { MakeId, NewEvent, StoredEvent, UserId } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { Registry } from '../agents/registry.ts'
import { type RunContext, runAgent } from '../agents/run-agent.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { EarlierRun } from '../tools/define-tool.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { type RunLimits, runLimits } from './run-limits.ts'
import type { Claim } from './run-queue.ts'
import type { RunRow } from './run-row.ts'
import { createRunWriter } from './run-writer.ts'
import { settleRun } from './settle-run.ts'
import { messageOf } from './thread-history.ts'

export interface CarryDeps {
  readonly log: SqlEventLog
  readonly registry: Registry
  readonly workspace: Workspace
  readonly makeId: MakeId
  readonly nowMs: () => number
  readonly logger: Logger
  /** Told what a run uses up: tokens after each step of a model, tools at the end of each attempt. */
  readonly spent: (userId: UserId, spent: Spent) => Promise<void>
  /** Before each step of a language model. Default: as much as one likes. @throws {HoldfastError} quota_reached */
  readonly mayAsk?: (userId: UserId) => Promise<void>
  /** Default: runLimits. */
  readonly limits?: Pick<RunLimits, 'attemptMs'>
}

export interface Spent {
  readonly tokens: number
  /** Of tools, by the clock. */
  readonly toolMs: number
}

/** What a claimed run goes on from. */
export interface Past {
  /** Its own events so far, run_queued and this attempt's agent_started among them. */
  readonly events: readonly StoredEvent[]
  /** What the thread's ended runs leave for it. */
  readonly earlier: readonly EarlierRun[]
}

/**
 * One attempt of one run, from its claim to its end, its release, or the loss of its lease.
 * @throws what the store failed with: the run stays as it is, and its lease will run out
 */
export async function carryRun(
  deps: CarryDeps,
  claim: Claim,
  { events, earlier }: Past,
  signal: AbortSignal,
): Promise<void> {
  const { log, registry, workspace, logger, makeId, nowMs } = deps
  const { row, attempt } = claim
  const principal: Principal = { kind: 'user', userId: row.owner }
  const writer = createRunWriter(log, claim, events)
  const about = { run: row.id, thread: row.thread_id, attempt }
  logger.info(about, 'run started')
  const spend = (spent: Spent): Promise<void> =>
    deps.spent(row.owner, spent).catch((error: unknown) => {
      // The run is what matters; what could not be counted is told.
      logger.error({ ...about, error, ...spent }, 'what the run used up was not counted')
    })
  let toolMs = 0
  try {
    signal.throwIfAborted()
    if (claim.interrupted >= runLimits.attempts)
      throw new HoldfastError(
        'attempts_exhausted',
        `The run was interrupted ${runLimits.attempts} times and is not tried again; ask again to start anew`,
      )
    const { agent, model } = partsOf(registry, row)
    const steps = runAgent({
      principal,
      threadId: row.thread_id,
      runId: row.id,
      agent,
      tools: registry.toolsOf(agent),
      model,
      message: messageOf(events),
      earlier,
      events,
      workspace: workspace.thread(principal, row.thread_id),
      signal,
      makeId,
      nowMs,
      budget: {
        ask: async () => deps.mayAsk?.(row.owner),
        spend: (tokens) => spend({ tokens, toolMs: 0 }),
      },
    })
    for await (const group of steps) {
      toolMs += toolTimeOf(group)
      await writer.write(group)
      signal.throwIfAborted()
    }
    logger.info(about, 'run ended')
  } catch (error) {
    await settleRun(deps, claim, writer, error, signal)
  } finally {
    if (toolMs > 0) await spend({ tokens: 0, toolMs })
  }
}

/**
 * What the run was admitted with may be missing where it is carried out: on a node with other settings, or after they
 * were changed.
 * @throws {HoldfastError} bad_request
 */
function partsOf(
  registry: Registry,
  { agent: name, model: wish }: RunRow,
): Pick<RunContext, 'agent' | 'model'> {
  try {
    const agent = registry.agent(name)
    return { agent, model: registry.models.resolve(wish, agent.offlineRules) }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    throw new HoldfastError(
      error.code,
      `The server that took this run is not configured for it: ${error.message}. Give all servers of one database the ` +
        'same agents and models, or ask again with another',
      { cause: error },
    )
  }
}

function toolTimeOf(events: readonly NewEvent[]): number {
  let ms = 0
  for (const event of events) if (event.type === 'tool_completed') ms += event.data.durationMs
  return ms
}
