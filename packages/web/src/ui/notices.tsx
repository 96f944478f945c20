import { type ReactNode, useEffect } from 'react'
import { announcements, dismiss, type Notice, notices } from '../live/notices.ts'
import { Button, IconButton } from './button.tsx'
import { Icon } from './icon.tsx'
import { useStore } from './use-store.ts'

/** How long a notice stays that asks for nothing. An error stays until it is dismissed. */
const stayMs = 8_000

/** What just happened, at the edge of the page, and for those who hear the page. */
export function Notices(): ReactNode {
  const all = useStore(notices)
  const said = useStore(announcements)
  return (
    <>
      <div className="sr-only" role="log" aria-label="What happened">
        {said.map(({ id, text }) => (
          <p key={id}>{text}</p>
        ))}
      </div>
      <section
        aria-label="Notices"
        className="pointer-events-none fixed inset-x-0 bottom-4 z-20 flex flex-col items-center gap-2 px-4"
      >
        {all.map((notice) => (
          <NoticeRow key={notice.id} notice={notice} />
        ))}
      </section>
    </>
  )
}

function NoticeRow({ notice }: { readonly notice: Notice }): ReactNode {
  const { id, kind, text, action } = notice
  useEffect(() => {
    if (kind === 'error') return
    const timer = setTimeout(() => dismiss(id), stayMs)
    return () => clearTimeout(timer)
  }, [id, kind])
  return (
    <div
      role={kind === 'error' ? 'alert' : 'status'}
      className="appear pointer-events-auto flex max-w-xl items-center gap-3 rounded-xl border border-line bg-surface py-2 pr-2 pl-4 text-sm shadow-raised"
    >
      {kind === 'error' && <Icon name="alert" className="size-4 text-bad" />}
      <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">{text}</span>
      {action !== null && (
        <Button
          look="quiet"
          className="font-medium text-accent"
          onClick={() => {
            dismiss(id)
            action.run()
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton icon="close" label="Dismiss" onClick={() => dismiss(id)} />
    </div>
  )
}
