import type { NewEvent, RunId, UserMessage } from '@holdfast/protocol'
import { terminalTypes } from '@holdfast/protocol'
import { CompiledQuery } from 'kysely'
import type { Store } from '../store/store.ts'
import type { EarlierRun } from '../tools/define-tool.ts'
import { runLimits } from './run-limits.ts'
import type { RunRow } from './run-row.ts'

/** What summarise looks at. Tool outputs, the bulk of a run, are not among it. */
const storyTypes = ['run_queued', 'message_delta', 'data_requested', ...terminalTypes]

/** One question for all runs that a claim took; the last runLimits.earlierRuns ended ones of each one's thread. */
const historyStatement = `/* prepare runs-history */
select now.id as before, e.run_id, e.type, e.data
from runs now,
  lateral (
    select r.id, r.queued_at_seq from runs r
    where r.thread_id = now.thread_id and r.queued_at_seq < now.queued_at_seq
      and r.status in ('completed', 'failed', 'cancelled')
    order by r.queued_at_seq desc limit ${runLimits.earlierRuns}
  ) earlier,
  lateral (
    select e.run_id, e.type, e.data, e.seq from events e where e.run_id = earlier.id and e.type = any($2)
  ) e
where now.id = any($1)
order by now.id, earlier.queued_at_seq, e.seq`

type StoryRow = NewEvent & { readonly before: RunId; readonly run_id: RunId }

/** What each run's thread leaves for it, oldest first; a run without a past is left out. */
export async function readHistories(
  store: Pick<Store, 'db'>,
  rows: readonly RunRow[],
): Promise<ReadonlyMap<RunId, readonly EarlierRun[]>> {
  // The thread's first event: nothing was before it.
  const ids = rows.flatMap(({ id, queued_at_seq: seq }) => (seq === 1 ? [] : [id]))
  if (ids.length === 0) return new Map()
  const query = CompiledQuery.raw(historyStatement, [ids, storyTypes])
  const { rows: found } = await store.db.executeQuery<StoryRow>(query)
  const histories = new Map<RunId, EarlierRun[]>()
  for (const [before, stories] of Map.groupBy(found, (row) => row.before)) {
    const runs = Map.groupBy(stories, (row) => row.run_id)
    histories.set(
      before,
      [...runs.values()].flatMap((events) => summarise(events) ?? []),
    )
  }
  return histories
}

/** The message a run answers: its run_queued holds it. */
export function messageOf(events: readonly NewEvent[]): UserMessage {
  const [first] = events
  if (first?.type !== 'run_queued') throw new Error('A run begins with run_queued')
  return first.data.message
}

/** Pure: a run's events to what the next run needs of them. null: it did not end. */
export function summarise(events: readonly NewEvent[]): EarlierRun | null {
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
