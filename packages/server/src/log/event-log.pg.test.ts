import type { RunId, ThreadId } from '@holdfast/protocol'
import { start, systemIdMaker } from '@holdfast/protocol'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openPostgresStore } from '../store/postgres-store.ts'
import { openTestPostgresStore, startTestPostgres } from '../store/testing/postgres.ts'
import { delta, eventLogContract } from './event-log.contract.ts'
import { prepareCommand } from './prepare-command.ts'
import { createEventLog } from './sql-event-log.ts'
import { storeGroup } from './store-group.ts'
import { sqlHarness } from './testing/sql-harness.ts'
import { transactContract } from './transact.contract.ts'

const postgres = await startTestPostgres()
const everything = { events: 10_000, bytes: 10_000_000 }

describe.skipIf(!postgres.available)(`real PostgreSQL${postgres.note}`, () => {
  eventLogContract('the log on PostgreSQL', async () => sqlHarness(await openTestPostgresStore(postgres)))
  transactContract('transactions of the log on PostgreSQL', () => openTestPostgresStore(postgres))

  describe('two nodes on one database', () => {
    async function twoNodes() {
      await using opening = new AsyncDisposableStack()
      const { connectionString } = opening.use(await postgres.createDatabase())
      const harness = opening.use(sqlHarness(await openPostgresStore({ connectionString, poolSize: 4 })))
      const other = opening.use(await openPostgresStore({ connectionString, poolSize: 4 }))
      const otherLog = opening.use(createEventLog(other))
      const owned = opening.move()
      return {
        harness,
        other,
        logs: [harness.log, otherLog],
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      }
    }

    test('[L2] groups that overlap in many threads, in opposite orders: no deadlock, no gap', async () => {
      await using nodes = await twoNodes()
      const { harness, other } = nodes
      const makeId = systemIdMaker()
      const places: { threadId: ThreadId; runId: RunId }[] = []
      for (let index = 0; index < 24; index += 1) {
        const threadId = await harness.createThread()
        places.push({ threadId, runId: await harness.createRun(threadId) })
      }
      // Below the log, which would store a group that met a deadlock again, a command at a time.
      await Promise.all(
        [harness.store, other].map(async ({ db }, node) => {
          for (let round = 0; round < 60; round += 1) {
            const group = (node === 0 ? places : places.toReversed()).map((place) => ({
              ...place,
              agent: 'a',
              fence: null,
              producerKey: `${node}.${round}`,
              events: [delta('x')],
            }))
            await storeGroup(
              db,
              group.map((command) => prepareCommand(command, makeId)),
              'pass',
            )
          }
        }),
      )
      for (const { threadId } of places) {
        const read = await harness.log.read(threadId, start, everything)
        expect(read.map(({ seq }) => Number(seq))).toEqual(
          Array.from({ length: 120 }, (_, index) => index + 1),
        )
      }
    })

    test('[L5] the same key on both at the same moment is stored once, and both return it', async () => {
      await using nodes = await twoNodes()
      const threadId = await nodes.harness.createThread()
      const runId = await nodes.harness.createRun(threadId)
      for (let round = 0; round < 40; round += 1) {
        const append = { threadId, runId, agent: 'a', fence: null, producerKey: `${round}` }
        const results = await Promise.all(
          nodes.logs.map((log, node) => log.append({ ...append, events: [delta(`${node}`)] })),
        )
        expect(results[0]).toEqual(results[1])
      }
      const read = await nodes.harness.log.read(threadId, start, everything)
      expect(read.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    })

    test('a run whose row is held, as by a heartbeat, does not hold up the other runs', async () => {
      await using nodes = await twoNodes()
      const { log, store } = nodes.harness
      const newRun = async () => {
        const threadId = await nodes.harness.createThread()
        const runId = await nodes.harness.createRun(threadId)
        await nodes.harness.setLease(runId, 1)
        return { threadId, runId, agent: 'a', fence: { runId, leaseEpoch: 1 }, events: [delta('x')] }
      }
      const [held, free] = [await newRun(), await newRun()]
      const release = Promise.withResolvers<void>()
      const locked = Promise.withResolvers<void>()
      const heartbeat = store.db.transaction().execute(async (tx) => {
        await tx.updateTable('runs').set({ attempt: 1 }).where('id', '=', held.runId).execute()
        locked.resolve()
        await release.promise
      })
      await locked.promise
      let stored = false
      const late = log.append({ ...held, producerKey: '1' }).finally(() => {
        stored = true
      })
      await log.append({ ...free, producerKey: '1' })
      await log.append({ ...free, producerKey: '2' })
      expect(stored).toBe(false)
      release.resolve()
      await heartbeat
      expect((await late).map(({ seq }) => Number(seq))).toEqual([1])
    })

    test('the end waits for an append that waits for its run by itself', async () => {
      await using nodes = await twoNodes()
      const { log, store } = nodes.harness
      const threadId = await nodes.harness.createThread()
      const runId = await nodes.harness.createRun(threadId)
      await nodes.harness.setLease(runId, 1)
      const release = Promise.withResolvers<void>()
      const locked = Promise.withResolvers<void>()
      const heartbeat = store.db.transaction().execute(async (tx) => {
        await tx.updateTable('runs').set({ attempt: 1 }).where('id', '=', runId).execute()
        locked.resolve()
        await release.promise
      })
      await locked.promise
      const fence = { runId, leaseEpoch: 1 }
      const command = { threadId, runId, agent: 'a', fence, producerKey: '1', events: [delta('x')] }
      const late = log.append(command)
      await expect.poll(async () => (await waitingForLocks(nodes.harness)).rows.length).toBe(1)
      let isOver = false
      const over = log[Symbol.asyncDispose]().then(() => {
        isOver = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      const wasOver = isOver
      release.resolve()
      await heartbeat
      await over
      expect(wasOver).toBe(false)
      expect(await late).toHaveLength(1)
    })

    test('[L4] a worker that waits behind a take-over on another node is refused', async () => {
      await using nodes = await twoNodes()
      const [log, otherLog] = nodes.logs
      const threadId = await nodes.harness.createThread()
      const runId = await nodes.harness.createRun(threadId)
      await nodes.harness.setLease(runId, 1)
      const append = { threadId, runId, agent: 'a' }
      const locked = Promise.withResolvers<void>()
      const late = Promise.withResolvers<unknown>()
      const takeOver = otherLog?.transact(async (tx, appendHere) => {
        await tx.selectFrom('threads').select('id').where('id', '=', threadId).forUpdate().execute()
        await tx.updateTable('runs').set({ lease_epoch: 2 }).where('id', '=', runId).execute()
        locked.resolve()
        // The late append's statement is on its way, with a snapshot from before this commit.
        await expect
          .poll(async () => {
            const { rows } = await waitingForLocks(nodes.harness)
            return rows.length
          })
          .toBeGreaterThan(0)
        await appendHere({
          ...append,
          fence: { runId, leaseEpoch: 2 },
          producerKey: '2.1',
          events: [delta('new')],
        })
      })
      await locked.promise
      log
        ?.append({ ...append, fence: { runId, leaseEpoch: 1 }, producerKey: '1.1', events: [delta('late')] })
        .then(late.resolve, late.resolve)
      await takeOver
      expect(await late.promise).toMatchObject({ name: 'LeaseLostError' })
      expect(await nodes.harness.log.read(threadId, start, everything)).toHaveLength(1)
    })
  })
})

function waitingForLocks({ store }: Pick<ReturnType<typeof sqlHarness>, 'store'>) {
  return sql`select pid from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(store.db)
}
