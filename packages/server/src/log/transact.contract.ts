import type { Position, RunId, ThreadId, UserId } from '@holdfast/protocol'
import { start, systemIdMaker } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../store/store.ts'
import { delta } from './event-log.contract.ts'
import { LeaseLostError } from './event-log.ts'
import type { RunCommand } from './run-change.ts'
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

    describe('[L3] a change of the run in the append’s own statement', () => {
      const owner = () => harness.principal.userId
      const makeId = systemIdMaker()
      const submit = (
        threadId: ThreadId,
        more: { userId?: UserId; key?: string } = {},
      ): RunCommand & { runId: RunId } => {
        const [runId, userId] = [makeId('run'), more.userId ?? owner()]
        return {
          threadId,
          runId,
          agent: 'tester',
          events: [delta('queued')],
          producerKey: 'submit',
          fence: null,
          change: {
            kind: 'submit',
            owner: userId,
            model: null,
            idempotencyKey: more.key ?? null,
            requestHash: 'h',
          },
          notes: [{ userId, note: { type: 'run_queued', threadId, runId, agent: 'tester' } }],
        }
      }
      const claim = (run: RunCommand, leaseEpoch: number, leaseMs = 60_000): RunCommand => ({
        threadId: run.threadId,
        runId: run.runId,
        agent: 'tester',
        events: [delta('started')],
        producerKey: `${leaseEpoch + 1}.started`,
        fence: null,
        change: { kind: 'claim', node: makeId('node'), leaseEpoch, leaseMs },
      })
      const end = (run: RunCommand, leaseEpoch: number): RunCommand => ({
        threadId: run.threadId,
        runId: run.runId,
        agent: 'tester',
        events: [delta('ended')],
        producerKey: 'end',
        fence: { runId: run.runId, leaseEpoch },
        change: { kind: 'end', status: 'completed' },
      })
      const row = (runId: RunId) =>
        harness.store.db.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirst()
      const notes = () =>
        harness.store.db
          .selectFrom('lifecycle')
          .selectAll()
          .where('user_id', '=', owner())
          .orderBy('seq')
          .execute()

      test('a run is submitted, claimed and ended, and each step stands in its row', async () => {
        const run = submit(await harness.createThread())
        const [queued] = await harness.log.append(run)
        expect(await row(run.runId)).toMatchObject({
          status: 'queued',
          attempt: 0,
          lease_epoch: 0,
          queued_at_seq: queued?.seq,
          owner: owner(),
        })
        await harness.log.append(claim(run, 0))
        const running = await row(run.runId)
        expect(running).toMatchObject({ status: 'running', attempt: 1, lease_epoch: 1 })
        expect(Number(running?.lease_expires_at)).toBeGreaterThan(Date.now() + 30_000)
        await harness.log.append(end(run, 1))
        expect(await row(run.runId)).toMatchObject({
          status: 'completed',
          lease_node: null,
          lease_expires_at: null,
        })
      })

      test('many in one group: every run has its row, and the user’s notes have no gap', async () => {
        const before = (await notes()).length
        const threads = await Promise.all(Array.from({ length: 20 }, () => harness.createThread()))
        const made = (await notes()).length - before
        const heard: number[] = []
        const stop = harness.lifecycle.onCommit((_, head) => heard.push(head))
        const runs = threads.map((threadId) => submit(threadId))
        await Promise.all(runs.map((run) => harness.log.append(run)))
        stop()
        const all = await notes()
        expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
        expect(all).toHaveLength(before + made + 20)
        expect(heard.at(-1)).toBe(all.length)
        expect(new Set(all.slice(-20).map(({ run_id: id }) => id))).toEqual(
          new Set(runs.map(({ runId }) => runId)),
        )
        for (const { runId } of runs) expect(await row(runId)).toMatchObject({ status: 'queued' })
      })

      test('[L4] of two claims of one run one is refused, and writes nothing', async () => {
        const run = submit(await harness.createThread())
        await harness.log.append(run)
        const outcomes = await Promise.allSettled([
          harness.log.append(claim(run, 0)),
          harness.log.append({ ...claim(run, 0), producerKey: 'another' }),
        ])
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
        expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
          reason: { name: 'LeaseLostError' },
        })
        expect(await row(run.runId)).toMatchObject({ attempt: 1, lease_epoch: 1 })
        expect(await harness.log.readRun(run.runId)).toHaveLength(2)
      })

      test('[R1] a running run is claimed when its lease has run out, not before', async () => {
        const run = submit(await harness.createThread())
        await harness.log.append(run)
        await harness.log.append(claim(run, 0))
        await expect(harness.log.append(claim(run, 1))).rejects.toBeInstanceOf(LeaseLostError)
        await harness.store.db
          .updateTable('runs')
          .set({ lease_expires_at: new Date(0) })
          .where('id', '=', run.runId)
          .execute()
        await harness.log.append(claim(run, 1))
        expect(await row(run.runId)).toMatchObject({
          status: 'running',
          attempt: 2,
          interrupted: 1,
          lease_epoch: 2,
        })
        await expect(harness.log.append(end(run, 1))).rejects.toBeInstanceOf(LeaseLostError)
        expect((await row(run.runId))?.status).toBe('running')
      })

      test('[P1] a submit into another user’s thread finds no thread', async () => {
        const run = submit(await harness.createThread(), { userId: makeId('user') })
        await expect(harness.log.append(run)).rejects.toMatchObject({ code: 'not_found' })
        expect(await row(run.runId)).toBeUndefined()
      })

      test('[L5] one idempotency key, one run, also when both come at once and into two threads', async () => {
        const runs = [
          submit(await harness.createThread(), { key: 'once' }),
          submit(await harness.createThread(), { key: 'once' }),
        ]
        const outcomes = await Promise.allSettled(runs.map((run) => harness.log.append(run)))
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
        expect(outcomes[1]).toMatchObject({ reason: { name: 'IdempotencyKeyTakenError' } })
        expect(await harness.log.readRun(runs[1]?.runId ?? makeId('run'))).toEqual([])
      })
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
