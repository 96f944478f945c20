import { HoldfastHttpError, HoldfastStreamError } from '@holdfast/client'
import {
  EventPage,
  type FileInfo,
  limits,
  type Position,
  position,
  type Run,
  type StoredEvent,
  type Thread,
  type ThreadId,
} from '@holdfast/protocol'
import { createStore, type Store } from '../model/store.ts'
import { applyEvents, emptyView, prependEvents, type ThreadView } from '../model/thread-view.ts'
import { requestJson, sentenceOf } from './api.ts'
import { client } from './connection.ts'
import { whenReachable } from './when-reachable.ts'

/** Turns that are read when a thread is opened, and each time the reader goes further back. */
export const turnsAtATime = 30

export interface ThreadSessionState {
  readonly phase: 'opening' | 'open' | 'missing' | 'failed'
  /** Why it is not there: of `failed`, or while it is tried again. */
  readonly problem: string | null
  readonly thread: Thread | null
  readonly view: ThreadView
  readonly files: readonly FileInfo[]
  /** Turns before the first that is read. */
  readonly olderTurns: number
  /** The log's last place as far as is known: ahead of `view.seq` while the page catches up. */
  readonly head: number
}

export interface ThreadSession extends Disposable {
  readonly threadId: ThreadId
  readonly state: Store<ThreadSessionState>
  /** Reads the turns before those that are there; safe to call while it is at it. */
  loadOlder(): Promise<void>
  refreshFiles(): Promise<void>
  setThread(thread: Thread): void
  /** The server's head, asked anew after the connection was away. */
  lookAhead(): Promise<void>
}

const initial: ThreadSessionState = {
  phase: 'opening',
  problem: null,
  thread: null,
  view: emptyView,
  files: [],
  olderTurns: 0,
  head: 0,
}

/** Whether nothing was ever asked here; false also where that is not known yet. */
export const isUnasked = ({ phase, view, olderTurns, head }: ThreadSessionState): boolean =>
  phase === 'open' && olderTurns === 0 && view.order.length === 0 && view.seq >= head

/**
 * A thread, followed from its last turns on. Snapshot, then events from a cursor: what comes while the connection is
 * away comes after it, once and in order; that is the client's doing. Events are put on the page once a frame, however
 * many come.
 *
 * @param onEvents what came live, after the page has it
 */
export function openThreadSession(
  threadId: ThreadId,
  onEvents: (events: readonly StoredEvent[]) => void,
): ThreadSession {
  const state = createStore(initial)
  const ended = new AbortController()
  const { signal } = ended
  let runs: readonly Run[] = []
  let firstRun = 0
  let loading: Promise<void> | null = null

  // --- events wait for the next frame
  let waiting: StoredEvent[] = []
  let cancelFrame: (() => void) | null = null
  const flush = (): void => {
    cancelFrame = null
    const events = waiting
    waiting = []
    state.update((now) => {
      const view = applyEvents(now.view, events)
      return { ...now, view, head: Math.max(now.head, view.seq) }
    })
    onEvents(events)
  }
  const take = (event: StoredEvent): void => {
    waiting.push(event)
    cancelFrame ??= nextFrame(flush)
  }

  /** @returns the cursor to follow from */
  const readSnapshot = async (): Promise<{
    seq: Position
    epoch: Awaited<ReturnType<typeof client.thread>>['epoch']
  }> => {
    const snapshot = await whenReachable(() => client.thread(threadId, { signal }), {
      signal,
      onWait: (error) =>
        state.update((now) => ({ ...now, problem: `${sentenceOf(error)} This page tries by itself.` })),
    })
    runs = [...snapshot.runs].sort((a, b) => a.queuedAt - b.queuedAt)
    firstRun = Math.max(0, runs.length - turnsAtATime)
    waiting = []
    const first = runs[firstRun]
    const seq = first === undefined ? snapshot.seq : position(first.queuedAt - 1)
    state.set({
      ...initial,
      phase: 'open',
      thread: snapshot.thread,
      files: snapshot.files,
      olderTurns: firstRun,
      view: { ...emptyView, seq },
      head: snapshot.seq,
    })
    return { seq, epoch: snapshot.epoch }
  }
  const follow = async (): Promise<void> => {
    const { seq, epoch } = await readSnapshot()
    const events = client.events(threadId, { after: seq, epoch, signal, onReset: readSnapshot })
    for await (const event of events) take(event)
  }
  follow().catch((error: unknown) => {
    if (signal.aborted) return
    const missing =
      (error instanceof HoldfastHttpError && (error.status === 404 || error.status === 400)) ||
      (error instanceof HoldfastStreamError && error.code === 'not_found')
    state.update((now) => ({ ...now, phase: missing ? 'missing' : 'failed', problem: sentenceOf(error) }))
  })

  const readOlder = async (): Promise<void> => {
    const upTo = runs[firstRun]
    if (upTo === undefined || firstRun === 0) return
    const from = Math.max(0, firstRun - turnsAtATime)
    const first = runs[from]
    if (first === undefined) return
    const events: StoredEvent[] = []
    for (let after = first.queuedAt - 1; after < upTo.queuedAt - 1; ) {
      const limit = Math.min(limits.eventsPageItems, upTo.queuedAt - 1 - after)
      const page = EventPage.parse(
        await requestJson(`/v1/threads/${threadId}/events?after=${after}&limit=${limit}`, { signal }),
      )
      const last = page.items.at(-1)
      if (last === undefined) break
      events.push(...page.items)
      after = last.seq
    }
    firstRun = from
    state.update((now) => ({ ...now, view: prependEvents(now.view, events), olderTurns: from }))
  }

  return {
    threadId,
    state,
    loadOlder() {
      loading ??= readOlder().finally(() => {
        loading = null
      })
      return loading
    },
    async refreshFiles() {
      const { files } = await client.thread(threadId, { signal })
      state.update((now) => ({ ...now, files }))
    },
    setThread: (thread) => state.update((now) => ({ ...now, thread })),
    async lookAhead() {
      const { head } = (await requestJson(`/v1/threads/${threadId}`, { signal })) as Thread
      state.update((now) => ({ ...now, head: Math.max(now.head, head) }))
    },
    [Symbol.dispose]() {
      ended.abort()
      cancelFrame?.()
    },
  }
}

/** Before the next picture; of a page that nobody sees, soon. @returns cancels */
function nextFrame(task: () => void): () => void {
  if (document.visibilityState === 'hidden') {
    const timer = setTimeout(task, 50)
    return () => clearTimeout(timer)
  }
  const frame = requestAnimationFrame(task)
  // A page that is hidden before its next picture gets none.
  const timer = setTimeout(() => {
    cancelAnimationFrame(frame)
    task()
  }, 250)
  const first = requestAnimationFrame(() => clearTimeout(timer))
  return () => {
    cancelAnimationFrame(frame)
    cancelAnimationFrame(first)
    clearTimeout(timer)
  }
}
