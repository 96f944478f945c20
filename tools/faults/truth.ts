import { join } from 'node:path'
import { position, type StoredEvent, type ThreadId, type UserId } from '@holdfast/protocol'
import { createEventLog } from '../../packages/server/src/log/sql-event-log.ts'
import { openPgliteStore } from '../../packages/server/src/store/pglite-store.ts'
import { openPostgresStore } from '../../packages/server/src/store/postgres-store.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import type { TruthThread } from './checker.ts'

const page = { events: 1_000, bytes: Number.MAX_SAFE_INTEGER }

/** The log as the store has it, when no server runs any more. */
export async function readTruth(store: Store): Promise<TruthThread[]> {
  await using log = createEventLog(store)
  const rows = await store.db.selectFrom('threads').select(['id', 'owner']).execute()
  const threads: TruthThread[] = []
  for (const { id, owner } of rows) threads.push({ id, owner, events: await readAll(log, id) })
  return threads
}

async function readAll(log: ReturnType<typeof createEventLog>, thread: ThreadId): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for (;;) {
    const next = await log.read(thread, position(events.at(-1)?.seq ?? 0), page)
    if (next.length === 0) return events
    events.push(...next)
  }
}

export function openTruthStore(dataDir: string, databaseUrl: string | null): Promise<Store> {
  return databaseUrl === null
    ? openPgliteStore({ dataDir: join(dataDir, 'store') })
    : openPostgresStore({ connectionString: databaseUrl })
}

/** Threads are made before any server runs, at once and by one hand: their ids differ in their last characters. */
export async function createThreadRows(
  store: Store,
  owners: readonly UserId[],
  makeId: (kind: 'thread') => ThreadId,
): Promise<ThreadId[]> {
  const rows = owners.map((owner) => ({ id: makeId('thread'), owner, title: '' }))
  for (let at = 0; at < rows.length; at += 500)
    await store.db
      .insertInto('threads')
      .values(rows.slice(at, at + 500))
      .execute()
  return rows.map(({ id }) => id)
}
