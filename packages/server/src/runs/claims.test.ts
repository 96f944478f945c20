import type { RunId, RunStatus, UserId } from '@holdfast/protocol'
import { HoldfastError, systemIdMaker } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createThreads } from '../log/create-threads.ts'
import { createEventLog, type SqlEventLog } from '../log/sql-event-log.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Store } from '../store/store.ts'
import { runLimits } from './run-limits.ts'
import { type ClaimRequest, claimRuns } from './run-queue.ts'

const makeId = systemIdMaker()
let store: Store
let log: SqlEventLog
beforeEach(async () => {
  store = await openMemoryStore()
  log = createEventLog(store)
})
afterEach(async () => {
  await log[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

/** In a thread of its own unless one is given; the place in the thread is the order of calls. */
let place = 0
async function newRun(
  owner: UserId,
  more: { status?: RunStatus; threadId?: Awaited<ReturnType<typeof newThread>>; leaseMs?: number } = {},
): Promise<RunId> {
  const id = makeId('run')
  place += 1
  await store.db
    .insertInto('runs')
    .values({
      id,
      thread_id: more.threadId ?? (await newThread(owner)),
      owner,
      agent: 'a',
      status: more.status ?? 'queued',
      lease_expires_at: more.leaseMs === undefined ? null : new Date(Date.now() + more.leaseMs),
      request_hash: '',
      queued_at_seq: place,
    })
    .execute()
  return id
}
const newThread = async (owner: UserId) =>
  (await createThreads(store).create({ kind: 'user', userId: owner })).id

async function claim(most: number, more: Partial<ClaimRequest> = {}, on = log): Promise<RunId[]> {
  const claims = await claimRuns(store, on, {
    node: makeId('node'),
    held: [],
    most,
    after: '',
    expired: true,
    started: () => ({ model: 'm', offline: true }),
    onFault: (_, error) => {
      throw error
    },
    ...more,
  })
  return claims.map(({ row }) => row.id)
}
const several = (owner: UserId, count: number) =>
  Promise.all(Array.from({ length: count }, () => newRun(owner)))

test('[R5] somebody with a hundred queued runs does not starve the others', async () => {
  const [busy, calm] = [makeId('user'), makeId('user')].sort() as [UserId, UserId]
  await several(busy, 40)
  const one = await newRun(calm)
  const first = await claim(runLimits.perUserAndLook + 1)
  expect(first).toHaveLength(runLimits.perUserAndLook + 1)
  expect(first).toContain(one)
})

test('[R5] the next look goes on after the last user, and begins again at the end', async () => {
  const [first, second, third] = [makeId('user'), makeId('user'), makeId('user')].sort() as [
    UserId,
    UserId,
    UserId,
  ]
  const runs = [await newRun(first), await newRun(second), await newRun(third)]
  expect(await claim(1, { after: first })).toEqual([runs[1]])
  expect(await claim(1, { after: second })).toEqual([runs[2]])
  expect(await claim(1, { after: third })).toEqual([runs[0]])
})

test('[R5] nobody has more than runLimits.concurrentPerUser at a time', async () => {
  const user = makeId('user')
  await several(user, runLimits.concurrentPerUser + 3)
  const claimed = [...(await claim(64)), ...(await claim(64)), ...(await claim(64))]
  expect(claimed).toHaveLength(runLimits.concurrentPerUser)
  await store.db
    .updateTable('runs')
    .set({ status: 'completed' })
    .where('id', '=', claimed[0] ?? ('' as RunId))
    .execute()
  expect(await claim(64)).toHaveLength(1)
})

test('[R5] a thread has one run at a time, in the order in which they were asked', async () => {
  const user = makeId('user')
  const threadId = await newThread(user)
  const [first, second] = [await newRun(user, { threadId }), await newRun(user, { threadId })]
  expect(await claim(10)).toEqual([first])
  expect(await claim(10)).toEqual([])
  await store.db.updateTable('runs').set({ status: 'failed' }).where('id', '=', first).execute()
  expect(await claim(10)).toEqual([second])
})

test('[R1] leases that ran out come first; held ones and those of a living node are left', async () => {
  const user = makeId('user')
  const [dead, held, alive] = [
    await newRun(user, { status: 'running', leaseMs: -1_000 }),
    await newRun(user, { status: 'running', leaseMs: -1_000 }),
    await newRun(user, { status: 'running', leaseMs: 60_000 }),
  ]
  const queued = await newRun(makeId('user'))
  expect(await claim(10, { held: [held] })).toEqual([dead, queued])
  expect(await claim(10, { held: [held], expired: false })).toEqual([])
  expect(alive).toBeDefined()
})

test('a node that is full takes nothing', async () => {
  await several(makeId('user'), 2)
  expect(await claim(0)).toEqual([])
})

describe('one run that is in the way keeps no other from being claimed', () => {
  test('nobody knows how it would start: it is claimed, so that its failure can be told', async () => {
    const [odd, well] = [await newRun(makeId('user')), await newRun(makeId('user'))]
    const started: ClaimRequest['started'] = ({ id }) => {
      if (id === odd) throw new HoldfastError('bad_request', 'There is no agent "gone"')
      return { model: 'm', offline: true }
    }
    expect((await claim(10, { started })).toSorted()).toEqual([odd, well].toSorted())
    const [event] = await log.readRun(odd)
    expect(event).toMatchObject({ type: 'agent_started', data: { attempt: 1, model: '', offline: false } })
  })

  test('its thread was deleted since it was looked up', async () => {
    const user = makeId('user')
    const [gone, stays] = [await newThread(user), await newThread(user)]
    const [, kept] = [await newRun(user, { threadId: gone }), await newRun(user, { threadId: stays })]
    const deleting: SqlEventLog = {
      ...log,
      append: async (command) => {
        if (command.threadId === gone) await createThreads(store).remove({ kind: 'user', userId: user }, gone)
        return log.append(command)
      },
    }
    expect(await claim(10, {}, deleting)).toEqual([kept])
  })

  test('its claim fails: that is told; what fails for all is thrown', async () => {
    const [broken, well] = [await newRun(makeId('user')), await newRun(makeId('user'))]
    const failing: SqlEventLog = {
      ...log,
      append: async (command) => {
        if (command.runId === broken) throw new Error('the connection is gone')
        return log.append(command)
      },
    }
    const faults: RunId[] = []
    expect(await claim(10, { onFault: ({ id }) => faults.push(id) }, failing)).toEqual([well])
    expect(faults).toEqual([broken])
    await expect(claim(10, {}, failing)).rejects.toThrow('the connection is gone')
  })
})
