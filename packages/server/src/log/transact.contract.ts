import type { Position, ThreadId } from '@holdfast/protocol'
import { start } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../store/store.ts'
import { delta } from './event-log.contract.ts'
import { LeaseLostError } from './event-log.ts'
import type { SqlHarness } from './testing/sql-harness.ts'
import { sqlHarness } from './testing/sql-harness.ts'

const everything = { events: 1000, bytes: 1_000_000 }

/** What the SQL log adds to the port: a change of state and its events in one transaction. */
export function transactContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let harness: SqlHarness
    beforeAll(async () => {
      harness = sqlHarness(await open())
    })
    afterAll(() => harness[Symbol.asyncDispose]())

    const newRun = async () => {
      const threadId = await harness.createThread()
      return { threadId, runId: await harness.createRun(threadId), agent: 'tester', fence: null }
    }
    const titleOf = async (threadId: ThreadId) =>
      (await harness.store.db.selectFrom('threads').select('title').where('id', '=', threadId).execute())[0]
        ?.title

    test('[L3] [L1] the change and its events come together, and listeners hear after the commit', async () => {
      const run = await newRun()
      const heard: [ThreadId, Position | undefined][] = []
      const stop = harness.log.onCommit((threadId, events) => heard.push([threadId, events.at(-1)?.seq]))
      const result = await harness.log.transact(async (tx, append) => {
        const [first] = await append({ ...run, producerKey: 'a', events: [delta('a')] })
        await tx.updateTable('threads').set({ title: 'b' }).where('id', '=', run.threadId).execute()
        const [second] = await append({ ...run, producerKey: 'b', events: [delta('b'), delta('c')] })
        expect(heard).toEqual([])
        return [first?.seq, second?.seq]
      })
      stop()
      expect(result).toEqual([1, 2])
      expect(heard).toEqual([
        [run.threadId, 1],
        [run.threadId, 3],
      ])
      expect(await titleOf(run.threadId)).toBe('b')
    })

    test('[L3] work that throws leaves neither, the places are given again, and nobody is told', async () => {
      const run = await newRun()
      const heard: ThreadId[] = []
      const stop = harness.log.onCommit((threadId) => heard.push(threadId))
      const failing = harness.log.transact(async (tx, append) => {
        await append({ ...run, producerKey: 'a', events: [delta('a')] })
        await tx.updateTable('threads').set({ title: 'b' }).where('id', '=', run.threadId).execute()
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      stop()
      expect(heard).toEqual([])
      expect(await titleOf(run.threadId)).toBe('')
      const [stored] = await harness.log.append({ ...run, producerKey: 'b', events: [delta('b')] })
      expect(stored?.seq).toBe(1)
    })

    test('[L4] an append under a lost lease undoes the whole transaction', async () => {
      const run = await newRun()
      await harness.setLease(run.runId, 2)
      const late = harness.log.transact(async (tx, append) => {
        await tx.updateTable('threads').set({ title: 'late' }).where('id', '=', run.threadId).execute()
        const fence = { runId: run.runId, leaseEpoch: 1 }
        await append({ ...run, fence, producerKey: 'late', events: [delta('late')] })
      })
      await expect(late).rejects.toBeInstanceOf(LeaseLostError)
      expect(await titleOf(run.threadId)).toBe('')
      expect(await harness.log.read(run.threadId, start, everything)).toEqual([])
    })

    test('[L4] a claim appends under the lease that it takes in the same transaction', async () => {
      const run = await newRun()
      await harness.log.transact(async (tx, append) => {
        await tx
          .updateTable('runs')
          .set({ status: 'running', lease_epoch: 7 })
          .where('id', '=', run.runId)
          .execute()
        await append({
          ...run,
          fence: { runId: run.runId, leaseEpoch: 7 },
          producerKey: 'started',
          events: [delta('started')],
        })
      })
      expect(await harness.log.heads([run.threadId])).toEqual(new Map([[run.threadId, 1]]))
    })

    test('[L5] a repeated append returns what the first stored', async () => {
      const run = await newRun()
      const first = await harness.log.append({ ...run, producerKey: 'a', events: [delta('a'), delta('b')] })
      const again = await harness.log.transact((_, append) =>
        append({ ...run, producerKey: 'a', events: [delta('other')] }),
      )
      expect(again).toEqual(first)
    })

    test('[L2] [L3] claims, ends and heartbeats amid appends: no deadlock, no gap', async () => {
      const runs = await Promise.all(Array.from({ length: 8 }, newRun))
      for (const { runId } of runs) await harness.setLease(runId, 1)
      const write = async (index: number, part: number) => {
        const run = runs[index % runs.length]
        if (run === undefined) throw new Error('There are runs')
        const fence = { runId: run.runId, leaseEpoch: 1 }
        const key = `${index}.${part}`
        if (part % 5 !== 0)
          return harness.log.append({ ...run, fence, producerKey: key, events: [delta(key)] })
        // As runs/ ends a run: the append, then the row.
        return harness.log.transact(async (tx, append) => {
          const stored = await append({ ...run, fence, producerKey: key, events: [delta(key)] })
          await tx.updateTable('runs').set({ attempt: part }).where('id', '=', run.runId).execute()
          return stored
        })
      }
      let writing = true
      const heartbeats = (async () => {
        while (writing)
          await harness.store.db
            .updateTable('runs')
            .set({ lease_expires_at: new Date() })
            .where(
              'id',
              'in',
              runs.map(({ runId }) => runId),
            )
            .execute()
      })()
      try {
        await Promise.all(
          Array.from({ length: 32 }, async (_, index) => {
            for (let part = 0; part < 10; part += 1) await write(index, part)
          }),
        )
      } finally {
        writing = false
        await heartbeats
      }
      for (const { threadId } of runs) {
        const read = await harness.log.read(threadId, start, everything)
        expect(read.map(({ seq }) => Number(seq))).toEqual(
          Array.from({ length: 40 }, (_, index) => index + 1),
        )
      }
    })
  })
}
