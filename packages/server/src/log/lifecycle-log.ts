import type { LifecycleItem, Position, UserId } from '@holdfast/protocol'
import { position } from '@holdfast/protocol'
import { CompiledQuery, type Kysely, type Selectable } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { Store, Tx } from '../store/store.ts'
import { createListeners } from './listeners.ts'

type NoteOf<Item> = Item extends LifecycleItem ? Omit<Item, 'seq' | 'at' | 'title'> : never
/** An item before it has its place. */
export type LifecycleNote = NoteOf<LifecycleItem>

export interface Noted {
  readonly userId: UserId
  readonly seq: Position
}

/**
 * What happens to a user's threads, one sequence a user (`user/me`): gapless, in the order of commits, as L2 has it
 * for threads. Each row commits with the change it tells (L3).
 */
export interface LifecycleLog {
  /** Items with seq > after, contiguous, oldest first. */
  read(userId: UserId, after: Position, most: number): Promise<readonly LifecycleItem[]>
  /** Of each user that is asked for; 0 where nothing happened yet. */
  heads(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, Position>>
  /** Called after a local commit with the new head (L1, B1). Returns what removes the listener. */
  onCommit(listener: (userId: UserId, head: Position) => void): () => void
  /**
   * Takes the user's row and its next place until `tx` ends. Locks go thread, run, user everywhere: this comes last
   * in a transaction, so that it is held shortest and whoever holds it waits for nobody (no deadlock is possible).
   */
  note(tx: Tx, userId: UserId, note: LifecycleNote): Promise<Noted>
  /** After the commit of the transaction that noted them (L1). Never throws. */
  tell(noted: readonly Noted[]): void
}

const noteStatement = `/* prepare lifecycle-note */
with raised as (
  insert into lifecycle_heads as h (user_id, head) values ($1, 1)
  on conflict (user_id) do update set head = h.head + 1
  returning head
)
insert into lifecycle (user_id, seq, at, type, thread_id, run_id, data)
select $1, head, date_trunc('milliseconds', clock_timestamp()), $2, $3, $4, $5::json from raised
returning seq`

/** The title is the thread's as it is now: what a user wrote is stored in one place, and goes with the thread. */
const readStatement = `/* prepare lifecycle-read */
select l.*, coalesce(t.title, '') as title
from lifecycle l left join threads t on t.id = l.thread_id and t.owner = l.user_id
where l.user_id = $1 and l.seq > $2 order by l.seq limit $3`

const headsStatement = `/* prepare lifecycle-heads */
select user_id, head from lifecycle_heads where user_id = any($1)`

export function createLifecycleLog({ db }: Pick<Store, 'db'>): LifecycleLog {
  const listeners = createListeners<[userId: UserId, head: Position]>()
  const query = <Row>(executor: Kysely<Schema>, statement: string, parameters: readonly unknown[]) =>
    executor.executeQuery<Row>(CompiledQuery.raw(statement, [...parameters]))

  return {
    async read(userId, after, most) {
      const { rows } = await query<ItemRow>(db, readStatement, [userId, after, most])
      return rows.map(itemOf)
    },
    async heads(userIds) {
      const found = new Map<UserId, Position>(userIds.map((userId) => [userId, position(0)]))
      if (userIds.length === 0) return found
      const { rows } = await query<Schema['lifecycle_heads']>(db, headsStatement, [userIds])
      for (const { user_id: userId, head } of rows) found.set(userId, position(head))
      return found
    },
    onCommit: listeners.add,
    async note(tx, userId, note) {
      const { type, data } = noteColumns(note)
      const runId = 'runId' in note ? note.runId : null
      const parameters = [userId, type, note.threadId, runId, data]
      const { rows } = await query<{ seq: number }>(tx, noteStatement, parameters)
      const [row] = rows
      if (row === undefined) throw new Error('The note was not stored')
      return { userId, seq: position(row.seq) }
    },
    tell(noted) {
      // Of one user the last place wins.
      const heads = new Map(noted.map(({ userId, seq }) => [userId, seq]))
      for (const [userId, head] of heads) listeners.tell(userId, head)
    },
  }
}

/** What a note says besides its thread and run. */
export function noteColumns(note: LifecycleNote): {
  readonly type: LifecycleNote['type']
  readonly data: string
} {
  const { type, threadId: _, ...rest } = note
  const { runId: __, ...data } = 'runId' in rest ? rest : { runId: null }
  return { type, data: JSON.stringify(data) }
}

type ItemRow = Selectable<Schema['lifecycle']> & { readonly title: string }

function itemOf(row: ItemRow): LifecycleItem {
  const item = {
    seq: position(row.seq),
    at: row.at.toISOString(),
    threadId: row.thread_id,
    type: row.type,
    ...(row.run_id === null ? {} : { runId: row.run_id }),
    ...(row.type === 'thread_created' || row.type === 'thread_renamed' ? { title: row.title } : {}),
    ...row.data,
  }
  // Only `note` writes this table, from LifecycleNotes: type and data belong together.
  return item as LifecycleItem
}
