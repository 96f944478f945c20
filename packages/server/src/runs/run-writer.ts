import type { NewEvent, RunOrder, StoredEvent, TerminalType } from '@holdfast/protocol'
import { advanceRun, newRun, terminalTypes } from '@holdfast/protocol'
import type { AppendCommand } from '../log/event-log.ts'
import { LeaseLostError } from '../log/event-log.ts'
import type { LifecycleNote } from '../log/lifecycle-log.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Tx } from '../store/store.ts'
import type { Claim } from './run-queue.ts'
import type { EndOutcome } from './run-state.ts'

/** The one hand that writes a run's events while its lease holds. */
export interface RunWriter {
  /** Calls that are executing and not completed, as of the last write. */
  readonly order: () => RunOrder
  /**
   * Commits the group under the lease (L4); a group that holds a terminal event ends the run in the same
   * transaction (L3), and what user/me tells of it stands there too.
   * @throws {LeaseLostError} the run was taken over; nothing was written
   */
  write(events: readonly NewEvent[]): Promise<void>
}

const endOutcomes: Readonly<Record<TerminalType, EndOutcome>> = {
  agent_completed: 'completed',
  agent_failed: 'failed',
  agent_cancelled: 'cancelled',
}

/** @param stored the run's events so far, its agent_started of this attempt among them */
export function createRunWriter(log: SqlEventLog, claim: Claim, stored: readonly StoredEvent[]): RunWriter {
  const { row, leaseEpoch, attempt } = claim
  const fence = { runId: row.id, leaseEpoch }
  let order = stored.reduce<RunOrder>(step, newRun)
  let written = 0

  return {
    order: () => order,
    write: async (events) => {
      // Checked before anything is written: an event out of order is a bug here, and must not become history.
      const next = events.reduce<RunOrder>(step, order)
      written += 1
      const command: AppendCommand = {
        threadId: row.thread_id,
        runId: row.id,
        agent: row.agent,
        events,
        // A retried write of this attempt has the same key; another attempt never has (L5).
        producerKey: `${attempt}.${written}`,
        fence,
      }
      const notes = events.flatMap((event) => noteOf(event, row))
      if (notes.length === 0) await log.append(command)
      else
        await log.transact(async (tx, append, note) => {
          // The append comes first: its fence asks for a run that is still running under this lease.
          await append(command)
          const terminal = events.find(isTerminal)
          if (terminal !== undefined) await endRun(tx, claim, endOutcomes[terminal.type])
          for (const one of notes) await note(row.owner, one)
        })
      order = next
    },
  }
}

async function endRun(tx: Tx, { row, leaseEpoch }: Claim, status: EndOutcome): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('runs')
    .set({ status, lease_expires_at: null, lease_node: null })
    .where('id', '=', row.id)
    .where('lease_epoch', '=', leaseEpoch)
    .where('status', '=', 'running')
    .executeTakeFirstOrThrow()
  if (numUpdatedRows !== 1n) throw new LeaseLostError({ runId: row.id, leaseEpoch })
}

/** What of this the user's other tabs and lists of threads are told (user/me). */
function noteOf(event: NewEvent, { id: runId, thread_id: threadId }: Claim['row']): LifecycleNote[] {
  if (event.type === 'data_requested')
    return [{ type: 'data_requested', threadId, runId, requestId: event.data.requestId }]
  if (!isTerminal(event)) return []
  const status = endOutcomes[event.type]
  const outcome = event.type === 'agent_completed' ? { outcome: event.data.outcome } : {}
  return [{ type: 'run_ended', threadId, runId, status, ...outcome }]
}

function step(order: RunOrder, event: NewEvent): RunOrder {
  const check = advanceRun(order, event)
  if (!check.ok) throw new Error(`Event out of order: ${check.violation}`)
  return check.next
}

function isTerminal(event: NewEvent): event is Extract<NewEvent, { type: TerminalType }> {
  return (terminalTypes as readonly string[]).includes(event.type)
}
