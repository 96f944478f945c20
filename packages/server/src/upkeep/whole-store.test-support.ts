import { type FileId, type RunId, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { openAudit } from '../auth/audit.ts'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Blobs } from '../workspace/blobs.ts'

const makeId = systemIdMaker()

/** Texts that a copy is most likely to spoil. */
export const awkward = [
  'plain',
  '"quotes" \\ and \\n back\\\\slashes',
  'line\nbreak\ttab',
  '{a,"b",NULL}',
  'NULL',
  '',
  'ünï😀 \u2028',
  '\\x41',
]

export interface Filled {
  /** One in each of the threads. */
  readonly files: readonly { readonly threadId: ThreadId; readonly id: FileId; readonly content: string }[]
  readonly lastThread: ThreadId
}

/** Every table that a running server writes, with values of every type. */
export async function fillStore(
  store: Store,
  owner: Principal,
  blobs: Pick<Blobs, 'write'>,
): Promise<Filled> {
  const { db } = store
  const files: Filled['files'][number][] = []
  await db
    .insertInto('users')
    .values({
      id: owner.userId,
      issuer: 'here',
      subject: 'me',
      kind: 'local',
      name: null,
      disabled_at: null,
    })
    .execute()
  await db
    .insertInto('tokens')
    .values({
      id: makeId('token'),
      digest: 'd',
      user_id: owner.userId,
      name: awkward[1] ?? '',
      scopes: JSON.stringify(['read']),
      expires_at: sql<Date>`now()` as never,
      used_at: null,
    })
    .execute()
  await db
    .insertInto('sessions')
    .values({
      digest: 's',
      id: makeId('session'),
      user_id: owner.userId,
      expires_at: sql<Date>`now()` as never,
      ends_at: sql<Date>`now()` as never,
    })
    .execute()
  await using audit = openAudit({ store, onError: () => {} })
  for (let count = 0; count < 3; count += 1)
    await audit.note(
      { event: 'signed_in', userId: owner.userId, detail: { count } },
      { address: null, agent: null },
    )
  const threads = createThreads(store)
  await using log = createEventLog(store)
  for (const title of awkward) {
    const { id } = await threads.create(owner, title)
    const run: RunId = makeId('run')
    await log.append({
      threadId: id,
      runId: run,
      agent: 'a',
      // U+0000 is no character of PostgreSQL's text: in an event's data it stands as an escape.
      events: [...awkward, '\0'].map((thought, step) => ({
        type: 'agent_thinking',
        data: { step, text: thought.repeat(50) },
      })),
      producerKey: '1',
      fence: null,
    })
    await db
      .insertInto('runs')
      .values({
        id: run,
        thread_id: id,
        owner: owner.userId,
        agent: 'a',
        status: 'running',
        lease_epoch: 3,
        lease_node: 'nod',
        lease_expires_at: sql<Date>`clock_timestamp()` as never,
        request_hash: '',
        queued_at_seq: 1,
      })
      .execute()
    const file = { threadId: id, id: makeId('file'), content: title.repeat(1_000) }
    files.push(file)
    await blobs.write({ threadId: id, id: file.id }, bytes(file.content))
    await db
      .insertInto('files')
      .values({
        id: file.id,
        thread_id: id,
        owner: owner.userId,
        name: title,
        kind: 'csv',
        bytes: Buffer.byteLength(file.content),
        sha256: '',
        profile: JSON.stringify({ deep: [1.5, null, awkward] }),
      })
      .execute()
  }
  // More than a page, and of pages whose rows grow.
  await db
    .insertInto('usage')
    .values(
      Array.from({ length: 500 }, (_, n) => ({
        subject: `address/${n % 2 === 0 ? 'Ä' : 'a'}${n}`,
        what: 'x'.repeat(n),
        begins: sql<Date>`now()` as never,
        amount: n,
      })),
    )
    .execute()
  const last = files.at(-1)
  if (last === undefined) throw new Error('There is no thread')
  return { files, lastThread: last.threadId }
}

async function* bytes(content: string) {
  yield Buffer.from(content)
}

/** All of a table as the database writes it. */
export async function dump(store: Store, table: string): Promise<readonly string[]> {
  const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(table)} t`.execute(
    store.db,
  )
  return rows.map(({ row }) => row).toSorted()
}

/** Both hold the same rows in all tables but these. */
export async function expectSame(one: Store, other: Store, but: readonly string[]): Promise<void> {
  const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables
    where schemaname = current_schema() and tablename not like 'kysely%'`.execute(one.db)
  expect(rows.length).toBeGreaterThan(12)
  for (const { name: table } of rows)
    if (!but.includes(table))
      expect([table, await dump(other, table)]).toEqual([table, await dump(one, table)])
}
