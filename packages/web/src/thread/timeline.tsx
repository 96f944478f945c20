import { memo, type ReactNode, useState } from 'react'
import { count, formatDuration } from '../model/format.ts'
import {
  currentDoing,
  endLabel,
  modelLine,
  resultOf,
  sqlOf,
  takeoverLine,
  toolLabel,
} from '../model/steps.ts'
import type { Step, ToolStep, Turn } from '../model/turn.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { Code } from '../ui/markdown.tsx'
import { useClock } from '../ui/use-clock.ts'

const endIcons: Readonly<Record<string, readonly [IconName, string]>> = {
  answered: ['check', 'text-good'],
  partial: ['check', 'text-wait'],
  needs_data: ['question', 'text-wait'],
  failed: ['alert', 'text-bad'],
  cancelled: ['stop', 'text-soft'],
}

/** What the agent does and did, quietly: one line, and behind it each step. */
export function Timeline({ turn }: { readonly turn: Turn }): ReactNode {
  const [open, setOpen] = useState(false)
  const { phase, end, steps } = turn
  const takeovers = steps.filter((step) => step.kind === 'takeover')
  const [icon, colour] =
    end === null ? (['spinner', 'text-accent'] as const) : (endIcons[end.kind] ?? ['check', ''])
  const tools = steps.filter(({ kind }) => kind === 'tool').length
  const panel = `steps-${turn.runId}`
  return (
    <div className="mt-3 text-sm text-soft">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={panel}
        onClick={() => setOpen(!open)}
        className="-ml-1.5 flex min-h-8 max-w-full items-center gap-2 rounded-md px-1.5 text-left hover:bg-sunken"
      >
        <Icon name={phase === 'queued' ? 'clock' : icon} className={`size-4 ${colour}`} />
        <span className="min-w-0 truncate">
          <span className={end === null ? 'text-text' : `font-medium ${colour}`}>
            {end === null ? currentDoing(turn) : endLabel(turn)}
          </span>
          <span className="tabular-nums">
            {end === null ? <Elapsed turn={turn} /> : endDetail(turn)}
            {tools > 0 && ` · ${count(tools, 'step')}`}
          </span>
        </span>
        <Icon name="chevron" className={`size-3.5 transition-transform ${open ? 'rotate-90' : ''}`} />
      </button>
      {takeovers.map((step) => (
        <p key={step.attempt} className="mt-1 flex gap-2 text-wait">
          <Icon name="handover" className="mt-1 size-4" />
          {takeoverLine(step)}
        </p>
      ))}
      {open && (
        <ol id={panel} className="mt-1 ml-[7px] border-l border-line pl-4">
          {steps.length === 0 && <li className="py-1">Nothing has happened yet.</li>}
          {steps.map((step, place) => (
            // Steps are only ever added at the end.
            // biome-ignore lint/suspicious/noArrayIndexKey: their place is what they are
            <StepRow key={place} step={step} />
          ))}
          {turn.model !== null && <li className="py-1 text-xs">{modelLine(turn)}</li>}
        </ol>
      )}
    </div>
  )
}

const endDetail = ({ end }: Turn): string =>
  end !== null && 'durationMs' in end ? ` in ${formatDuration(end.durationMs)}` : ''

function Elapsed({ turn }: { readonly turn: Turn }): ReactNode {
  const nowMs = useClock(turn.phase === 'ended' ? null : 1_000)
  if (turn.startedAtMs === null) return null
  return ` · ${formatDuration(Math.max(0, Math.floor((nowMs - turn.startedAtMs) / 1_000) * 1_000))}`
}

const StepRow = memo(function StepRow({ step }: { readonly step: Step }): ReactNode {
  switch (step.kind) {
    case 'thought':
      return (
        <li className="flex gap-2 py-1">
          <Icon name="thought" className="mt-0.5 size-4" />
          <span className="min-w-0 whitespace-pre-line [overflow-wrap:anywhere]">{step.text}</span>
        </li>
      )
    case 'takeover':
      return (
        <li className="flex gap-2 py-1 text-wait">
          <Icon name="handover" className="mt-0.5 size-4" />
          Taken up again, attempt {step.attempt}
        </li>
      )
    case 'received':
      return (
        <li className="flex gap-2 py-1">
          <Icon name="check" className="mt-0.5 size-4 text-good" />
          Came with a file: {step.satisfied.join(', ')}
        </li>
      )
    case 'tool':
      return <ToolRow step={step} />
    default:
      return step satisfies never
  }
})

const toolIcons = {
  running: ['spinner', 'text-accent'],
  done: ['check', 'text-good'],
  failed: ['alert', 'text-bad'],
} as const

function ToolRow({ step }: { readonly step: ToolStep }): ReactNode {
  const [open, setOpen] = useState(false)
  const [icon, colour] = toolIcons[step.state]
  const result = resultOf(step)
  const sql = sqlOf(step)
  return (
    <li className="py-1">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="-ml-1 flex w-full items-start gap-2 rounded-md px-1 text-left hover:bg-sunken"
      >
        <Icon name={icon} className={`mt-0.5 size-4 ${colour}`} />
        <span className="min-w-0 flex-1">
          <span className="text-text">{toolLabel(step)}</span> <code className="text-xs">{step.tool}</code>
          {result !== null && <span className="block [overflow-wrap:anywhere]">{result}</span>}
        </span>
        {step.durationMs !== null && (
          <span className="shrink-0 tabular-nums">{formatDuration(step.durationMs)}</span>
        )}
      </button>
      {open && (
        <div className="mt-1 ml-5 space-y-2">
          {sql.map((text) => (
            <Code key={text} text={text} />
          ))}
          <Code text={JSON.stringify({ input: step.input, output: step.output }, null, 2)} />
        </div>
      )}
    </li>
  )
}
