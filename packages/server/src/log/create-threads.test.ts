import {
  LifecycleItem,
  limits,
  type NewEvent,
  position,
  type RunId,
  start,
  systemIdMaker,
} from '@holdfast/protocol'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Principal } from '../principal.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Store } from '../store/store.ts'
import { createThreads } from './create-threads.ts'
import { ThreadMissingError } from './event-log.ts'
import { createLifecycleLog } from './lifecycle-log.ts'
import { createEventLog } from './sql-event-log.ts'
import type { Threads } from './threads.ts'

const makeId = systemIdMaker()
const newUser = (): Principal => ({ kind: 'user', userId: makeId('user') })

let store: Store
let threads: Threads
beforeAll(async () => {
  store = await openMemoryStore()
  threads = createThreads(store)
})
afterAll(() => store[Symbol.asyncDispose]())

test('a thread is made empty, with the title it is given, and can be renamed', async () => {
  const user = newUser()
  const thread = await threads.create(user, 'Sales')
  expect(thread).toMatchObject({ title: 'Sales', head: 0 })
  expect(thread.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(await threads.get(user, thread.id)).toEqual(thread)
  expect(await threads.rename(user, thread.id, 'Umsätze 😀')).toEqual({ ...thread, title: 'Umsätze 😀' })
  expect((await threads.create(user)).title).toBe('')
})

test('[P1] another user’s thread answers exactly as a missing one', async () => {
  const [owner, stranger] = [newUser(), newUser()]
  const { id } = await threads.create(owner, 'mine')
  const missing = makeId('thread')
  const answers = (threadId: typeof id) =>
    Promise.all(
      [
        threads.get(stranger, threadId),
        threads.rename(stranger, threadId, 'theirs'),
        threads.remove(stranger, threadId),
      ].map((call) => call.then(String, (error: unknown) => String(error).replaceAll(threadId, '<id>'))),
    )
  expect(await answers(id)).toEqual(await answers(missing))
  expect((await answers(id))[0]).toContain('There is no thread')
  expect(await threads.list(stranger)).toEqual({ items: [], next: null })
  expect((await threads.get(owner, id)).title).toBe('mine')
})

test('lists newest first, in pages of limits.pageItems, none twice and none missing', async () => {
  const user = newUser()
  const made: string[] = []
  for (let index = 0; index < limits.pageItems + 3; index += 1) made.push((await threads.create(user)).id)
  const first = await threads.list(user)
  expect(first.items).toHaveLength(limits.pageItems)
  // One that is made meanwhile moves nobody.
  await threads.create(user)
  const second = await threads.list(user, { cursor: first.next ?? '' })
  expect(second.next).toBeNull()
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.toReversed())
})

test('a full last page has no next', async () => {
  const user = newUser()
  for (let index = 0; index < limits.pageItems; index += 1) await threads.create(user)
  expect((await threads.list(user)).next).toBeNull()
})

test('a cursor of something else is a bad request', async () => {
  await expect(threads.list(newUser(), { cursor: 'page-2' })).rejects.toMatchObject({ code: 'bad_request' })
})

test('a removed thread is gone, and cannot be removed again', async () => {
  const user = newUser()
  const { id } = await threads.create(user)
  await threads.remove(user, id)
  await expect(threads.get(user, id)).rejects.toMatchObject({ code: 'not_found' })
  await expect(threads.remove(user, id)).rejects.toMatchObject({ code: 'not_found' })
})

test('[L2] an append to a removed thread finds none', async () => {
  const user = newUser()
  const { id } = await threads.create(user)
  await using log = createEventLog(store)
  const append = (producerKey: string) =>
    log.append({
      threadId: id,
      runId: makeId('run'),
      agent: 'a',
      events: [{ type: 'agent_thinking', data: { step: 1, text: 'x' } }],
      producerKey,
      fence: null,
    })
  await append('1')
  await threads.remove(user, id)
  await expect(append('2')).rejects.toBeInstanceOf(ThreadMissingError)
})

test('[L3] a removal commits with what tells it and with what will finish it, and names the runs it ends', async () => {
  const user = newUser()
  const lifecycle = createLifecycleLog(store)
  const ended: (readonly RunId[])[] = []
  const told: number[] = []
  const own = createThreads(store, lifecycle, (running) => ended.push(running))
  lifecycle.onCommit((_, head) => told.push(head))
  const { id } = await own.create(user)
  const runs = { running: makeId('run'), queued: makeId('run') }
  for (const [status, run] of Object.entries(runs))
    await store.db
      .insertInto('runs')
      .values({
        id: run,
        thread_id: id,
        owner: user.userId,
        agent: 'a',
        status: status as keyof typeof runs,
        request_hash: '',
        queued_at_seq: 1,
      })
      .execute()
  await own.remove(user, id)
  expect(ended).toEqual([[runs.running]])
  expect(told).toEqual([1, 2])
  const items = await lifecycle.read(user.userId, start, 10)
  expect(items.map((item) => LifecycleItem.parse(item))).toMatchObject([
    { type: 'thread_created', threadId: id, title: '' },
    { type: 'thread_deleted', threadId: id },
  ])
  const noted = await store.db
    .selectFrom('thread_deletions')
    .selectAll()
    .where('thread_id', '=', id)
    .execute()
  expect(noted).toHaveLength(1)
  expect(await store.db.selectFrom('runs').select('id').where('thread_id', '=', id).execute()).toEqual([])
})

test('one that has moved on is not removed by whoever saw it before', async () => {
  const user = newUser()
  const { id } = await threads.create(user)
  const seen = { head: start, lastFileAt: null }
  expect(await threads.removeAt(user, id, { ...seen, head: position(1) })).toBe(false)
  expect(await threads.removeAt(user, id, { ...seen, lastFileAt: new Date() })).toBe(false)
  expect((await threads.get(user, id)).id).toBe(id)
  expect(await threads.removeAt(newUser(), id, seen)).toBe(false)
  expect(await threads.removeAt(user, id, seen)).toBe(true)
  expect(await threads.removeAt(user, id, seen)).toBe(false)
})

test('a title with U+0000 is a bad request, not a fault', async () => {
  const user = newUser()
  await expect(threads.create(user, 'a\0b')).rejects.toMatchObject({ code: 'bad_request' })
})

test('a list says what each thread is at: what is under way, else what the newest run came to', async () => {
  const user = newUser()
  const { id } = await threads.create(user, 'Sales')
  await using log = createEventLog(store)
  const activity = async (): Promise<string | undefined> => (await threads.list(user)).items[0]?.activity
  const addRun = async (status: 'queued' | 'running' | 'completed' | 'failed', text: string) => {
    const runId = makeId('run')
    const message = { id: makeId('message'), text, files: [] }
    const [queued] = await append(runId, { type: 'run_queued', data: { message, policy: 'queue' } })
    await store.db
      .insertInto('runs')
      .values({
        id: runId,
        thread_id: id,
        owner: user.userId,
        agent: 'a',
        status,
        request_hash: '',
        queued_at_seq: queued?.seq ?? 0,
      })
      .execute()
    return runId
  }
  const append = (runId: RunId, event: NewEvent) =>
    log.append({
      threadId: id,
      runId,
      agent: 'a',
      events: [event],
      producerKey: `${runId}/${event.type}`,
      fence: null,
    })
  const statusOf = (runId: RunId, status: 'completed' | 'failed') =>
    store.db.updateTable('runs').set({ status }).where('id', '=', runId).execute()

  expect(await activity()).toBe('idle')
  const first = await addRun('running', 'How much?')
  expect(await activity()).toBe('running')
  await append(first, {
    type: 'agent_completed',
    data: {
      outcome: 'needs_data',
      messageId: makeId('message'),
      summary: '',
      durationMs: 1,
      usage: { inputTokens: 0, outputTokens: 0, steps: 1 },
    },
  })
  await statusOf(first, 'completed')
  expect(await activity()).toBe('needs_data')
  const second = await addRun('queued', 'And 100% of_it?')
  expect(await activity()).toBe('queued')
  await append(second, { type: 'agent_failed', data: { code: 'x', message: 'x', retryable: true } })
  await statusOf(second, 'failed')
  expect(await activity()).toBe('failed')

  const found = async (search: string): Promise<number> => (await threads.list(user, { search })).items.length
  expect(await Promise.all(['SALES', 'how much', '100% OF_IT', ' '].map(found))).toEqual([1, 1, 1, 1])
  // What is looked for is text: % and _ stand for themselves.
  expect(await Promise.all(['nothing', '1_0%', 'how%much'].map(found))).toEqual([0, 0, 0])
  expect((await threads.list(newUser(), { search: 'sales' })).items).toEqual([])
})

test('a new title is told to whoever follows the user', async () => {
  const user = newUser()
  const lifecycle = createLifecycleLog(store)
  const own = createThreads(store, lifecycle)
  const { id } = await own.create(user)
  await own.rename(user, id, 'Sales')
  const items = await lifecycle.read(user.userId, start, 10)
  expect(items.map((item) => LifecycleItem.parse(item))).toMatchObject([
    { type: 'thread_created' },
    { type: 'thread_renamed', threadId: id, title: 'Sales' },
  ])
})

test('[L1] a listener of commits that throws fails nothing that is committed, nor keeps others from hearing', async () => {
  const lifecycle = createLifecycleLog(store)
  const user = newUser()
  const heard: number[] = []
  lifecycle.onCommit(() => {
    throw new Error('a bug of the listener')
  })
  lifecycle.onCommit((_userId, head) => heard.push(head))
  // A bug stays loud: it is thrown where nobody catches it, which here is the test.
  const loud: string[] = []
  const microtasks = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(
    (task) =>
      void Promise.resolve()
        .then(task)
        .catch((error) => loud.push(String(error))),
  )
  try {
    const { id } = await createThreads(store, lifecycle).create(user)
    expect((await threads.get(user, id)).id).toBe(id)
    expect(heard).toEqual([1])
    expect(loud).toEqual(['Error: a bug of the listener'])
  } finally {
    microtasks.mockRestore()
  }
})
