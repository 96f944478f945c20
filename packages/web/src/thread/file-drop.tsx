import { type DragEvent, type ReactNode, useState } from 'react'
import { Icon } from '../ui/icon.tsx'

interface FileDrop {
  readonly handlers: {
    readonly onDragEnter: (event: DragEvent) => void
    readonly onDragOver: (event: DragEvent) => void
    readonly onDragLeave: (event: DragEvent) => void
    readonly onDrop: (event: DragEvent) => void
  }
  /** Says what letting go would do. */
  readonly curtain: ReactNode
}

/** Files may be dropped anywhere on the page. */
export function useFileDrop(onFiles: (files: readonly File[]) => void): FileDrop {
  const [over, setOver] = useState(false)
  const holdsFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files')
  return {
    handlers: {
      onDragEnter(event) {
        if (holdsFiles(event)) setOver(true)
      },
      onDragOver(event) {
        if (holdsFiles(event)) event.preventDefault()
      },
      onDragLeave(event) {
        if (event.relatedTarget === null || !event.currentTarget.contains(event.relatedTarget as Node))
          setOver(false)
      },
      onDrop(event) {
        if (!holdsFiles(event)) return
        event.preventDefault()
        setOver(false)
        onFiles([...event.dataTransfer.files])
      },
    },
    curtain: over && (
      <div className="pointer-events-none fixed inset-3 z-10 flex items-center justify-center rounded-2xl border-2 border-dashed border-accent bg-accent-soft/90">
        <p className="flex items-center gap-2 text-lg font-medium">
          <Icon name="upload" className="size-6" />
          Let go to add the files to this conversation
        </p>
      </div>
    ),
  }
}
