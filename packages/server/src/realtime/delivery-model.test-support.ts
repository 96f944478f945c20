import { type Position, position, type ServerFrame, threadStream } from '@holdfast/protocol'
import fc from 'fast-check'
import { createHub } from './hub.ts'
import { realtimeLimits } from './limits.ts'
import { openLogThread } from './log-thread.test-support.ts'
import type { Sources } from './sources.ts'
import { createSubscriptions } from './subscriptions.ts'

/** What happens around the followers of one thread, in the order that the scheduler chooses. */
type Act =
  | { readonly kind: 'append'; readonly events: number }
  /** B1: a hint may be old, doubled, early, or of what never was. */
  | { readonly kind: 'hint'; readonly head: number }
  | { readonly kind: 'poll' }
  | { readonly kind: 'stall'; readonly who: number }
  /** The connection goes; the client comes back with the position it has applied. */
  | { readonly kind: 'reconnect'; readonly who: number }

const who = fc.nat({ max: 2 })
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append' as const), events: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('hint' as const), head: fc.integer({ min: 0, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'poll' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stall' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconnect' as const), who }) },
)

/** What each follower has applied may not differ from what the log holds after its first cursor. */
class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
}

/**
 * Pumps, tails, hub and log in one process: three connections follow a thread while it grows, time and the order of
 * everything that is asynchronous in the scheduler's hands. Pages of 2, a ring of 3 and a window of 4, so that every
 * edge is met within a dozen events. Not a test file, because tools/delivery-model.ts runs it for hours as well.
 */
export function deliveryProperty(): fc.IAsyncPropertyWithHooks<
  [fc.Scheduler, Act[], number, number[], 'commit' | 'poll']
> {
  return fc.asyncProperty(
    fc.scheduler(),
    fc.array(act, { minLength: 1, maxLength: 12 }),
    fc.integer({ min: 0, max: 5 }),
    fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 }),
    // Any one of the three wakes a follower, so each is tried without the others.
    fc.constantFrom('commit' as const, 'poll' as const),
    async (scheduler, acts, before, cursors, wakes) => {
      const pass = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label)
      await using thread = await openLogThread()
      await thread.append(before)
      const stream = threadStream(thread.id)
      const tasks = new Set<() => void>()
      let hint = (_head: Position): void => {}
      const sources: Sources = {
        ...thread.sources,
        onCommit: (listener) => (wakes === 'commit' ? thread.sources.onCommit(listener) : () => {}),
        async read(...request) {
          // Commits fall before the database looks, and between its look and its answer.
          await pass('read begins')
          const items = await thread.sources.read(...request)
          await pass('read ends')
          return items
        },
      }
      const failures: unknown[] = []
      const limits = { ...realtimeLimits, pageItems: 2, ringItems: 3, unacknowledgedItems: 4 }
      using hub = createHub({
        sources,
        bus: {
          subscribe(listener) {
            hint = (head) => listener({ kind: 'thread', threadId: thread.id, head })
            return () => {}
          },
          onResync: () => () => {},
        },
        schedule(task) {
          tasks.add(task)
          return () => void tasks.delete(task)
        },
        limits,
        onPollError: (error) => void failures.push(error),
      })
      const poll = (): void => {
        for (const task of [...tasks]) if (tasks.delete(task)) task()
      }

      const connect = (from: Position, applied: Position[]) => {
        const frames: ServerFrame['type'][] = []
        let stalled = false
        let gone = false
        const subscriptions = createSubscriptions(
          thread.owner,
          {
            hub,
            sources,
            epoch: thread.log.epoch,
            schedule: () => () => {},
            limits,
            threads: {
              async get(principal, threadId) {
                const found = await thread.threads.get(principal, threadId)
                await pass('thread found')
                return found
              },
            },
          },
          {
            send(frame) {
              if (gone) failures.push(`${frame.type} after the end`)
              frames.push(frame.type)
            },
            sendItems(_stream, items) {
              if (gone || frames[0] !== 'sub_ok') failures.push('items out of turn')
              applied.push(...items.map(({ seq }) => seq))
              const last = items.at(-1)?.seq ?? from
              void pass('ack').then(() => {
                if (!gone && subscriptions.acknowledge(stream, last) === 'ahead') failures.push('ahead')
              })
            },
            writable: () => !stalled,
            stalled: () => void failures.push('stalled'),
            failed: (error) => void failures.push(error),
          },
        )
        void subscriptions.add({ stream, after: from }).catch((error: unknown) => failures.push(error))
        return {
          frames,
          async stall() {
            stalled = true
            await pass('drained')
            stalled = false
            subscriptions.resume()
          },
          end() {
            gone = true
            subscriptions.stop()
          },
        }
      }
      const clients = cursors.map((cursor) => {
        const from = position(Math.min(cursor, before))
        const applied: Position[] = []
        return { from, applied, connection: connect(from, applied) }
      })
      const perform = async (one: Act): Promise<void> => {
        switch (one.kind) {
          case 'append':
            return thread.append(one.events)
          case 'hint':
            return hint(position(one.head))
          case 'poll':
            return poll()
          case 'stall':
            return clients[one.who]?.connection.stall()
          case 'reconnect': {
            const client = clients[one.who]
            if (client === undefined) return
            client.connection.end()
            client.connection = connect(client.applied.at(-1) ?? client.from, client.applied)
            return
          }
          default:
            one satisfies never
        }
      }
      for (const one of acts)
        void pass(one.kind)
          .then(() => perform(one))
          .catch((error: unknown) => failures.push(error))
      await scheduler.waitIdle()
      if (wakes === 'poll') {
        poll()
        await scheduler.waitIdle()
      }

      const head = await thread.head()
      if (failures.length > 0) throw new DeliveryError('A fault on the way', { cause: failures[0] })
      for (const { from, applied, connection } of clients) {
        const expected = Array.from({ length: head - from }, (_, index) => from + 1 + index)
        if (String(applied) !== String(expected))
          throw new DeliveryError(`Applied ${applied.join()} after ${from}, and the head is ${head}`)
        if (connection.frames.join() !== 'sub_ok,live')
          throw new DeliveryError(`Said ${connection.frames.join()}, not sub_ok and then live once`)
      }
    },
  )
}
