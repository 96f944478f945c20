import type { Position, ThreadId } from '@holdfast/protocol'
import type { Bus } from '../bus/bus.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Schedule } from './schedule.ts'

/** Somebody who follows a thread. */
export interface Watcher {
  wake(head: Position): void
  /** The thread is no more. */
  gone(): void
}

export interface Hub extends Disposable {
  /** Returns what ends it. Register before reading the log (P1). */
  watch(threadId: ThreadId, watcher: Watcher): () => void
}

export interface HubOptions {
  readonly log: Pick<EventLog, 'heads' | 'onCommit'>
  readonly bus: Pick<Bus, 'subscribe'>
  readonly schedule: Schedule
  readonly pollMs: number
  /** A poll failed; the next one comes all the same. */
  readonly onPollError: (error: unknown) => void
}

/**
 * B1: three things wake the followers of a thread, and any one of them suffices: a commit of this node, a hint
 * of another, and a poll of the heads of all followed threads.
 */
export function createHub({ log, bus, schedule, pollMs, onPollError }: HubOptions): Hub {
  const watchers = new Map<ThreadId, Set<Watcher>>()
  let closed = false
  let cancelPoll: (() => void) | null = null

  const wake = (threadId: ThreadId, head: Position): void => {
    for (const watcher of [...(watchers.get(threadId) ?? [])]) watcher.wake(head)
  }
  const poll = async (): Promise<void> => {
    const followed = [...watchers].map(([threadId, followers]) => ({ threadId, followers: [...followers] }))
    try {
      const heads = await log.heads(followed.map(({ threadId }) => threadId))
      for (const { threadId, followers } of followed) {
        const head = heads.get(threadId)
        // Only those who followed when the question was put can conclude from its answer that nothing is there.
        if (head === undefined) for (const watcher of followers) watcher.gone()
        else wake(threadId, head)
      }
    } catch (error) {
      onPollError(error)
    }
  }
  const planPoll = (): void => {
    if (closed || cancelPoll !== null || watchers.size === 0) return
    cancelPoll = schedule(() => {
      void poll().then(() => {
        cancelPoll = null
        planPoll()
      })
    }, pollMs)
  }

  const endings = [log.onCommit(wake), bus.subscribe(({ threadId, head }) => wake(threadId, head))]
  return {
    watch(threadId, watcher) {
      const followers = watchers.get(threadId) ?? new Set()
      watchers.set(threadId, followers.add(watcher))
      planPoll()
      return () => {
        followers.delete(watcher)
        if (followers.size === 0 && watchers.get(threadId) === followers) watchers.delete(threadId)
      }
    },
    [Symbol.dispose]() {
      closed = true
      cancelPoll?.()
      for (const end of endings) end()
      watchers.clear()
    },
  }
}
