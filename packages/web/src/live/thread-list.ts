import type { LifecycleItem, ThreadId, ThreadSummary } from '@holdfast/protocol'
import { createStore } from '../model/store.ts'
import { client } from './connection.ts'
import { report } from './notices.ts'
import { whenReachable } from './when-reachable.ts'

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

let question = 0

async function read(search: string): Promise<void> {
  question += 1
  const mine = question
  const { items, next } = await client.threads(undefined, search === '' ? {} : { search })
  // A later search has overtaken this one.
  if (mine === question) threadList.set({ phase: 'ready', items, next, search })
}

export const searchThreads = (search: string): Promise<void> => read(search.trim())

export async function loadMoreThreads(): Promise<void> {
  const { next, search } = threadList.get()
  if (next === null) return
  const page = await client.threads(next, search === '' ? {} : { search })
  threadList.update((now) => ({ ...now, items: merged(now.items, page.items), next: page.next }))
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

/** Follows first, then reads: nothing falls in between. Until the page goes. */
export async function followThreads(): Promise<void> {
  const items = client.lifecycle({
    async onReset() {
      await read(threadList.get().search)
      location.reload()
      throw new Error('Another log stands behind this address; the page is loaded anew')
    },
  })
  whenReachable(() => read('')).catch((error: unknown) => {
    threadList.update((now) => ({ ...now, phase: 'failed' }))
    report(error)
  })
  for await (const item of items) threadList.update((state) => applyLifecycle(state, item))
}
