import { limits, type Position, threadStream } from '@holdfast/protocol'
import type { Bus, Hint } from '../bus/bus.ts'
import { FollowedStream, type StreamKeeper, type Watch, type Watcher } from './followed-stream.ts'
import type { RealtimeLimits } from './limits.ts'
import type { Schedule } from './schedule.ts'
import { type Sources, type StreamKey, userKey } from './sources.ts'

export interface Hub extends Disposable {
  /** @param head where the stream is known to be */
  watch(key: StreamKey, head: Position, watcher: Watcher): Watch
}

type HubLimits = Pick<
  RealtimeLimits,
  'pollMs' | 'pageItems' | 'pageBytes' | 'ringItems' | 'ringBytes' | 'ringTotalBytes'
>

export interface HubOptions {
  readonly sources: Sources
  readonly bus: Pick<Bus, 'subscribe' | 'onResync'>
  readonly schedule: Schedule
  readonly limits: HubLimits
  /** A poll failed; the next one comes all the same. */
  readonly onPollError: (error: unknown) => void
}

/**
 * B1: three things wake the followers of a stream, and any one of them suffices: a commit of this node, a hint
 * of another, and a poll of the heads of all followed streams. The poll goes on whatever the bus does, and comes at
 * once when hints may have been missed.
 */
export function createHub({ sources, bus, schedule, limits: bounds, onPollError }: HubOptions): Hub {
  const streams = new Map<StreamKey, FollowedStream>()
  let closed = false
  let cancelPoll: (() => void) | null = null

  const wake = (key: StreamKey, head: Position): void => streams.get(key)?.wake(head)
  const hear = (hint: Hint): void => {
    if (hint.kind === 'thread') wake(threadStream(hint.threadId), hint.head)
    else if (hint.kind === 'user') wake(userKey(hint.userId), hint.head)
  }
  const poll = async (): Promise<void> => {
    if (streams.size === 0) return
    const asked = [...streams].map(([key, { watchers }]) => ({ key, watchers: [...watchers] }))
    try {
      const heads = await sources.heads(asked.map(({ key }) => key))
      for (const { key, watchers } of asked) {
        const head = heads.get(key)
        // Only those who followed when the question was put can conclude from its answer that nothing is there.
        if (head === undefined) for (const watcher of watchers) watcher.gone()
        else wake(key, head)
      }
    } catch (error) {
      onPollError(error)
    }
  }
  const planPoll = (): void => {
    if (closed || cancelPoll !== null || streams.size === 0) return
    cancelPoll = schedule(() => {
      void poll().then(() => {
        cancelPoll = null
        planPoll()
      })
    }, bounds.pollMs)
  }

  let ringBytes = 0
  /** The stream that grew goes to the end; from the beginning those that have rested longest are emptied. */
  const resized = (key: StreamKey, byBytes: number): void => {
    ringBytes += byBytes
    const grown = streams.get(key)
    if (byBytes <= 0 || grown === undefined) return
    streams.delete(key)
    streams.set(key, grown)
    for (const { tail } of streams.values()) {
      if (ringBytes <= bounds.ringTotalBytes) return
      tail.empty()
    }
  }
  const keeper: StreamKeeper = {
    async read(key, after) {
      const items = await sources.read(key, after, { events: bounds.pageItems, bytes: bounds.pageBytes })
      const bytes = items.reduce((sum, item) => sum + item.bytes, 0)
      // One more event might not have fitted.
      const cut = items.length >= bounds.pageItems || bytes > bounds.pageBytes - limits.eventBytes
      return { items, cut }
    },
    resized,
    forgotten(key, stream) {
      if (streams.get(key) !== stream) return
      stream.tail.empty()
      streams.delete(key)
    },
  }
  const open = (key: StreamKey): FollowedStream => {
    const followed = new FollowedStream(key, keeper, bounds)
    streams.set(key, followed)
    return followed
  }

  const endings = [
    sources.onCommit((key, head, items) => {
      if (items !== null) streams.get(key)?.tail.committed(items())
      wake(key, head)
    }),
    bus.subscribe(hear),
    bus.onResync(() => void poll()),
  ]
  return {
    watch(key, head, watcher) {
      const followed = streams.get(key) ?? open(key)
      followed.tail.heard(head)
      const watch = followed.join(watcher)
      planPoll()
      return watch
    },
    [Symbol.dispose]() {
      closed = true
      cancelPoll?.()
      for (const end of endings) end()
      streams.clear()
    },
  }
}
