import type { NewEvent, RunOrder, StoredEvent, TerminalType } from '@holdfast/protocol'
import { advanceRun, newRun, terminalTypes } from '@holdfast/protocol'
import type { AppendCommand } from '../log/event-log.ts'
import type { RunCommand, RunNote } from '../log/run-change.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Claim } from './run-queue.ts'
import type { EndOutcome } from './run-state.ts'

/** The one hand that writes a run's events while its lease holds. */
export interface RunWriter {
  /** How far the run's story is, as of the last write: what may follow, and which calls are open (R4). */
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
      await log.append({ ...command, ...endOf(events), notes: notesOf(events, row) })
      order = next
    },
  }
}

/** What of these the user's other tabs and lists of threads are told (user/me). */
function notesOf(events: readonly NewEvent[], row: Claim['row']): readonly RunNote[] {
  const { id: runId, thread_id: threadId, owner: userId } = row
  return events.flatMap((event): RunNote[] => {
    if (event.type === 'data_requested') {
      const { requestId } = event.data
      return [{ userId, note: { type: 'data_requested', threadId, runId, requestId } }]
    }
    if (!isTerminal(event)) return []
    const status = endOutcomes[event.type]
    const outcome = event.type === 'agent_completed' ? { outcome: event.data.outcome } : {}
    return [{ userId, note: { type: 'run_ended', threadId, runId, status, ...outcome } }]
  })
}

/** R4, L3: the terminal event ends the run in the same statement. */
function endOf(events: readonly NewEvent[]): Pick<RunCommand, 'change'> {
  const terminal = events.find(isTerminal)
  return terminal === undefined ? {} : { change: { kind: 'end', status: endOutcomes[terminal.type] } }
}

function step(order: RunOrder, event: NewEvent): RunOrder {
  const check = advanceRun(order, event)
  if (!check.ok) throw new Error(`Event out of order: ${check.violation}`)
  return check.next
}

function isTerminal(event: NewEvent): event is Extract<NewEvent, { type: TerminalType }> {
  return (terminalTypes as readonly string[]).includes(event.type)
}
