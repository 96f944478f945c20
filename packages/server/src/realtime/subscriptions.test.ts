import { position, type ServerFrame, threadStream } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliveryProperty } from './delivery-model.test-support.ts'
import { openLogThread } from './log-thread.test-support.ts'
import { createSubscriptions } from './subscriptions.ts'

test('[L2] [B1] [P1] [P2] [P3] [P4] [T1] [T2] under any schedule nothing is lost, doubled or reordered', async () => {
  // A slice; tool./delivery-model.test-support.ts takes as many as it is given time for.
  await fc.assert(deliveryProperty(), { numRuns: 400 })
})

describe('a subscription', () => {
  const answer = async (
    ask: (
      thread: Awaited<ReturnType<typeof openLogThread>>,
    ) => Parameters<ReturnType<typeof createSubscriptions>['add']>[0],
    asOwner = true,
  ): Promise<ServerFrame | undefined> => {
    await using thread = await openLogThread()
    await thread.append(2)
    const frames: ServerFrame[] = []
    const subscriptions = createSubscriptions(
      asOwner ? thread.owner : thread.stranger,
      {
        threads: thread.threads,
        epoch: thread.log.epoch,
        sources: thread.sources,
        hub: { watch: () => ({ read: () => new Promise(() => {}), end() {} }), [Symbol.dispose]() {} },
        schedule: () => () => {},
        limits: { unacknowledgedItems: 10, progressWithinMs: 1 },
      },
      {
        send: (frame) => void frames.push(frame),
        sendItems() {},
        writable: () => true,
        stalled() {},
        failed() {},
      },
    )
    await subscriptions.add(ask(thread))
    subscriptions.stop()
    return frames[0]
  }

  test('is answered with where the log stands', async () => {
    expect(await answer(({ id }) => ({ stream: threadStream(id), after: 'start' }))).toMatchObject({
      type: 'sub_ok',
      floor: 0,
      head: 2,
    })
  })

  test('[L6] of a cursor ahead of the head is answered epoch_changed', async () => {
    expect(await answer(({ id }) => ({ stream: threadStream(id), after: position(3) }))).toMatchObject({
      code: 'epoch_changed',
    })
  })

  test('[L6] of a cursor of another epoch is answered epoch_changed', async () => {
    expect(
      await answer(({ id, makeId }) => ({
        stream: threadStream(id),
        after: position(1),
        epoch: makeId('epoch'),
      })),
    ).toMatchObject({ code: 'epoch_changed' })
  })

  test('of another user’s thread is answered as one that is not there', async () => {
    const foreign = await answer(({ id }) => ({ stream: threadStream(id), after: 'start' }), false)
    const missing = await answer(({ makeId }) => ({ stream: threadStream(makeId('thread')), after: 'start' }))
    expect(foreign).toMatchObject({ type: 'sub_err', code: 'not_found' })
    expect(missing).toMatchObject({ type: 'sub_err', code: 'not_found' })
  })
})
