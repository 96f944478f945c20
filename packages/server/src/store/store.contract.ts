import type { NewEvent, UserId } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import { CompiledQuery, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlFault } from './sql-state.ts'
import type { Store } from './store.ts'

const makeId = systemIdMaker()

/** What both adapters do alike: the schema, the types, the transactions. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store
    beforeAll(async () => {
      store = await open()
    })
    afterAll(() => store[Symbol.asyncDispose]())

    const owner: UserId = makeId('user')
    const newThread = async () => {
      const id = makeId('thread')
      await store.db.insertInto('threads').values({ id, owner, title: '' }).execute()
      return id
    }

    test('values come back as the same JavaScript types', async () => {
      const { rows } =
        await sql`select 9007199254740991::int8 as int8, 7::int4 as int4, 1.5::float8 as float8,
        1.10::numeric as numeric, true as yes, false as no, null::int8 as nothing, 'text' as text,
        '{"a": [1, null]}'::json as json, '{"b":2}'::jsonb as jsonb, count(*) as count,
        '2026-11-23 12:00:00.345+01'::timestamptz as at, '1969-12-31 23:59:59+00'::timestamptz as before`.execute(
          store.db,
        )
      expect(rows).toEqual([
        {
          int8: Number.MAX_SAFE_INTEGER,
          int4: 7,
          float8: 1.5,
          numeric: '1.10',
          yes: true,
          no: false,
          nothing: null,
          text: 'text',
          json: { a: [1, null] },
          jsonb: { b: 2 },
          count: 1,
          at: new Date('2026-11-23T11:00:00.345Z'),
          before: new Date('1969-12-31T23:59:59Z'),
        },
      ])
    })

    test('an int8 that is no JavaScript number is an error, not another number', async () => {
      await expect(sql`select 9007199254740993::int8 as big`.execute(store.db)).rejects.toThrow(
        'does not fit',
      )
    })

    test('a prepared statement that failed when it came first works afterwards', async () => {
      const divide = async (by: number): Promise<unknown> => {
        const statement = CompiledQuery.raw('/* prepare contract-divide */ select 6 / $1::int as result', [
          by,
        ])
        return (await store.db.executeQuery(statement)).rows
      }
      await expect(divide(0)).rejects.toThrow('division by zero')
      expect(await divide(2)).toEqual([{ result: 3 }])
      await expect(divide(0)).rejects.toThrow('division by zero')
      expect(await divide(3)).toEqual([{ result: 2 }])
    })

    test('parameters of every kind go in alike', async () => {
      const at = new Date('2026-11-23T11:00:00.345Z')
      const array = ['a', 'b"c', 'd\\e', 'f,g', '', 'NULL', '{}']
      const { rows } = await sql`select ${at}::timestamptz as at, ${5}::int8 as number, ${true}::bool as yes,
        ${null}::text as nothing, ${JSON.stringify({ a: 'ü' })}::json as json,
        to_json(${array}::text[]) as array`.execute(store.db)
      expect(rows).toEqual([{ at, number: 5, yes: true, nothing: null, json: { a: 'ü' }, array }])
    })

    test('events.data keeps its text, and U+0000 in a string', async () => {
      const threadId = await newThread()
      const data = '{"text":  "a\\u0000b",\n "b": 1.0, "a": 2}'
      const type: NewEvent['type'] = 'message_delta'
      await store.db
        .insertInto('events')
        .values({
          thread_id: threadId,
          seq: 1,
          id: makeId('event'),
          run_id: makeId('run'),
          agent: 'a',
          type,
          at: new Date(),
          data,
          producer_key: null,
        })
        .execute()
      const { rows } = await sql<{ text: string; data: unknown }>`
        select data::text as text, data from events where thread_id = ${threadId}`.execute(store.db)
      expect(rows[0]?.text).toBe(data)
      expect(rows[0]?.data).toEqual({ text: 'a\u0000b', b: 1, a: 2 })
    })

    test('a thread takes its runs, files and artifacts with it, and nothing else', async () => {
      const [threadId, otherId] = [await newThread(), await newThread()]
      for (const id of [threadId, otherId]) {
        const runId = makeId('run')
        const common = { thread_id: id, owner }
        await store.db
          .insertInto('runs')
          .values({
            ...common,
            id: runId,
            agent: 'a',
            status: 'queued',
            request_hash: '',
            queued_at_seq: 1,
          })
          .execute()
        await store.db
          .insertInto('files')
          .values({ ...common, id: makeId('file'), name: 'f', kind: 'csv', bytes: 1, sha256: '' })
          .execute()
        await store.db
          .insertInto('artifacts')
          .values({
            ...common,
            id: makeId('artifact'),
            run_id: runId,
            kind: 'table',
            title: '',
            media_type: 'text/csv',
            bytes: 1,
          })
          .execute()
      }
      await store.db.deleteFrom('threads').where('id', '=', threadId).execute()
      const count = async (table: 'runs' | 'files' | 'artifacts', id: typeof threadId) =>
        (await store.db.selectFrom(table).select('thread_id').where('thread_id', '=', id).execute()).length
      for (const table of ['runs', 'files', 'artifacts'] as const) {
        expect([table, await count(table, threadId)]).toEqual([table, 0])
        expect([table, await count(table, otherId)]).toEqual([table, 1])
      }
    })

    test('an idempotency key is unique for its owner, and its absence is not', async () => {
      const threadId = await newThread()
      const insert = (idempotencyKey: string | null, of: UserId = owner) =>
        store.db
          .insertInto('runs')
          .values({
            id: makeId('run'),
            thread_id: threadId,
            owner: of,
            agent: 'a',
            status: 'queued',
            idempotency_key: idempotencyKey,
            request_hash: '',
            queued_at_seq: 1,
          })
          .execute()
      await insert('k')
      await insert(null)
      await insert(null)
      await insert('k', makeId('user'))
      const fault = await insert('k').then(() => null, sqlFault)
      expect(fault).toEqual({ state: '23505', constraint: 'runs_idempotency' })
    })

    test('nobody sees the rows of a transaction before it commits', async () => {
      const id = makeId('thread')
      const written = Promise.withResolvers<void>()
      const finish = Promise.withResolvers<void>()
      const transaction = store.db.transaction().execute(async (tx) => {
        await tx.insertInto('threads').values({ id, owner, title: 'new' }).execute()
        written.resolve()
        await finish.promise
      })
      await written.promise
      let committed = false
      const after = transaction.then(() => {
        committed = true
      })
      const outside = store.db
        .selectFrom('threads')
        .select('title')
        .where('id', '=', id)
        .execute()
        .then((rows) => ({ rows, committed }))
      // PostgreSQL answers at once with what is committed; PGlite's one connection is taken, and the read waits.
      if (store.kind === 'postgres') expect(await outside).toEqual({ rows: [], committed: false })
      finish.resolve()
      await after
      if (store.kind === 'pglite')
        expect(await outside).toEqual({ rows: [{ title: 'new' }], committed: true })
    })

    test('a transaction that throws leaves nothing, and the connection is good for the next', async () => {
      const id = makeId('thread')
      const failing = store.db.transaction().execute(async (tx) => {
        await tx.insertInto('threads').values({ id, owner, title: '' }).execute()
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect(await store.db.selectFrom('threads').select('id').where('id', '=', id).execute()).toEqual([])
    })

    test('a commit that the database turned into a rollback is an error', async () => {
      const commit = store.db.transaction().execute(async (tx) => {
        await sql`select 1/0`.execute(tx).catch(() => null)
      })
      await expect(commit).rejects.toThrow()
    })

    test('hot queries have their index', async () => {
      const { rows } = await sql<{ indexname: string }>`
        select indexname from pg_indexes where schemaname = 'public'`.execute(store.db)
      expect(rows.map(({ indexname }) => indexname)).toEqual(
        expect.arrayContaining([
          'threads_owner',
          'events_pkey',
          'events_producer',
          'runs_queued',
          'runs_running',
          'runs_thread',
          'runs_idempotency',
          'files_thread',
          'artifacts_thread',
        ]),
      )
    })

    test('[L6] the epoch was made with the store', () => {
      expect(store.epoch).toMatch(/^epo_[0-9A-Z]{26}$/)
    })
  })
}
