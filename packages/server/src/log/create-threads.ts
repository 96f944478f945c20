import type { Outcome, RunId, RunStatus, Thread, ThreadSummary, UserId } from '@holdfast/protocol'
import { HoldfastError, limits, position, systemIdMaker, ThreadId } from '@holdfast/protocol'
import { CompiledQuery, type Selectable } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { Store, Tx } from '../store/store.ts'
import { ThreadMissingError } from './event-log.ts'
import { createLifecycleLog } from './lifecycle-log.ts'
import type { ThreadState, Threads } from './threads.ts'

/** P1: the owner stands in every WHERE, so that another user's thread answers as a missing one. */
export function createThreads(
  { db }: Pick<Store, 'db'>,
  lifecycle = createLifecycleLog({ db }),
  /** After the commit: runs that were under way and have nothing to write to any more. */
  onRemoved: (running: readonly RunId[]) => void = () => {},
): Threads {
  const makeId = systemIdMaker()
  return {
    create: async ({ userId }, title = '') => {
      const values = { id: makeId('thread'), owner: userId, title: storable(title) }
      const { row, noted } = await db.transaction().execute(async (tx) => ({
        row: await tx.insertInto('threads').values(values).returningAll().executeTakeFirstOrThrow(),
        noted: await lifecycle.note(tx, userId, { type: 'thread_created', threadId: values.id }),
      }))
      lifecycle.tell([noted])
      return threadOf(row)
    },

    get: async ({ userId }, threadId) =>
      found(
        threadId,
        await db
          .selectFrom('threads')
          .selectAll()
          .where('id', '=', threadId)
          .where('owner', '=', userId)
          .executeTakeFirst(),
      ),

    list: async ({ userId }, { cursor, search = '' } = {}) => {
      const before = cursor === undefined ? null : parseCursor(cursor)
      // One more than a page tells whether there is another.
      const parameters = [userId, before, likeOf(search), limits.pageItems + 1]
      const { rows } = await db.executeQuery<ListedRow>(CompiledQuery.raw(listStatement, parameters))
      const items = rows.slice(0, limits.pageItems).map(summaryOf)
      return { items, next: rows.length > limits.pageItems ? (items.at(-1)?.id ?? null) : null }
    },

    rename: async ({ userId }, threadId, title) => {
      const { row, noted } = await db.transaction().execute(async (tx) => ({
        row: found(
          threadId,
          await tx
            .updateTable('threads')
            .set({ title: storable(title) })
            .where('id', '=', threadId)
            .where('owner', '=', userId)
            .returningAll()
            .executeTakeFirst(),
        ),
        noted: await lifecycle.note(tx, userId, { type: 'thread_renamed', threadId }),
      }))
      lifecycle.tell([noted])
      return row
    },

    remove: async ({ userId }, threadId) => {
      const removed = await removeThread(userId, threadId, null)
      if (removed === 'missing') throw new ThreadMissingError(threadId)
    },

    removeAt: async ({ userId }, threadId, seen) =>
      (await removeThread(userId, threadId, seen)) === 'removed',
  }

  /**
   * From its commit on there is no such thread, for anybody on any node: its runs, files and artifacts go with its
   * row, and an append finds none. Its events and bytes may be many: the deletion that is noted here takes them away,
   * however often it is interrupted (upkeep/).
   */
  async function removeThread(
    userId: UserId,
    threadId: ThreadId,
    seen: ThreadState | null,
  ): Promise<'removed' | 'missing' | 'changed'> {
    const outcome = await db.transaction().execute(async (tx) => {
      // Waits for the append that holds it; one that comes later finds no row.
      const row = await tx
        .selectFrom('threads')
        .select('head')
        .where('id', '=', threadId)
        .where('owner', '=', userId)
        .forUpdate()
        .executeTakeFirst()
      if (row === undefined) return 'missing'
      // Nobody stores a file under this lock, for its row refers to the thread's: what is newest now stays so.
      if (
        seen !== null &&
        (row.head !== seen.head || (await newestFileMs(tx, threadId)) !== msOf(seen.lastFileAt))
      )
        return 'changed'
      const running = await tx
        .selectFrom('runs')
        .select('id')
        .where('thread_id', '=', threadId)
        .where('status', '=', 'running')
        .execute()
      await tx.insertInto('thread_deletions').values({ thread_id: threadId }).execute()
      await tx.deleteFrom('threads').where('id', '=', threadId).execute()
      const noted = await lifecycle.note(tx, userId, { type: 'thread_deleted', threadId })
      return { noted, running: running.map(({ id }) => id) }
    })
    if (typeof outcome === 'string') return outcome
    lifecycle.tell([outcome.noted])
    onRemoved(outcome.running)
    return 'removed'
  }
}

async function newestFileMs(tx: Tx, threadId: ThreadId): Promise<number | null> {
  const { at } = await tx
    .selectFrom('files')
    .select((select) => select.fn.max('created_at').as('at'))
    .where('thread_id', '=', threadId)
    .executeTakeFirstOrThrow()
  return msOf(at)
}

const msOf = (at: Date | null): number | null => at?.getTime() ?? null

/**
 * Who is at it comes before what is over; where nothing is, the newest run counts, and its outcome stands in the last
 * event: a run's terminal event is its last, and a thread runs one at a time (R4, R5).
 */
const listStatement = `/* prepare threads-list */
select t.*,
  coalesce(
    (select status from runs r where r.thread_id = t.id and r.owner = t.owner and status in ('queued', 'running')
      order by status desc limit 1),
    (select status from runs r where r.thread_id = t.id order by queued_at_seq desc limit 1)
  ) as status,
  (select e.data ->> 'outcome' from events e
    where e.thread_id = t.id and e.seq = t.head and e.type = 'agent_completed') as outcome
from threads t
where t.owner = $1 and ($2::text is null or t.id < $2)
  and ($3::text is null or t.title ilike $3 or exists (
    select 1 from runs r join events e on e.thread_id = r.thread_id and e.seq = r.queued_at_seq
    where r.thread_id = t.id and e.data -> 'message' ->> 'text' ilike $3))
order by t.id desc limit $4`

type ListedRow = Selectable<Schema['threads']> & {
  readonly status: RunStatus | null
  readonly outcome: Outcome | null
}

function summaryOf(row: ListedRow): ThreadSummary {
  const { status, outcome } = row
  const activity = status === 'completed' ? (outcome ?? 'answered') : (status ?? 'idle')
  return { ...threadOf(row), activity }
}

/** null: everything. */
function likeOf(search: string): string | null {
  const wanted = storable(search.trim())
  return wanted === '' ? null : `%${wanted.replaceAll(/[\\%_]/g, '\\$&')}%`
}

function found(threadId: ThreadId, row: Selectable<Schema['threads']> | undefined): Thread {
  if (row === undefined) throw new ThreadMissingError(threadId)
  return threadOf(row)
}

function threadOf(row: Selectable<Schema['threads']>): Thread {
  return {
    id: row.id,
    title: row.title,
    createdAt: row.created_at.toISOString(),
    head: position(row.head),
  }
}

/** PostgreSQL's text holds every character but this one. */
function storable(title: string): string {
  if (title.includes('\0'))
    throw new HoldfastError('bad_request', 'A text cannot hold the character U+0000; leave it out')
  return title
}

/** A cursor is the id of the last thread seen: ids sort by the time they were made. */
function parseCursor(cursor: string): ThreadId {
  const parsed = ThreadId.safeParse(cursor)
  if (parsed.success) return parsed.data
  throw new HoldfastError('bad_request', 'The cursor is not one of this list; leave it out to start again')
}
