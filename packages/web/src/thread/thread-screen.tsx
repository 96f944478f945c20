import type { StoredEvent, ThreadId } from '@holdfast/protocol'
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react'
import { FilesPanel } from '../files/files-panel.tsx'
import { askInThread, titleOf } from '../live/ask.ts'
import { catchingUp } from '../live/catching-up.ts'
import { client, connection } from '../live/connection.ts'
import { act, announce, report } from '../live/notices.ts'
import { change, threadList } from '../live/thread-list.ts'
import { isUnasked, openThreadSession, type ThreadSession } from '../live/thread-session.ts'
import { uploadFile } from '../live/uploads.ts'
import { endLabel } from '../model/steps.ts'
import { activeTurn } from '../model/thread-view.ts'
import type { Turn } from '../model/turn.ts'
import { navigate } from '../routing.ts'
import { Button } from '../ui/button.tsx'
import { useStore } from '../ui/use-store.ts'
import { Composer, drafts } from './composer.tsx'
import { useFileDrop } from './file-drop.tsx'
import { type ThreadActions, ThreadContext } from './thread-context.ts'
import { ThreadHeader } from './thread-header.tsx'
import { TurnList } from './turn-list.tsx'

/** A thread, from the first look at it until another one is opened. */
export function ThreadScreen({ threadId }: { readonly threadId: ThreadId }): ReactNode {
  const [session, setSession] = useState<ThreadSession | null>(null)
  useEffect(() => {
    const opened = openThreadSession(threadId, (events) => tellAloud(events, opened))
    setSession(opened)
    // After a drop: how far the log has come meanwhile, for "catching up".
    let wasReady = true
    const stopLooking = connection.subscribe(() => {
      const ready = connection.get().status.kind === 'ready'
      // It only says how much is to come; what comes, comes without it.
      if (ready && !wasReady) opened.lookAhead().catch(() => {})
      wasReady = ready
    })
    const stopCounting = opened.state.subscribe(() => {
      const { head, view } = opened.state.get()
      catchingUp.set(Math.max(0, head - view.seq))
    })
    return () => {
      stopLooking()
      stopCounting()
      catchingUp.set(0)
      opened[Symbol.dispose]()
    }
  }, [threadId])
  if (session === null || session.threadId !== threadId) return null
  return <OpenThread key={threadId} session={session} />
}

function OpenThread({ session }: { readonly session: ThreadSession }): ReactNode {
  const { threadId, state } = session
  const phase = useStore(state, (now) => now.phase)
  const problem = useStore(state, (now) => now.problem)
  const active = useStore(state, ({ view }) => activeTurn(view))
  const lastRequest = useStore(state, ({ view }) => {
    const last = view.turns.get(view.order.at(-1) as never)
    return last?.phase === 'ended' && (last.request?.items.length ?? 0) > 0
  })
  const title = useStore(threadList, ({ items }) => items.find(({ id }) => id === threadId)?.title)
  const [showsFiles, setShowsFiles] = useState(false)

  const addFiles = useCallback(
    (files: readonly File[]) => {
      act(async () => {
        await Promise.all(files.map((file) => uploadFile(threadId, file)))
        await session.refreshFiles()
      })
    },
    [threadId, session],
  )
  const ask = useCallback(
    (text: string) => {
      const first = isUnasked(state.get())
      askInThread(threadId, text)
        .then(async () => {
          // A thread that began with a file bears the file's name until something is asked.
          if (!first) return
          session.setThread(await client.renameThread(threadId, titleOf(text)))
          change(threadId, { title: titleOf(text) })
        })
        .catch((error: unknown) => {
          // What was written is not lost.
          drafts.update((now) => ({ ...now, [threadId]: now[threadId] || text }))
          report(error)
        })
    },
    [threadId, session, state],
  )
  const stop = useCallback((turn: Turn) => act(async () => void (await client.cancel(turn.runId))), [])
  const askAgain = useCallback(
    (turn: Turn) => act(() => askInThread(threadId, turn.question, turn.files)),
    [threadId],
  )
  const busy = active !== null
  const actions: ThreadActions = useMemo(
    () => ({ threadId, session, busy, ask, askAgain, stop, addFiles }),
    [threadId, session, busy, ask, askAgain, stop, addFiles],
  )
  const curtain = useFileDrop(phase === 'missing' || phase === 'failed' ? null : addFiles)
  useEffect(() => {
    document.title = title === undefined || title === '' ? 'Holdfast' : `${title} – Holdfast`
  }, [title])

  if (phase === 'missing') return <Missing />
  if (phase === 'failed')
    return (
      <Plain title="This conversation could not be opened" text={problem ?? ''}>
        <Button icon="retry" onClick={() => location.reload()}>
          Try again
        </Button>
      </Plain>
    )
  return (
    <ThreadContext value={actions}>
      <div className="flex h-full min-h-0 flex-col">
        <ThreadHeader session={session} onFiles={() => setShowsFiles(true)} />
        <TurnList session={session} />
        {/* The same gutter as the turns have, so that both stand in one line. */}
        <div className="shrink-0 overflow-hidden [scrollbar-gutter:stable]">
          <div className="mx-auto w-full max-w-4xl px-3 pb-3 sm:px-6">
            <Composer
              threadId={threadId}
              active={active}
              cardHasFiles={lastRequest}
              placeholder={
                active === null ? 'Ask about your data' : 'Ask the next question; it waits its turn'
              }
              onAsk={ask}
              onStop={stop}
              onFiles={addFiles}
            />
          </div>
        </div>
        {curtain}
      </div>
      {showsFiles && <FilesPanel session={session} onClose={() => setShowsFiles(false)} />}
    </ThreadContext>
  )
}

/** Another user's thread looks exactly so. */
function Missing(): ReactNode {
  return (
    <Plain
      title="There is no such conversation"
      text="It was deleted, or it belongs to somebody else, or the address was cut off where it was copied."
    >
      <Button look="primary" onClick={() => navigate({ kind: 'home' })}>
        Ask something new
      </Button>
    </Plain>
  )
}

export function Plain({
  title,
  text,
  children,
}: {
  readonly title: string
  readonly text: string
  readonly children: ReactNode
}): ReactNode {
  return (
    <div className="mx-auto flex h-full max-w-md flex-col items-start justify-center gap-3 px-6">
      <h1 className="text-xl font-semibold">{title}</h1>
      <p className="text-soft [overflow-wrap:anywhere]">{text}</p>
      {children}
    </div>
  )
}

/** What a screen reader hears of events that came while it was there. */
function tellAloud(events: readonly StoredEvent[], session: ThreadSession): void {
  const { view, head } = session.state.get()
  // What is read of the past is not news.
  if (head > view.seq) return
  for (const event of events) {
    const turn = view.turns.get(event.runId)
    if (turn === undefined || Date.parse(event.at) < Date.now() - 30_000) continue
    if (event.type === 'agent_started' && event.data.attempt === 1) announce('The agent is at it')
    else if (event.type === 'data_requested') {
      const { items, question } = event.data
      announce(
        question === undefined
          ? `Missing for an answer: ${items.map(({ field }) => field).join(', ')}`
          : `${question.text} ${question.choices.map(({ label }) => label).join(', or ')}`,
      )
    } else if (turn.end !== null && turn.phase === 'ended' && isTerminal(event))
      announce(
        `${endLabel(turn)}. ${'summary' in turn.end ? turn.end.summary : 'message' in turn.end ? turn.end.message : ''}`,
      )
  }
}

const isTerminal = ({ type }: StoredEvent): boolean =>
  type === 'agent_completed' || type === 'agent_failed' || type === 'agent_cancelled'
