import { type Position, position, type ServerFrame, threadStream } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createHub } from './hub.ts'
import { openLogThread } from './log-thread.test-support.ts'
import { createSubscriptions } from './subscriptions.ts'

/** What happens around a subscription, in the order the scheduler chooses. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('append'), events: fc.integer({ min: 1, max: 3 }) }),
  },
  // B1: a hint may be old, doubled, early or about nothing new.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hint'), head: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stall') }) },
)
type Step = { kind: string; events?: number; head?: number }

/** Any one of the three wakes a follower, so each is tried without the other two. */
const wakesBy = fc.constantFrom('commit' as const, 'poll' as const)

describe('a subscription under any schedule', () => {
  test('[L2] [B1] [P1] [P2] [P3] nothing is lost, doubled or reordered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array<Step>(step, { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 4 }),
        wakesBy,
        async (scheduler, steps, before, after, wakes) => {
          const pass = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label)
          await using thread = await openLogThread()
          await thread.append(before)
          const from = position(Math.min(after, before))
          let poll = (): void => {}
          let hint = (_head: Position): void => {}
          using hub = createHub({
            log: {
              heads: thread.log.heads,
              onCommit: (listener) => (wakes === 'commit' ? thread.log.onCommit(listener) : () => {}),
            },
            bus: {
              subscribe(listener) {
                hint = (head) => listener({ threadId: thread.id, head })
                return () => {}
              },
            },
            schedule(task) {
              poll = task
              return () => {}
            },
            pollMs: 1,
            onPollError(error) {
              throw error
            },
          })

          const delivered: Position[] = []
          const frames: ServerFrame[] = []
          const failures: unknown[] = []
          let liveAfter = -1
          let stalled = false
          const subscriptions = createSubscriptions(
            thread.owner,
            {
              hub,
              threads: {
                async get(principal, threadId) {
                  const found = await thread.threads.get(principal, threadId)
                  await pass('thread found')
                  return found
                },
              },
              log: {
                epoch: thread.log.epoch,
                async read(threadId, position) {
                  // Commits fall before the database looks, and between its look and its answer.
                  await pass('read begins')
                  const events = await thread.log.read(threadId, position, { events: 2, bytes: 1e6 })
                  await pass('read ends')
                  return events
                },
              },
            },
            {
              send(frame) {
                if (frame.type === 'live') liveAfter = delivered.length
                frames.push(frame)
              },
              sendEvents: (_stream, events) => void delivered.push(...events.map(({ seq }) => seq)),
              writable: () => !stalled,
              failed: (error) => void failures.push(error),
            },
          )
          void subscriptions.add({ stream: threadStream(thread.id), after: from })

          for (const one of steps)
            void pass(one.kind).then(async () => {
              if (one.kind === 'append') await thread.append(one.events ?? 1)
              else if (one.kind === 'hint') hint(position(one.head ?? 0))
              else {
                stalled = true
                await pass('drained')
                stalled = false
                subscriptions.resume()
              }
            })
          await scheduler.waitIdle()
          if (wakes === 'poll') {
            poll()
            await scheduler.waitIdle()
          }

          const head = await thread.head()
          expect(failures).toEqual([])
          expect(delivered).toEqual(Array.from({ length: head - from }, (_, index) => from + 1 + index))
          // `live` is said once, and where everything up to it had been sent.
          expect(frames.map(({ type }) => type)).toEqual(['sub_ok', 'live'])
          expect(frames[1]).toMatchObject({ at: from + liveAfter })
        },
      ),
      { numRuns: 500 },
    )
  })
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
      { ...thread, hub: { watch: () => () => {}, [Symbol.dispose]() {} } },
      { send: (frame) => void frames.push(frame), sendEvents() {}, writable: () => true, failed() {} },
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
