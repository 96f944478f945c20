import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type FileId, HoldfastError, position, start, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAudit } from '../auth/audit.ts'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Blobs } from '../workspace/blobs.ts'
import { createDirectoryBlobs } from '../workspace/directory-blobs.ts'
import { openArchiveReader, openArchiveWriter } from './archive/open-archive.ts'
import { type RestoreOptions, restoreBackup } from './backup/restore-backup.ts'
import { type BackupOptions, writeBackup } from './backup/write-backup.ts'
import { copyStore } from './copy-store.ts'
import { awkward, dump, expectSame, type Filled, fillStore } from './whole-store.test-support.ts'

const makeId = systemIdMaker()
const untimed = (): AbortSignal => new AbortController().signal
const quiet = { onProgress: () => {}, signal: untimed() }
const alone = { requireAlone: async () => {} }

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
    let files: Filled['files']
    let threadId: ThreadId

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'holdfast-whole-'))
      from = await openFrom()
      const filled = await fillStore(from, owner, blobsIn('blobs'))
      files = filled.files
      threadId = filled.lastThread
    })
    afterAll(async () => {
      await from[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    })

    const backup = async (
      path: string,
      { blobs = blobsIn('blobs'), allowMissing = false }: Partial<BackupOptions> = {},
    ) => {
      await using archive = await openArchiveWriter(place(path))
      return await writeBackup({ ...quiet, store: from, allowMissing, blobs, archive })
    }
    const restore = async (path: string, store: Store, options: Partial<RestoreOptions> = {}) => {
      await using archive = await openArchiveReader(place(path))
      return await restoreBackup({
        ...quiet,
        overwrite: false,
        withoutTokens: false,
        ...alone,
        blobs: blobsIn('restored'),
        ...options,
        store,
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
        await expectSame(from, to, ['meta', 'sessions', 'chores'])
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

    const insertFile = async (id: FileId): Promise<void> => {
      await from.db
        .insertInto('files')
        .values({
          id,
          thread_id: threadId,
          owner: owner.userId,
          name: 'gone',
          kind: 'csv',
          bytes: 1,
          sha256: '',
          profile: null,
        })
        .execute()
    }
    const deleteFile = async (id: FileId): Promise<void> =>
      void (await from.db.deleteFrom('files').where('id', '=', id).execute())

    test('a backup is of one moment, and what was deleted while it was made is left out', async () => {
      const late = makeId('file')
      await insertFile(late)
      const blobs = blobsIn('blobs')
      const deleting: Pick<Blobs, 'open'> = {
        open: async (key) => {
          if (key.id === late) {
            const deleted = deleteFile(late)
            // Where there is one connection, the deletion has it after the snapshot and before the next question.
            if (!from.capabilities.exclusive) await deleted
          }
          return await blobs.open(key)
        },
      }
      expect(await backup('gaps', { blobs: deleting })).toMatchObject({
        stored: { files: awkward.length },
        missing: 1,
      })
      await using to = await openTo()
      expect(await restore('gaps', to)).toMatchObject({ missing: 1 })
      expect(await to.db.selectFrom('files').select('id').where('id', '=', late).execute()).toEqual([])
    })

    test('a place without the bytes makes no backup, unless it is said that they are lost', async () => {
      const elsewhere = { blobs: blobsIn('nowhere') }
      await expect(backup('empty', elsewhere)).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringMatching(/8 files.*HOLDFAST_FILES.*--allow-missing/),
      })
      expect((await readdir(directory)).filter((found) => found.includes('empty'))).toEqual([])

      const lost = makeId('file')
      await insertFile(lost)
      try {
        await expect(backup('lost')).rejects.toThrow(lost)
        expect(await backup('lost', { allowMissing: true })).toMatchObject({ missing: 1 })
      } finally {
        await deleteFile(lost)
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

    test('a damaged backup restored over a whole store leaves its bytes as they were', async () => {
      await backup('flipped')
      await changeFile(place('flipped'))
      await backup('well')
      await using to = await openTo()
      await restore('well', to, { blobs: blobsIn('kept') })
      await expect(restore('flipped', to, { overwrite: true, blobs: blobsIn('kept') })).rejects.toMatchObject(
        {
          code: 'bad_request',
        },
      )
      for (const { content, ...key } of files)
        expect(await text(await blobsIn('kept').open(key))).toBe(content)
    })

    test('a server that started since the first look is found under the lock, and nothing is changed', async () => {
      await backup('served')
      await using to = await openTo()
      const before = await dump(to, 'meta')
      const requireAlone = async (): Promise<void> => {
        throw new HoldfastError('not_ready', 'Servers are using this database')
      }
      await expect(restore('served', to, { requireAlone })).rejects.toMatchObject({ code: 'not_ready' })
      if (canMove)
        await expect(copyStore({ ...quiet, from, to, requireAlone })).rejects.toMatchObject({
          code: 'not_ready',
        })
      expect([await dump(to, 'meta'), await dump(to, 'threads')]).toEqual([before, []])
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
        ...(canMove ? [(to: Store) => copyStore({ ...quiet, ...alone, from, to })] : []),
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
              allowMissing: false,
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
        const tables = await copyStore({ ...quiet, ...alone, from, to })
        expect(tables['events']?.rows).toBe(awkward.length * (awkward.length + 1))
        await expectSame(from, to, [])
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
        await expect(copyStore({ ...quiet, ...alone, from, to })).rejects.toMatchObject({
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
