import { systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { createThreads } from '../log/create-threads.ts'
import type { Principal } from '../principal.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import { createRetention, isExpired, retentionLimits } from './retention.ts'

const day = 24 * 60 * 60_000
const now = new Date('2026-11-26T12:00:00Z')
const ago = (days: number, ms = 0): Date => new Date(now.getTime() - days * day - ms)
const idle = { createdAt: ago(40), lastEventAt: null, lastFileAt: null, busy: false }

test.each([
  ['nothing ever happened', idle, true],
  ['exactly so old', { ...idle, createdAt: ago(30) }, false],
  ['a millisecond older', { ...idle, createdAt: ago(30, 1) }, true],
  ['an event since', { ...idle, lastEventAt: ago(29) }, false],
  ['a file since', { ...idle, lastFileAt: ago(29) }, false],
  ['all of it long ago', { ...idle, lastEventAt: ago(31), lastFileAt: ago(35) }, true],
  ['a run that waits', { ...idle, lastEventAt: ago(31), busy: true }, false],
])('after 30 days, %s: expired is %s', (_name, activity, expected) => {
  expect(isExpired(activity, now, 30)).toBe(expected)
})

describe('a store with threads of many ages', async () => {
  const store = await openMemoryStore()
  afterAll(() => store[Symbol.asyncDispose]())
  const makeId = systemIdMaker()
  const owner: Principal = { kind: 'user', userId: makeId('user') }
  const threads = createThreads(store)
  const untimed = (): AbortSignal => new AbortController().signal
  const removed: number[] = []
  const retention = (options: Partial<Parameters<typeof createRetention>[0]> = {}) =>
    createRetention({
      store,
      threads,
      keptDays: 30,
      onRemoved: (count) => removed.push(count),
      ...options,
    })
  beforeEach(async () => {
    removed.length = 0
    await store.db.deleteFrom('chores').execute()
    await store.db.deleteFrom('threads').execute()
  })

  async function makeThread(days: number, event: number | null = null): Promise<ThreadId> {
    const id = makeId('thread')
    const at = (age: number) => sql<Date>`now() - make_interval(days => ${age})`
    await store.db
      .insertInto('threads')
      .values({
        id,
        owner: owner.userId,
        title: '',
        head: event === null ? 0 : 1,
        created_at: at(days) as never,
      })
      .execute()
    if (event !== null)
      await store.db
        .insertInto('events')
        .values({
          id: makeId('event'),
          thread_id: id,
          seq: 1,
          run_id: makeId('run'),
          agent: 'a',
          type: 'agent_thinking',
          at: at(event) as never,
          data: JSON.stringify({ step: 1, text: 'x' }),
          producer_key: '1',
        })
        .execute()
    return id
  }
  const kept = async (): Promise<readonly ThreadId[]> =>
    (await store.db.selectFrom('threads').select('id').orderBy('id').execute()).map(({ id }) => id)

  test('those that are quiet for too long go, from the oldest to the first that is young, page after page', async () => {
    const old: ThreadId[] = []
    for (let made = 0; made < retentionLimits.threadsPerPage + 5; made += 1) old.push(await makeThread(50))
    const lively = await makeThread(50, 2)
    const tired = await makeThread(50, 31)
    const young = await makeThread(3)
    await retention().apply(untimed())
    expect(await kept()).toEqual([lively, young])
    expect(removed).toEqual([old.length + 1])
    const noted = await store.db.selectFrom('thread_deletions').select('thread_id').execute()
    expect(noted.map(({ thread_id: id }) => id)).toEqual(expect.arrayContaining([...old, tired]))
  })

  test('one node looks, the others pass, until the time has come again', async () => {
    await retention().apply(untimed())
    const old = await makeThread(50)
    await Promise.all([retention().apply(untimed()), retention().apply(untimed())])
    expect(await kept()).toEqual([old])
    await sql`update chores set due_at = now()`.execute(store.db)
    await Promise.all([retention().apply(untimed()), retention().apply(untimed())])
    expect(await kept()).toEqual([])
    expect(removed).toEqual([1])
  })

  const addFile = async (threadId: ThreadId, days: number): Promise<void> => {
    await store.db
      .insertInto('files')
      .values({
        id: makeId('file'),
        thread_id: threadId,
        owner: owner.userId,
        name: 'a',
        kind: 'csv',
        bytes: 1,
        sha256: '',
        profile: null,
        created_at: sql<Date>`now() - make_interval(days => ${days})` as never,
      })
      .execute()
  }

  test.each([
    [
      'writes',
      (id: ThreadId) => store.db.updateTable('threads').set({ head: 1 }).where('id', '=', id).execute(),
    ],
    ['uploads', (id: ThreadId) => addFile(id, 0)],
  ])('one whose owner %s at this moment stays', async (_, act) => {
    const old = await makeThread(50)
    await addFile(old, 40)
    await retention({
      threads: {
        removeAt: async (principal, id, seen) => {
          await act(id)
          return await threads.removeAt(principal, id, seen)
        },
      },
    }).apply(untimed())
    expect(await kept()).toEqual([old])
    expect(removed).toEqual([])
  })

  test('one with an old file goes', async () => {
    await addFile(await makeThread(50), 40)
    await retention().apply(untimed())
    expect(await kept()).toEqual([])
  })

  test('a server that ends stops', async () => {
    await makeThread(50)
    await expect(retention().apply(AbortSignal.abort(new Error('ended')))).rejects.toThrow('ended')
    expect(await kept()).toHaveLength(1)
  })
})
