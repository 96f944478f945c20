import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type FileId, position, type RunId, start, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAudit } from '../auth/audit.ts'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import { createDirectoryBlobs } from '../workspace/directory-blobs.ts'
import { openArchiveReader, openArchiveWriter } from './archive/open-archive.ts'
import { restoreBackup } from './backup/restore-backup.ts'
import { writeBackup } from './backup/write-backup.ts'
import { copyStore } from './copy-store.ts'

const makeId = systemIdMaker()
const untimed = (): AbortSignal => new AbortController().signal
const quiet = { onProgress: () => {}, signal: untimed() }

/** Texts that a copy is most likely to spoil. */
const awkward = [
  'plain',
  '"quotes" \\ and \\n back\\\\slashes',
  'line\nbreak\ttab',
  '{a,"b",NULL}',
  'NULL',
  '',
  'ünï😀 \u2028',
  '\\x41',
]

/** Backup, restore and move, from one store to another of its own or another kind. */
export function wholeStoreContract(
  name: string,
  openFrom: () => Promise<Store>,
  openTo: () => Promise<Store>,
  /** Whether a store may move this way. */
  canMove: boolean,
): void {
  describe(name, () => {
    let from: Store
    let directory: string
    const place = (path: string): string => join(directory, path)
    const blobsIn = (path: string) => createDirectoryBlobs({ directory: place(path), durable: false })
    const owner: Principal = { kind: 'local', userId: makeId('user') }
    const files: { readonly threadId: ThreadId; readonly id: FileId; readonly content: string }[] = []
    let threadId: ThreadId

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'holdfast-whole-'))
      from = await openFrom()
      await fill(from)
    })
    afterAll(async () => {
      await from[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    })

    /** Every table that a running server writes, with values of every type. */
    async function fill(store: Store): Promise<void> {
      const { db } = store
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
        threadId = id
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
        await blobsIn('blobs').write({ threadId: id, id: file.id }, bytes(file.content))
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
    }
    async function* bytes(content: string) {
      yield Buffer.from(content)
    }
    /** All of a table as the database writes it. */
    async function dump(store: Store, table: string): Promise<readonly string[]> {
      const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(table)} t`.execute(
        store.db,
      )
      return rows.map(({ row }) => row).toSorted()
    }
    const same = async (one: Store, other: Store, but: readonly string[]): Promise<void> => {
      const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables
        where schemaname = current_schema() and tablename not like 'kysely%'`.execute(one.db)
      expect(rows.length).toBeGreaterThan(12)
      for (const { name: table } of rows)
        if (!but.includes(table))
          expect([table, await dump(other, table)]).toEqual([table, await dump(one, table)])
    }
    const backup = async (path: string, store = from) => {
      await using archive = await openArchiveWriter(place(path))
      return await writeBackup({ ...quiet, store, blobs: blobsIn('blobs'), archive })
    }
    const restore = async (
      path: string,
      store: Store,
      options: { overwrite?: boolean; withoutTokens?: boolean } = {},
    ) => {
      await using archive = await openArchiveReader(place(path))
      return await restoreBackup({
        ...quiet,
        overwrite: false,
        withoutTokens: false,
        ...options,
        store,
        blobs: blobsIn('restored'),
        archive,
      })
    }

    test.each(['backup', 'backup.tar', 'backup.tar.gz'])(
      '[L6] %s holds rows and files as they were; restored it is another log, and nobody is signed in',
      async (path) => {
        const written = await backup(path)
        expect(written).toMatchObject({ stored: { files: awkward.length }, missing: 0 })
        expect(written.tables['events']?.rows).toBe(awkward.length * (awkward.length + 1))
        expect((await readdir(directory)).filter((found) => found.includes('partial'))).toEqual([])

        await using to = await openTo()
        const restored = await restore(path, to)
        expect(restored).toMatchObject({ tables: written.tables, stored: written.stored, tokens: 1 })
        await same(from, to, ['meta', 'sessions', 'chores'])
        expect(await dump(to, 'sessions')).toEqual([])
        for (const { content, ...key } of files)
          expect(await text(await blobsIn('restored').open(key))).toBe(content)
        const epoch = await to.db
          .selectFrom('meta')
          .select('value')
          .where('key', '=', 'epoch')
          .executeTakeFirst()
        expect(epoch?.value).toBe(restored.epoch)
        expect(epoch?.value).not.toBe(from.epoch)
        expect(epoch?.value).not.toBe(to.epoch)
        // The database numbers on after what was restored.
        await using audit = openAudit({ store: to, onError: () => {} })
        await audit.note({ event: 'signed_in' }, { address: null, agent: null })
        expect(await dump(to, 'audit')).toHaveLength(4)
      },
    )

    test('a backup is of one moment, and what was deleted while it was made is left out', async () => {
      const late = makeId('file')
      await from.db
        .insertInto('files')
        .values({
          id: late,
          thread_id: threadId,
          owner: owner.userId,
          name: 'gone',
          kind: 'csv',
          bytes: 1,
          sha256: '',
          profile: null,
        })
        .execute()
      try {
        expect(await backup('gaps')).toMatchObject({ stored: { files: awkward.length }, missing: 1 })
        await using to = await openTo()
        expect(await restore('gaps', to)).toMatchObject({ missing: 1 })
        expect(await to.db.selectFrom('files').select('id').where('id', '=', late).execute()).toEqual([])
      } finally {
        await from.db.deleteFrom('files').where('id', '=', late).execute()
      }
    })

    test('a store that is in use is not restored over, unless it is said; what only it knew goes, bytes too', async () => {
      await backup('over')
      await using to = await openTo()
      const threads = createThreads(to)
      const { id } = await threads.create(owner, 'newer')
      await expect(restore('over', to)).rejects.toMatchObject({
        code: 'bad_request',
        message: expect.stringMatching(/not empty \(.*threads.*--overwrite/),
      })
      expect((await threads.get(owner, id)).title).toBe('newer')
      expect(await restore('over', to, { overwrite: true, withoutTokens: true })).toMatchObject({ tokens: 0 })
      await expect(threads.get(owner, id)).rejects.toMatchObject({ code: 'not_found' })
      const deletions = await to.db.selectFrom('thread_deletions').select('thread_id').execute()
      expect(deletions).toEqual([{ thread_id: id }])
      expect((await threads.list(owner)).items).toHaveLength(awkward.length)
    })

    test.each<[string, (path: string) => Promise<void>, RegExp]>([
      ['without its end', (path) => rm(join(path, 'summary.json')), /no end/],
      ['without a page of rows', (path) => removeRows(path, 'events'), /rows of events/],
      ['with a changed row', (path) => changeRows(path, 'threads'), /rows of threads/],
      ['with half a row', (path) => cutRows(path, 'threads'), /threads.*not what it should be/],
      ['with a file changed', (path) => changeFile(path), /files are not those/],
      ['with something else in it', (path) => writeFile(join(path, 'more.txt'), ''), /does not belong/],
      [
        'of another version',
        (path) => edit(join(path, 'backup.json'), (all) => all.replace('"0001-first"', '"0000-first"')),
        /another|whose tables end/,
      ],
      ['that is none', (path) => writeFile(join(path, 'backup.json'), '{}'), /not what it should be/],
    ])('a backup %s restores nothing', async (_name, spoil, expected) => {
      const path = `spoiled-${makeId('run')}`
      await backup(path)
      await spoil(place(path))
      await using to = await openTo()
      await expect(restore(path, to)).rejects.toMatchObject({
        code: 'bad_request',
        message: expect.stringMatching(expected),
      })
      expect(await dump(to, 'threads')).toEqual([])
      expect(await dump(to, 'meta')).toContain(`(epoch,${to.epoch})`)
    })

    test('a store that holds something else than it was given is found out, and left as it was', async () => {
      await backup('spoilt')
      const openSpoiling = async (): Promise<Store> => {
        const to = await openTo()
        for (const statement of [
          sql`create function spoil() returns trigger language plpgsql as $$ begin new.title := 'x'; return new; end $$`,
          sql`create trigger spoil before insert on threads for each row execute function spoil()`,
        ])
          await statement.execute(to.db)
        return to
      }
      for (const into of [
        (to: Store) => restore('spoilt', to),
        ...(canMove ? [(to: Store) => copyStore({ ...quiet, from, to })] : []),
      ]) {
        await using to = await openSpoiling()
        await expect(into(to)).rejects.toThrow(/does not hold the rows of threads as they were given/)
        expect(await dump(to, 'lifecycle')).toEqual([])
      }
    })

    test('a backup that is stopped, or that has a name that is taken, leaves nothing new', async () => {
      const before = await readdir(directory)
      for (const path of ['stopped', 'stopped.tar.gz']) {
        const stopped = new AbortController()
        await expect(
          (async () => {
            await using archive = await openArchiveWriter(place(path))
            await writeBackup({
              store: from,
              blobs: blobsIn('blobs'),
              archive,
              onProgress: ({ doing }) => {
                if (doing === 'files') stopped.abort(new Error('stopped'))
              },
              signal: stopped.signal,
            })
          })(),
        ).rejects.toThrow('stopped')
      }
      expect((await readdir(directory)).toSorted()).toEqual(before.toSorted())
      await expect(openArchiveWriter(directory)).rejects.toMatchObject({ code: 'bad_request' })
      await expect(openArchiveReader(place('nothing'))).rejects.toMatchObject({ code: 'not_found' })
    })

    if (canMove)
      test('[L6] a store moves as it is: the same rows, the same epoch, cursors go on', async () => {
        await using to = await openTo()
        const tables = await copyStore({ ...quiet, from, to })
        expect(tables['events']?.rows).toBe(awkward.length * (awkward.length + 1))
        await same(from, to, [])
        await using log = createEventLog(to)
        const some = await log.read(threadId, position(4), { events: 3, bytes: 1_000_000 })
        expect(some.map(({ seq }) => seq)).toEqual([5, 6, 7])
        // And it goes on where it was.
        const [next] = await log.append({
          threadId,
          runId: makeId('run'),
          agent: 'a',
          events: [{ type: 'agent_thinking', data: { step: 1, text: 'on' } }],
          producerKey: '1',
          fence: null,
        })
        expect(next?.seq).toBe(awkward.length + 2)
        await expect(copyStore({ ...quiet, from, to })).rejects.toMatchObject({
          code: 'bad_request',
          message: expect.stringContaining('not empty'),
        })
        expect(await log.read(threadId, start, { events: 1, bytes: 1_000 })).toHaveLength(1)
      })

    async function edit(path: string, change: (content: string) => string): Promise<void> {
      await writeFile(path, change(await readFile(path, 'utf8')))
    }
    async function rowsDirectory(path: string, table: string): Promise<string> {
      const found = (await readdir(join(path, 'rows'))).find((each) => each.endsWith(`-${table}`))
      return join(path, 'rows', found ?? '')
    }
    const removeRows = async (path: string, table: string) =>
      await rm(join(await rowsDirectory(path, table), '00000000.jsonl'))
    const changeRows = async (path: string, table: string) =>
      await edit(join(await rowsDirectory(path, table), '00000000.jsonl'), (all) =>
        all.replace('plain', 'plane'),
      )
    const cutRows = async (path: string, table: string) =>
      await edit(join(await rowsDirectory(path, table), '00000000.jsonl'), (all) => all.slice(0, -20))
    const changeFile = async (path: string) => {
      const [first] = files
      if (first === undefined) throw new Error('no file')
      await edit(join(path, 'stored', first.threadId, first.id), (all) => `${all.slice(1)}!`)
    }
  })
}
