import { HoldfastStreamError } from '@holdfast/client'
import type { LifecycleItem, ThreadId, ThreadList, ThreadSummary } from '@holdfast/protocol'
import { createStore } from '../model/store.ts'
import { client } from './connection.ts'
import { report } from './notices.ts'
import { timeOrNetwork, whenReachable } from './when-reachable.ts'

export interface ThreadListState {
  readonly phase: 'loading' | 'ready' | 'failed'
  readonly items: readonly ThreadSummary[]
  /** Cursor of the next page; null: that is all. */
  readonly next: string | null
  readonly search: string
}

/** The reader's threads, newest first, current in every tab. */
export const threadList = createStore<ThreadListState>({
  phase: 'loading',
  items: [],
  next: null,
  search: '',
})

/** Threads that are about to be deleted, unless somebody says otherwise. */
export const leaving = createStore<ReadonlySet<ThreadId>>(new Set())

/** Of each page that is on its way: what has happened since it was asked for, which it may not know. */
const news = new Set<LifecycleItem[]>()

/** @returns how the page is put into the list */
async function readPage(
  cursor: string | undefined,
  search: string,
): Promise<(put: (page: ThreadList) => ThreadListState) => void> {
  const since: LifecycleItem[] = []
  news.add(since)
  try {
    const page = await client.threads(cursor, search === '' ? {} : { search })
    return (put) => threadList.set(since.reduce(applyLifecycle, put(page)))
  } finally {
    news.delete(since)
  }
}

let question = 0
/** What the newest read looks for; the list may not be there yet. */
let wanted = ''

async function read(search: string): Promise<void> {
  question += 1
  wanted = search
  const mine = question
  const take = await readPage(undefined, search)
  // A later search has overtaken this one.
  if (mine === question) take((page) => renewed(threadList.get(), page, search))
}

/** The first page as it is now; of the same list, what was read after it stays. */
function renewed(before: ThreadListState, { items, next }: ThreadList, search: string): ThreadListState {
  const last = items.at(-1)
  const place = before.search === search ? before.items.findIndex(({ id }) => id === last?.id) : -1
  const older = place < 0 ? [] : before.items.slice(place + 1)
  return {
    phase: 'ready',
    items: merged(items, older),
    next: older.length === 0 ? next : before.next,
    search,
  }
}

export const searchThreads = (search: string): Promise<void> => read(search.trim())

export async function loadMoreThreads(): Promise<void> {
  const { next, search } = threadList.get()
  if (next === null) return
  const mine = question
  const take = await readPage(next, search)
  // The list that this is more of is no longer there.
  if (mine !== question) return
  take((page) => {
    const now = threadList.get()
    return { ...now, items: merged(now.items, page.items), next: page.next }
  })
}

function merged(before: readonly ThreadSummary[], more: readonly ThreadSummary[]): readonly ThreadSummary[] {
  const known = new Set(before.map(({ id }) => id))
  return [...before, ...more.filter(({ id }) => !known.has(id))]
}

export function change(threadId: ThreadId, part: Partial<ThreadSummary>): void {
  threadList.update((now) => ({
    ...now,
    items: now.items.map((item) => (item.id === threadId ? { ...item, ...part } : item)),
  }))
}

/** What a lifecycle item makes of the list. */
export function applyLifecycle(state: ThreadListState, item: LifecycleItem): ThreadListState {
  const { threadId } = item
  const alter = (part: Partial<ThreadSummary>): ThreadListState => ({
    ...state,
    items: state.items.map((thread) => (thread.id === threadId ? { ...thread, ...part } : thread)),
  })
  switch (item.type) {
    case 'thread_created': {
      if (state.search !== '' || state.items.some(({ id }) => id === threadId)) return state
      const { title, at: createdAt } = item
      const made: ThreadSummary = {
        id: threadId,
        title,
        createdAt,
        head: 0 as ThreadSummary['head'],
        activity: 'idle',
      }
      return { ...state, items: [made, ...state.items] }
    }
    case 'thread_renamed':
      return alter({ title: item.title })
    case 'thread_deleted':
      return { ...state, items: state.items.filter(({ id }) => id !== threadId) }
    case 'run_queued':
      return state.items.find(({ id }) => id === threadId)?.activity === 'running'
        ? state
        : alter({ activity: 'queued' })
    case 'run_started':
      return alter({ activity: 'running' })
    case 'run_ended':
      return alter({ activity: item.status === 'completed' ? (item.outcome ?? 'answered') : item.status })
    case 'data_requested':
      return state
    default:
      return state
  }
}

/** Where nothing tells what happens to the list: it is read anew this often, give or take a half. */
const withoutWebSocketMs = 30_000

/**
 * Until the page goes. Where no WebSocket can be opened the list is read now and then, and each time following is tried
 * again: the network may be another one by then.
 */
export async function followThreads(): Promise<void> {
  for (;;) {
    try {
      return await follow()
    } catch (error) {
      if (!(error instanceof HoldfastStreamError) || error.code !== 'websocket_required') throw error
    }
    await timeOrNetwork(withoutWebSocketMs * (0.5 + Math.random()))
  }
}

/**
 * Reads at once, for whoever waits for the list, and again when it is followed: what happened in between would not come.
 */
async function follow(): Promise<void> {
  const items = client.lifecycle({
    onFollowing: readWhenReachable,
    async onReset() {
      await whenReachable(() => read(wanted))
      location.reload()
      throw new Error('Another log stands behind this address; the page is loaded anew')
    },
  })
  readWhenReachable()
  for await (const item of items) {
    for (const since of news) since.push(item)
    threadList.update((state) => applyLifecycle(state, item))
  }
}

function readWhenReachable(): void {
  whenReachable(() => read(wanted)).catch((error: unknown) => {
    threadList.update((now) => ({ ...now, phase: 'failed' }))
    report(error)
  })
}
