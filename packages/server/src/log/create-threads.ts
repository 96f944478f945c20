import type { Thread } from '@holdfast/protocol'
import { HoldfastError, limits, position, systemIdMaker, ThreadId } from '@holdfast/protocol'
import type { Selectable } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { createLifecycleLog } from './lifecycle-log.ts'
import type { Threads } from './threads.ts'

/** P1: the owner stands in every WHERE, so that another user's thread answers as a missing one. */
export function createThreads({ db }: Pick<Store, 'db'>, lifecycle = createLifecycleLog({ db })): Threads {
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

    list: async ({ userId }, cursor) => {
      const before = cursor === undefined ? null : parseCursor(cursor)
      const rows = await db
        .selectFrom('threads')
        .selectAll()
        .where('owner', '=', userId)
        .$if(before !== null, (query) => query.where('id', '<', before))
        .orderBy('id', 'desc')
        // One more than a page tells whether there is another.
        .limit(limits.pageItems + 1)
        .execute()
      const items = rows.slice(0, limits.pageItems).map(threadOf)
      return { items, next: rows.length > limits.pageItems ? (items.at(-1)?.id ?? null) : null }
    },

    rename: async ({ userId }, threadId, title) =>
      found(
        threadId,
        await db
          .updateTable('threads')
          .set({ title: storable(title) })
          .where('id', '=', threadId)
          .where('owner', '=', userId)
          .returningAll()
          .executeTakeFirst(),
      ),

    remove: async ({ userId }, threadId) => {
      await db.transaction().execute(async (tx) => {
        // The thread first: an append that waits for its row then finds none.
        const { numDeletedRows } = await tx
          .deleteFrom('threads')
          .where('id', '=', threadId)
          .where('owner', '=', userId)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) throw missing(threadId)
        await tx.deleteFrom('events').where('thread_id', '=', threadId).execute()
      })
    },
  }
}

function found(threadId: ThreadId, row: Selectable<Schema['threads']> | undefined): Thread {
  if (row === undefined) throw missing(threadId)
  return threadOf(row)
}

const missing = (threadId: ThreadId): HoldfastError =>
  new HoldfastError('not_found', `There is no thread ${threadId}`)

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
    throw new HoldfastError('bad_request', 'A title cannot hold the character U+0000; leave it out')
  return title
}

/** A cursor is the id of the last thread seen: ids sort by the time they were made. */
function parseCursor(cursor: string): ThreadId {
  const parsed = ThreadId.safeParse(cursor)
  if (parsed.success) return parsed.data
  throw new HoldfastError('bad_request', 'The cursor is not one of this list; leave it out to start again')
}
