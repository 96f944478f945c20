import { position, type ServerFrame, type Subscription, threadStream } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliveryProperty } from './delivery-model.test-support.ts'
import { holdCalls } from './held-calls.test-support.ts'
import { type LogThread, openLogThread } from './log-thread.test-support.ts'
import { createSubscriptions } from './subscriptions.ts'

test('[L2] [B1] [U1] [U2] [U3] [U4] [T1] [T2] under any schedule nothing is lost, doubled or reordered', async () => {
  // A slice; tool./delivery-model.test-support.ts takes as many as it is given time for.
  await fc.assert(deliveryProperty(), { numRuns: 400 })
})

function openSubscriptions(thread: LogThread, { principal = thread.owner, get = thread.threads.get } = {}) {
  const frames: ServerFrame[] = []
  let watches = 0
  const watch = () => {
    watches += 1
    return {
      read: () => new Promise<never>(() => {}),
      end() {
        watches -= 1
      },
    }
  }
  const subscriptions = createSubscriptions(
    principal,
    {
      threads: { get },
      epoch: thread.log.epoch,
      sources: thread.sources,
      hub: { watch, [Symbol.dispose]() {} },
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
  return { subscriptions, frames, watches: () => watches }
}

describe('subscriptions that come together', () => {
  test('are looked up together and answered in their order', async () => {
    await using thread = await openLogThread()
    const lookUps = holdCalls()
    const { subscriptions, frames } = openSubscriptions(thread, { get: lookUps.wrap(thread.threads.get) })
    const streams = Array.from({ length: 10 }, () => thread.makeId('thread'))
      .toSpliced(4, 1, thread.id)
      .map(threadStream)
    const added = subscriptions.add(...streams.map((stream) => ({ stream, after: 'head' }) as const))
    expect(lookUps.calls).toBe(8)
    lookUps.release()
    await added
    expect(frames.map((frame) => 'stream' in frame && frame.stream)).toEqual(streams)
    expect(frames.map(({ type }) => type).indexOf('sub_ok')).toBe(4)
    subscriptions.stop()
  })

  test('for one stream: the last is meant', async () => {
    await using thread = await openLogThread()
    const { subscriptions, frames, watches } = openSubscriptions(thread)
    const stream = threadStream(thread.id)
    await subscriptions.add({ stream, after: 'start' }, { stream, after: 'head' })
    expect(frames.map(({ type }) => type)).toEqual(['sub_ok', 'sub_ok'])
    expect(watches()).toBe(1)
    subscriptions.stop()
    expect(watches()).toBe(0)
  })
})

describe('a subscription', () => {
  const answer = async (
    ask: (thread: LogThread) => Subscription,
    asOwner = true,
  ): Promise<ServerFrame | undefined> => {
    await using thread = await openLogThread()
    await thread.append(2)
    const { subscriptions, frames } = openSubscriptions(thread, asOwner ? {} : { principal: thread.stranger })
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
