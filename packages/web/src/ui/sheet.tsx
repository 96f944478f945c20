import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { IconButton } from './button.tsx'

interface SheetProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** `side`: along the right edge; `left`: along the left one; `middle`: a dialog. */
  readonly place?: 'side' | 'left' | 'middle'
}

const places = {
  side: 'ml-auto mr-0 my-0 h-dvh w-[min(40rem,100vw)] border-l',
  left: 'ml-0 mr-auto my-0 h-dvh w-[min(19rem,88vw)] border-r',
  middle: 'w-[min(30rem,calc(100vw-2rem))] max-h-[85dvh] rounded-xl border',
} as const

/**
 * The browser's own modal dialog: it keeps the focus inside, closes on Escape, and gives the focus back to where it was.
 */
export function Sheet({ title, onClose, children, place = 'side' }: SheetProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  // Closed while it is still in the page: only then does the browser give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    if (element === null || element.open) return
    element.showModal()
    return () => element.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog closes it; Escape is the key for that
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose()
      }}
      className={`border-line bg-surface shadow-raised ${places[place]}`}
    >
      <div className="flex h-full max-h-[inherit] flex-col">
        <div className="flex items-center gap-2 border-b border-line py-2 pr-2 pl-4">
          <h2 id={titleId} className="min-w-0 flex-1 truncate text-base font-semibold">
            {title}
          </h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </div>
        <div className="min-h-0 flex-1 overflow-y-auto p-4">{children}</div>
      </div>
    </dialog>
  )
}
