import {
  type DataRequest,
  type FileId,
  HoldfastError,
  requestsOf,
  StoredEvent,
  type ThreadId,
} from '@holdfast/protocol'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'

/** What the runs of a thread asked their user for. Nothing of it is kept but in the log: it is read off the events. */
export interface DataRequests {
  /** Oldest first. @throws {HoldfastError} not_found, also where the thread is another user's (P1) */
  list(principal: Principal, threadId: ThreadId): Promise<readonly DataRequest[]>
}

/** The last so many events of requests count; a thread that has more has long been asked anew. */
const mostEvents = 1_000

export function createDataRequests({ db }: Pick<Store, 'db'>): DataRequests {
  return {
    async list({ userId }, threadId) {
      const thread = await db
        .selectFrom('threads')
        .select('id')
        .where('id', '=', threadId)
        .where('owner', '=', userId)
        .executeTakeFirst()
      if (thread === undefined) throw new HoldfastError('not_found', `There is no thread ${threadId}`)
      const [rows, files] = await Promise.all([
        db
          .selectFrom('events')
          .select(['id', 'seq', 'run_id', 'agent', 'type', 'at', 'data'])
          .where('thread_id', '=', threadId)
          .where('type', 'in', ['data_requested', 'data_received'])
          .orderBy('seq', 'desc')
          .limit(mostEvents)
          .execute(),
        db
          .selectFrom('files')
          .select('id')
          .where('thread_id', '=', threadId)
          .where('owner', '=', userId)
          .execute(),
      ])
      const events = rows
        .toReversed()
        .map(({ run_id: runId, at, ...row }) =>
          StoredEvent.parse({ ...row, runId, threadId, at: at.toISOString() }),
        )
      return requestsOf(events, new Set<FileId>(files.map(({ id }) => id)))
    },
  }
}
