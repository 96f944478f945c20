import { randomBytes } from 'node:crypto'
import { start, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store } from '../store/store.ts'
import type { Blobs } from '../workspace/blobs.ts'
import { createDeletions, type DeletionsOptions } from './deletions.ts'

const makeId = systemIdMaker()
const untimed = (): AbortSignal => new AbortController().signal

export interface DeletionsHarness extends AsyncDisposable {
  readonly store: Store
  readonly blobs: Blobs
}

/** What becomes of a deleted thread, on any store and any place for files. */
export function deletionsContract(name: string, open: () => Promise<DeletionsHarness>): void {
  describe(name, () => {
    let harness: DeletionsHarness
    beforeAll(async () => {
      harness = await open()
    })
    afterAll(() => harness[Symbol.asyncDispose]())

    const owner: Principal = { kind: 'user', userId: makeId('user') }
    const deletions = (options: Partial<DeletionsOptions> = {}) =>
      createDeletions({ store: harness.store, blobs: harness.blobs, ...options })

    async function makeThread(events: number): Promise<ThreadId> {
      const { store, blobs } = harness
      const { id } = await createThreads(store).create(owner)
      await using log = createEventLog(store)
      await log.append({
        threadId: id,
        runId: makeId('run'),
        agent: 'a',
        events: Array.from({ length: events }, (_, step) => ({
          type: 'agent_thinking',
          data: { step, text: 'x' },
        })),
        producerKey: '1',
        fence: null,
      })
      for (const blob of [makeId('file'), makeId('artifact')])
        await blobs.write({ threadId: id, id: blob }, bytes())
      return id
    }
    async function* bytes() {
      yield randomBytes(10)
    }
    const remove = (id: ThreadId) => createThreads(harness.store).remove(owner, id)
    async function eventsOf(id: ThreadId): Promise<number> {
      await using log = createEventLog(harness.store)
      return (await log.read(id, start, { events: 10_000, bytes: 10_000_000 })).length
    }
    const rowsOf = (id: ThreadId) =>
      harness.store.db.selectFrom('thread_deletions').selectAll().where('thread_id', '=', id).execute()
    /** As if so much time had passed. */
    const age = (id: ThreadId, seconds: number) =>
      sql`update thread_deletions set requested_at = requested_at - make_interval(secs => ${seconds}),
        due_at = due_at - make_interval(secs => ${seconds}) where thread_id = ${id}`.execute(harness.store.db)

    test('events go in pieces, bytes with them, and nothing of another thread', async () => {
      const [gone, kept] = [await makeThread(25), await makeThread(3)]
      const removedFrom: ThreadId[] = []
      await remove(gone)
      await deletions({
        blobs: {
          removeThread: async (id) => {
            removedFrom.push(id)
            await harness.blobs.removeThread(id)
          },
        },
        limits: { eventsPerStatement: 10 },
      }).finish(untimed())
      expect([await eventsOf(gone), await eventsOf(kept)]).toEqual([0, 3])
      expect(removedFrom).toEqual([gone])
    })

    test('one that breaks off half-way is finished by the next node, and not before its time', async () => {
      const id = await makeThread(25)
      await remove(id)
      const away = { removeThread: () => Promise.reject(new Error('the files are away')) }
      await expect(deletions({ blobs: away }).finish(untimed())).rejects.toThrow('the files are away')
      expect(await eventsOf(id)).toBe(0)
      const removedFrom: ThreadId[] = []
      const next = deletions({ blobs: { removeThread: async (thread) => void removedFrom.push(thread) } })
      // Whoever has it may still be at it.
      await next.finish(untimed())
      expect(removedFrom).toEqual([])
      await age(id, 61)
      await next.finish(untimed())
      expect(removedFrom).toEqual([id])
    })

    test('a server that ends stops between two pieces, and the rest is done later', async () => {
      const id = await makeThread(25)
      await remove(id)
      const ended = new AbortController()
      ended.abort(new Error('ended'))
      await expect(deletions().finish(ended.signal)).rejects.toThrow('ended')
      expect(await eventsOf(id)).toBe(25)
      await deletions().finish(untimed())
      expect(await eventsOf(id)).toBe(0)
    })

    test('what a dying upload left after that is taken away once more, a day later, and then nothing is kept', async () => {
      const id = await makeThread(1)
      await remove(id)
      await deletions().finish(untimed())
      const late = { threadId: id, id: makeId('file') }
      await harness.blobs.write(late, bytes())
      await deletions().finish(untimed())
      expect([await harness.blobs.exists(late), (await rowsOf(id)).length]).toEqual([true, 1])
      await age(id, 24 * 60 * 60)
      await deletions().finish(untimed())
      expect([await harness.blobs.exists(late), (await rowsOf(id)).length]).toEqual([false, 0])
    })

    test('of several nodes each takes others, and none twice', async () => {
      const ids = await Promise.all(Array.from({ length: 6 }, () => makeThread(1)))
      for (const id of ids) await remove(id)
      const removedFrom: ThreadId[] = []
      const node = deletions({ blobs: { removeThread: async (id) => void removedFrom.push(id) } })
      await Promise.all([1, 2, 3].map(() => node.finish(untimed())))
      expect(removedFrom.toSorted()).toEqual(ids.toSorted())
    })
  })
}
