import type { ConnectionStatus } from '@holdfast/client'
import type { ReactNode } from 'react'
import { catchingUp } from '../live/catching-up.ts'
import { connection } from '../live/connection.ts'
import { count } from '../model/format.ts'
import { Icon } from '../ui/icon.tsx'
import { useClock } from '../ui/use-clock.ts'
import { useStore } from '../ui/use-store.ts'

interface Shown {
  readonly text: string
  readonly dot: string
}

function shownOf(status: ConnectionStatus, leftMs: number, behind: number): Shown {
  switch (status.kind) {
    case 'ready':
      return behind > 0
        ? { text: `Catching up, ${count(behind, 'event')}`, dot: 'bg-wait' }
        : { text: 'Live', dot: 'bg-good' }
    case 'fallback':
      return { text: 'Live, without WebSocket', dot: 'bg-good' }
    case 'idle':
    case 'connecting':
      return { text: 'Connecting…', dot: 'bg-wait' }
    case 'waiting':
      return leftMs > 0
        ? { text: `Reconnecting in ${Math.ceil(leftMs / 1_000)} s`, dot: 'bg-wait' }
        : { text: 'Reconnecting…', dot: 'bg-wait' }
    case 'offline':
      return { text: 'Offline', dot: 'bg-bad' }
    case 'stopped':
      return { text: `Disconnected (${status.closeCode})`, dot: 'bg-bad' }
    default:
      return status satisfies never
  }
}

/** Where the connection stands, small and never in the way. */
export function ConnectionIndicator(): ReactNode {
  const { status, sinceMs } = useStore(connection)
  const behind = useStore(catchingUp)
  const nowMs = useClock(status.kind === 'waiting' ? 500 : null)
  const leftMs = status.kind === 'waiting' ? sinceMs + status.retryInMs - nowMs : 0
  const { text, dot } = shownOf(status, leftMs, behind)
  return (
    <span data-testid="connection" className="inline-flex items-center gap-2 text-xs text-soft">
      <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
      <span className="tabular-nums">{text}</span>
      {status.kind === 'stopped' && (
        <button
          type="button"
          onClick={() => location.reload()}
          className="inline-flex items-center gap-1 text-accent underline"
        >
          <Icon name="retry" className="size-3" />
          Reload
        </button>
      )}
    </span>
  )
}
