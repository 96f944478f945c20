import type { RunId } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createThreads } from '../log/create-threads.ts'
import type { Store } from '../store/store.ts'
import type { Beat, OpenHeartbeat } from './heartbeat.ts'

const makeId = systemIdMaker()
const never = Number.MAX_SAFE_INTEGER

export interface HeartbeatTrial extends AsyncDisposable {
  readonly store: Store
  readonly openHeartbeat: OpenHeartbeat
}

/** What every heartbeat does, on a store with runs of this node and of others. */
export function heartbeatContract(name: string, open: () => Promise<HeartbeatTrial>): void {
  describe(name, () => {
    const node = makeId('node')
    let trial: HeartbeatTrial
    beforeAll(async () => {
      trial = await open()
    })
    afterAll(() => trial[Symbol.asyncDispose]())

    const newRun = async (change: { leaseNode?: string; cancelBy?: 'user' } = {}): Promise<RunId> => {
      const owner = makeId('user')
      const { id: threadId } = await createThreads(trial.store).create({ kind: 'user', userId: owner })
      const id = makeId('run')
      await trial.store.db
        .insertInto('runs')
        .values({
          id,
          thread_id: threadId,
          owner,
          agent: 'a',
          status: 'running',
          lease_epoch: 4,
          lease_node: change.leaseNode ?? node,
          lease_expires_at: new Date(0),
          cancel_by: change.cancelBy ?? null,
          request_hash: '',
          queued_at_seq: 1,
        })
        .execute()
      return id
    }
    const expiryMs = async (runId: RunId): Promise<number> => {
      const row = await trial.store.db
        .selectFrom('runs')
        .select('lease_expires_at')
        .where('id', '=', runId)
        .executeTakeFirstOrThrow()
      return Number(row.lease_expires_at)
    }
    /** Holds the runs and returns the first beat that asked for all of them. */
    const beatOf = async (runs: readonly { runId: RunId; untilMs: number }[]): Promise<Beat> => {
      const { promise, resolve } = Promise.withResolvers<Beat>()
      const wanted = runs.filter(({ untilMs }) => untilMs > Date.now()).length
      await using heartbeat = await trial.openHeartbeat(node, (beat) => {
        if (beat.asked.length === wanted) resolve(beat)
      })
      heartbeat.hold(runs)
      heartbeat.beat()
      return await promise
    }

    test('[R2] what is held is renewed, and what the row says of a cancel is told', async () => {
      const [plain, cancelled] = [await newRun(), await newRun({ cancelBy: 'user' })]
      const beat = await beatOf([
        { runId: plain, untilMs: never },
        { runId: cancelled, untilMs: never },
      ])
      expect(new Set(beat.renewals)).toEqual(
        new Set([
          { runId: plain, leaseEpoch: 4, cancelBy: null },
          { runId: cancelled, leaseEpoch: 4, cancelBy: 'user' },
        ]),
      )
      expect(await expiryMs(plain)).toBeGreaterThan(Date.now())
    })

    test('[R2] a run that another node took is asked for and not renewed', async () => {
      const taken = await newRun({ leaseNode: makeId('node') })
      const beat = await beatOf([{ runId: taken, untilMs: never }])
      expect(beat).toEqual({ asked: [taken], renewals: [] })
      expect(await expiryMs(taken)).toBe(0)
    })

    test('[R2] a run past its time is renewed no more, so that another node can end it', async () => {
      const [stuck, well] = [await newRun(), await newRun()]
      const beat = await beatOf([
        { runId: stuck, untilMs: Date.now() - 1 },
        { runId: well, untilMs: never },
      ])
      expect(beat.asked).toEqual([well])
      expect(await expiryMs(stuck)).toBe(0)
    })

    test('it beats by itself, again and again', async () => {
      const runId = await newRun()
      let beats = 0
      const third = Promise.withResolvers<void>()
      await using heartbeat = await trial.openHeartbeat(node, () => {
        beats += 1
        if (beats === 3) third.resolve()
      })
      heartbeat.hold([{ runId, untilMs: never }])
      await third.promise
    })
  })
}
