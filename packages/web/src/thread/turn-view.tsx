import type { RunId } from '@holdfast/protocol'
import { memo, type ReactNode } from 'react'
import { troublesOf } from '../model/steps.ts'
import type { RequestProgress, Turn } from '../model/turn.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useStore } from '../ui/use-store.ts'
import { Answer } from './answer.tsx'
import { RequestCard } from './request-card.tsx'
import { useThread } from './thread-context.ts'
import { Timeline } from './timeline.tsx'

const nothing: ReadonlySet<string> = new Set()

const progressOf = (satisfied: RequestProgress, turn: Turn | undefined): ReadonlySet<string> =>
  turn?.request == null ? nothing : (satisfied.get(turn.request.requestId) ?? nothing)

/** A question and its answer. Drawn again only where its own turn changes, however long the thread is. */
export const TurnView = memo(function TurnView({
  runId,
  isLast,
}: {
  readonly runId: RunId
  readonly isLast: boolean
}): ReactNode {
  const { session, askAgain, stop } = useThread()
  const turn = useStore(session.state, ({ view }) => view.turns.get(runId))
  const files = useStore(session.state, ({ files: all }) => all)
  const satisfied = useStore(session.state, ({ view }) => progressOf(view.satisfied, turn))
  if (turn === undefined) return null
  const { end, phase } = turn
  // What ended the run is said where it failed.
  const troubles = troublesOf(turn).filter((text) => end?.kind !== 'failed' || text !== end.message)
  const names = turn.files.map((id) => ({
    id,
    name: files.find((file) => file.id === id)?.name ?? 'a file that was deleted',
  }))
  return (
    <article aria-labelledby={`q-${runId}`} className={`${isLast ? '' : 'turn-far'} py-6`}>
      <h2
        id={`q-${runId}`}
        className="text-[1.0625rem] leading-snug font-semibold [overflow-wrap:anywhere] whitespace-pre-wrap"
      >
        {turn.question}
      </h2>
      {names.length > 0 && (
        <ul aria-label="Files of this question" className="mt-1.5 flex flex-wrap gap-1.5">
          {names.map(({ id, name }) => (
            <li
              key={id}
              className="inline-flex max-w-full items-center gap-1 rounded-md bg-sunken px-2 py-0.5 text-xs text-soft"
            >
              <Icon name="file" className="size-3.5" />
              <span className="truncate">{name}</span>
            </li>
          ))}
        </ul>
      )}
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <Timeline turn={turn} />
        </div>
        {phase === 'queued' && (
          <Button className="mt-2.5 min-h-8" onClick={() => stop(turn)}>
            Take back
          </Button>
        )}
      </div>
      {troubles.map((trouble) => (
        <p
          key={trouble}
          className="mt-3 flex gap-2 rounded-lg border border-line bg-wait-soft p-3 text-sm [overflow-wrap:anywhere]"
        >
          <Icon name="alert" className="mt-0.5 size-4 text-wait" />
          {trouble}
        </p>
      ))}
      <Answer turn={turn} />
      {turn.request !== null && (
        <RequestCard
          request={turn.request}
          satisfied={satisfied}
          waits={isLast && phase === 'ended'}
          unlocks={end?.kind === 'partial'}
        />
      )}
      {end?.kind === 'failed' && (
        <div role="alert" className="mt-3 rounded-lg border border-bad bg-bad-soft p-3 text-sm">
          <p className="[overflow-wrap:anywhere]">{end.message}</p>
          <Button className="mt-2" icon="retry" onClick={() => askAgain(turn)}>
            Ask again
          </Button>
        </div>
      )}
      {end?.kind === 'cancelled' && isLast && (
        <Button className="mt-3" icon="retry" onClick={() => askAgain(turn)}>
          Ask again
        </Button>
      )}
    </article>
  )
})
