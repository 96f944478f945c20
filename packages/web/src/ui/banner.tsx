import type { Session } from '@holdfast/protocol'
import type { ReactNode } from 'react'
import { session } from '../live/session.ts'
import { Icon } from './icon.tsx'
import { useStore } from './use-store.ts'

/** That this is no production, and that nobody is behind this user: for whoever sees the page, or a picture of it. */
export function Banner(): ReactNode {
  const who = useStore(session)
  if (who === null) return null
  const tier = who.tier === 'staging' ? 'Staging' : who.tier === 'test' ? 'Test server' : null
  const simulated = who.kind === 'simulated' ? simulatedText(who.simulated) : null
  if (tier === null && simulated === null) return null
  return (
    <header>
      <div
        role="note"
        aria-label="About this server"
        className="flex shrink-0 items-center justify-center gap-2 border-b border-line bg-wait-soft px-4 py-1 text-center text-xs font-medium text-wait"
      >
        <Icon name="alert" className="size-3.5" />
        {[tier, simulated].filter((text) => text !== null).join(' · ')}
      </div>
    </header>
  )
}

function simulatedText(told: Session['simulated']): string {
  return told === undefined ? 'Simulated user' : `Simulated user “${told.persona}” of test run ${told.run}`
}
