import {
  type LifecycleItem,
  type Position,
  type StoredEvent,
  streamThread,
  type ThreadStream,
  UserId,
} from '@holdfast/protocol'
import { headOf } from '../log/commit-listeners.ts'
import type { EventLog } from '../log/event-log.ts'
import type { LifecycleLog } from '../log/lifecycle-log.ts'
import type { Item } from './tail.ts'

/** A stream as this server names it: what a client calls `user/me` is one stream for each user. */
export type StreamKey = ThreadStream | `user/${UserId}`

export const userKey = (userId: UserId): StreamKey => `user/${userId}`
const isThread = (key: StreamKey): key is ThreadStream => key.startsWith('thread/')
const isUser = (key: StreamKey): key is `user/${UserId}` => !isThread(key)
const keyUser = (key: `user/${UserId}`): UserId => UserId.parse(key.slice('user/'.length))

export interface PageLimit {
  readonly events: number
  readonly bytes: number
}

/** What can be followed: threads, and what happens to a user's threads. Both are append-only and without gaps. */
export interface Sources {
  read(key: StreamKey, after: Position, limit: PageLimit): Promise<readonly Item[]>
  /** Of the streams that exist. */
  heads(keys: readonly StreamKey[]): Promise<ReadonlyMap<StreamKey, Position>>
  /** After a commit of this node; `items` are what it added, contiguous, where they are at hand. */
  onCommit(listener: CommitListener): () => void
}

export type CommitListener = (key: StreamKey, head: Position, items: (() => readonly Item[]) | null) => void

function itemOf(item: StoredEvent | LifecycleItem): Item {
  const json = JSON.stringify(item)
  return { seq: item.seq, json, bytes: Buffer.byteLength(json) }
}

export function createSources(
  log: Pick<EventLog, 'read' | 'heads' | 'onCommit'>,
  lifecycle: Pick<LifecycleLog, 'read' | 'heads' | 'onCommit'>,
): Sources {
  return {
    async read(key, after, limit) {
      const items = isThread(key)
        ? await log.read(streamThread(key), after, limit)
        : await lifecycle.read(keyUser(key), after, limit.events)
      return items.map(itemOf)
    },
    async heads(keys) {
      const threads = keys.filter(isThread).map(streamThread)
      const users = keys.filter(isUser).map(keyUser)
      const [ofThreads, ofUsers] = await Promise.all([log.heads(threads), lifecycle.heads(users)])
      return new Map<StreamKey, Position>([
        ...[...ofThreads].map(([id, head]) => [`thread/${id}`, head] as const),
        ...[...ofUsers].map(([id, head]) => [userKey(id), head] as const),
      ])
    },
    onCommit(listener) {
      const endings = [
        // Items are made only for those that somebody follows.
        log.onCommit((threadId, events) =>
          listener(`thread/${threadId}`, headOf(events), () => events.map(itemOf)),
        ),
        lifecycle.onCommit((userId, head) => listener(userKey(userId), head, null)),
      ]
      return () => {
        for (const end of endings) end()
      }
    },
  }
}
