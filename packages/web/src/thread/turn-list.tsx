import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { act } from '../live/notices.ts'
import type { ThreadSession } from '../live/thread-session.ts'
import { count } from '../model/format.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { ErrorBoundary } from '../ui/error-boundary.tsx'
import { useStore } from '../ui/use-store.ts'
import { TurnView } from './turn-view.tsx'

/** Closer to the end than this is at the end. */
const atEndPx = 90

/**
 * The turns, oldest first. A question that is asked comes to the top, and the answer grows below it: what the reader
 * reads never moves by itself.
 */
export function TurnList({ session }: { readonly session: ThreadSession }): ReactNode {
  const order = useStore(session.state, ({ view }) => view.order)
  const older = useStore(session.state, ({ olderTurns }) => olderTurns)
  const opening = useStore(session.state, ({ phase, view, head }) => phase === 'opening' || view.seq < head)
  const problem = useStore(session.state, (now) => now.problem)
  const box = useRef<HTMLElement>(null)
  const [atEnd, setAtEnd] = useState(true)

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const look = (): void =>
      setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < atEndPx)
    const observer = new ResizeObserver(look)
    const content = element.firstElementChild
    if (content !== null) observer.observe(content)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [])
  const last = order.at(-1)
  const newest = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: when there is another last question, and only then
  useLayoutEffect(() => {
    // Newer browsers give a promise back, which React would take for what undoes the effect.
    void newest.current?.scrollIntoView({ block: 'start' })
  }, [last])

  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={box}
        aria-label="Conversation"
        aria-busy={opening}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
        tabIndex={0}
        className="h-full overflow-y-auto [scrollbar-gutter:stable]"
      >
        <div className="mx-auto w-full max-w-4xl px-3 sm:px-6">
          {problem !== null && (
            <p role="status" className="pt-6 text-sm text-soft [overflow-wrap:anywhere]">
              {problem}
            </p>
          )}
          {older > 0 && (
            <div className="flex justify-center pt-4">
              <Button look="quiet" onClick={() => act(() => session.loadOlder())}>
                Show earlier questions ({count(older, 'question')})
              </Button>
            </div>
          )}
          {order.map((runId) => (
            <div
              key={runId}
              ref={runId === last ? newest : null}
              className={`not-first:border-t border-line ${runId === last ? 'min-h-[calc(100dvh-9rem)]' : ''}`}
            >
              <ErrorBoundary
                instead={
                  <p role="alert" className="py-6 text-sm text-bad">
                    This answer cannot be shown here: a fault of the page. It is safe on the server; load the
                    page again, or ask again.
                  </p>
                }
              >
                <TurnView runId={runId} isLast={runId === last} />
              </ErrorBoundary>
            </div>
          ))}
          {order.length === 0 && !opening && (
            <p className="pt-16 text-center text-soft">
              Nothing has been asked here yet. The files are ready.
            </p>
          )}
        </div>
      </section>
      {!atEnd && (
        <IconButton
          icon="down"
          label="To the end"
          className="absolute right-5 bottom-3 rounded-full border border-line bg-surface shadow-raised"
          onClick={() => {
            const element = box.current
            if (element !== null) element.scrollTo({ top: element.scrollHeight, behavior: 'smooth' })
          }}
        />
      )}
    </div>
  )
}
