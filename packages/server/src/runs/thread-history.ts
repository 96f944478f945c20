import type { StoredEvent, UserMessage } from '@holdfast/protocol'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Store } from '../store/store.ts'
import type { EarlierRun } from '../tools/define-tool.ts'
import { runLimits } from './run-limits.ts'
import type { RunRow } from './run-row.ts'

/** What the thread's ended runs leave for this one, oldest first; the last runLimits.earlierRuns of them. */
export async function earlierRuns(
  store: Store,
  log: SqlEventLog,
  row: RunRow,
): Promise<readonly EarlierRun[]> {
  // The thread's first event: nothing was before it.
  if (row.queued_at_seq === 1) return []
  const ended = await store.db
    .selectFrom('runs')
    .select('id')
    .where('thread_id', '=', row.thread_id)
    .where('queued_at_seq', '<', row.queued_at_seq)
    .where('status', 'in', ['completed', 'failed', 'cancelled'])
    .orderBy('queued_at_seq', 'desc')
    .limit(runLimits.earlierRuns)
    .execute()
  const histories = await log.readRuns(ended.map(({ id }) => id))
  return ended.toReversed().flatMap(({ id }) => {
    const earlier = summarise(histories.get(id) ?? [])
    return earlier === null ? [] : [earlier]
  })
}

/** The message a run answers: its run_queued holds it. */
export function messageOf(events: readonly StoredEvent[]): UserMessage {
  const [first] = events
  if (first?.type !== 'run_queued') throw new Error('A run begins with run_queued')
  return first.data.message
}

/** Pure: a run's events to what the next run needs of them. null: it did not end. */
export function summarise(events: readonly StoredEvent[]): EarlierRun | null {
  const last = events.at(-1)
  if (last === undefined) return null
  const message = messageOf(events)
  const request = events.findLast((event) => event.type === 'data_requested')?.data ?? null
  switch (last.type) {
    case 'agent_completed': {
      // Text of an attempt that died has another message id and is no part of the answer.
      const answer = events
        .flatMap((event) =>
          event.type === 'message_delta' && event.data.messageId === last.data.messageId
            ? [event.data.text]
            : [],
        )
        .join('')
      return { message, outcome: last.data.outcome, answer, request }
    }
    case 'agent_failed':
      return { message, outcome: 'failed', answer: '', request }
    case 'agent_cancelled':
      return { message, outcome: 'cancelled', answer: '', request }
    default:
      return null
  }
}
