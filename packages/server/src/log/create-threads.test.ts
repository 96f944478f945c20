import { limits, start, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Principal } from '../principal.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Store } from '../store/store.ts'
import { createThreads } from './create-threads.ts'
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
  const second = await threads.list(user, first.next ?? '')
  expect(second.next).toBeNull()
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.toReversed())
})

test('a full last page has no next', async () => {
  const user = newUser()
  for (let index = 0; index < limits.pageItems; index += 1) await threads.create(user)
  expect((await threads.list(user)).next).toBeNull()
})

test('a cursor of something else is a bad request', async () => {
  await expect(threads.list(newUser(), 'page-2')).rejects.toMatchObject({ code: 'bad_request' })
})

test('a removed thread is gone, and cannot be removed again', async () => {
  const user = newUser()
  const { id } = await threads.create(user)
  await threads.remove(user, id)
  await expect(threads.get(user, id)).rejects.toMatchObject({ code: 'not_found' })
  await expect(threads.remove(user, id)).rejects.toMatchObject({ code: 'not_found' })
})

test('[L2] its events go with it, and nobody else’s; an append that comes late finds no thread', async () => {
  const user = newUser()
  const [gone, kept] = [await threads.create(user), await threads.create(user)]
  await using log = createEventLog(store)
  const append = (threadId: ThreadId, producerKey: string) =>
    log.append({
      threadId,
      runId: makeId('run'),
      agent: 'a',
      events: [{ type: 'agent_thinking', data: { step: 1, text: 'x' } }],
      producerKey,
      fence: null,
    })
  await append(gone.id, '1')
  await append(kept.id, '1')
  await threads.remove(user, gone.id)
  await expect(append(gone.id, '2')).rejects.toMatchObject({ code: 'not_found' })
  const read = (threadId: ThreadId) => log.read(threadId, start, { events: 10, bytes: 10_000 })
  expect(await read(gone.id)).toEqual([])
  expect(await read(kept.id)).toHaveLength(1)
})

test('a title with U+0000 is a bad request, not a fault', async () => {
  const user = newUser()
  await expect(threads.create(user, 'a\0b')).rejects.toMatchObject({ code: 'bad_request' })
})
