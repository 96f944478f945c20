/** The server of the model: a log whose answers take their time, sources, a hub, and what hints it hears. */
import { HoldfastError, position, type ThreadId, type UserId } from '@holdfast/protocol'
import type { Hint } from '../../../packages/server/src/bus/bus.ts'
import { type CommitListener, headOf } from '../../../packages/server/src/log/commit-listeners.ts'
import type { EventLog } from '../../../packages/server/src/log/event-log.ts'
import type { Outlet } from '../../../packages/server/src/realtime/active-subscription.ts'
import { createHub } from '../../../packages/server/src/realtime/hub.ts'
import { realtimeLimits } from '../../../packages/server/src/realtime/limits.ts'
import { createSources } from '../../../packages/server/src/realtime/sources.ts'
import {
  createSubscriptions,
  type Subscriptions,
} from '../../../packages/server/src/realtime/subscriptions.ts'
import type { Schedule, Wakes } from './schedule.ts'
import type { VirtualWorld } from './virtual-world.ts'

export interface ServerHalf extends Disposable {
  /** A hint comes, whatever it says. */
  hear(hint: Hint): void
  /** Of a connection of this user. */
  subscriptionsOf(userId: UserId, outlet: Outlet): Subscriptions
}

/** @param pollsAfterMs where polls are not what is tried they come only after this */
export function openServerHalf(
  world: VirtualWorld,
  log: Pick<EventLog, 'epoch' | 'read' | 'heads' | 'onCommit'>,
  owners: ReadonlyMap<ThreadId, UserId>,
  { wakes, ringItems, window }: Pick<Schedule, 'wakes' | 'ringItems' | 'window'>,
  pollsAfterMs: number,
): ServerHalf {
  let hear: (hint: Hint) => void = () => {}
  const allows = (how: Wakes): boolean => wakes === 'all' || wakes === how
  const gated = {
    // Commits fall before the database looks, and between its look and its answer.
    read: async (...request: Parameters<typeof log.read>) => {
      await world.moment()
      const events = await log.read(...request)
      await world.moment()
      return events
    },
    heads: async (ids: readonly ThreadId[]) => {
      await world.moment()
      const heads = await log.heads(ids)
      await world.moment()
      return heads
    },
    onCommit: (listener: CommitListener) => (allows('commit') ? log.onCommit(listener) : () => {}),
  }
  const nobody = { read: async () => [], heads: async () => new Map(), onCommit: () => () => {} }
  const sources = createSources(gated, nobody)
  if (allows('hint'))
    log.onCommit((threadId, events) => {
      const head = headOf(events)
      void world.moment().then(() => hear({ kind: 'thread', threadId, head }))
    })
  const hub = createHub({
    sources,
    bus: {
      subscribe(listener) {
        hear = listener
        return () => {}
      },
      onResync: () => () => {},
    },
    schedule: (task, delayMs) =>
      // Where polls are not what is tried they are later than anything that is waited for.
      world.setTimer(task, allows('poll') ? delayMs : delayMs + pollsAfterMs),
    limits: { ...realtimeLimits, ringItems },
    onPollError(error) {
      throw error
    },
  })
  return {
    hear: (hint) => hear(hint),
    subscriptionsOf: (userId, outlet) =>
      createSubscriptions(
        { kind: 'user', userId },
        {
          threads: {
            async get(principal, threadId) {
              await world.moment()
              if (owners.get(threadId) !== principal.userId)
                throw new HoldfastError('not_found', 'No such thread')
              const head = (await log.heads([threadId])).get(threadId) ?? position(0)
              await world.moment()
              return { id: threadId, title: '', createdAt: '2026-11-23T10:00:00.000Z', head }
            },
          },
          epoch: log.epoch,
          sources,
          hub,
          schedule: world.setTimer,
          limits: { unacknowledgedItems: window, progressWithinMs: realtimeLimits.progressWithinMs },
        },
        outlet,
      ),
    [Symbol.dispose]: () => hub[Symbol.dispose](),
  }
}
