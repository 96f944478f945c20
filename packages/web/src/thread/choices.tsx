import type { ReactNode } from 'react'
import type { DataRequest } from '../model/turn.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { useThread } from './thread-context.ts'

/** One question, its choices as buttons; where it is whether a call may be made, the whole call. */
export function Choices({
  titleId,
  question,
  approval,
  waits,
}: {
  readonly titleId: string
  readonly question: NonNullable<DataRequest['question']>
  readonly approval: DataRequest['approval']
  readonly waits: boolean
}): ReactNode {
  const { ask } = useThread()
  return (
    <div className="p-4">
      <h3 id={titleId} className="flex gap-2 font-semibold">
        <Icon name="question" className="mt-0.5 size-5 text-wait" />
        {question.text}
      </h3>
      {approval !== undefined && <Call call={approval} />}
      <div className="mt-3 flex flex-col gap-2 sm:flex-row sm:flex-wrap">
        {question.choices.map(({ value, label }) => (
          <Button
            key={value}
            disabled={!waits}
            onClick={() => ask(label)}
            className="text-left sm:text-center"
          >
            {label}
          </Button>
        ))}
      </div>
      {waits && <p className="mt-2 text-sm text-soft">Or answer in your own words below.</p>}
    </div>
  )
}

/** Not cut anywhere, as the message about it may be: what is let through is all of this. */
function Call({ call }: { readonly call: NonNullable<DataRequest['approval']> }): ReactNode {
  return (
    <figure className="mt-3">
      <figcaption className="text-sm text-soft">
        What would be run: <code className="font-mono text-[13px] text-text">{call.tool}</code>
      </figcaption>
      <pre className="mt-1.5 rounded-lg bg-sunken p-3 font-mono text-[13px] whitespace-pre-wrap [overflow-wrap:anywhere]">
        {JSON.stringify(call.input, null, 2)}
      </pre>
    </figure>
  )
}
