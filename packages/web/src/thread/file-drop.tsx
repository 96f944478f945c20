import { type ReactNode, useEffect, useState } from 'react'
import { Icon } from '../ui/icon.tsx'

const holdsFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') === true

/** Anywhere on the page, beside what takes files as well: the browser would open them there and leave the page. */
export function refuseStrayDrops(): void {
  addEventListener('dragover', (event) => {
    if (!holdsFiles(event)) return
    event.preventDefault()
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'none'
  })
  addEventListener('drop', (event) => {
    if (holdsFiles(event)) event.preventDefault()
  })
}

/**
 * While it is there, files may be dropped anywhere on the page.
 * @param onFiles null: nothing takes them now
 * @returns what says what letting go would do
 */
export function useFileDrop(onFiles: ((files: readonly File[]) => void) | null): ReactNode {
  const [over, setOver] = useState(false)
  useEffect(() => {
    if (onFiles === null) return
    const gone = new AbortController()
    const { signal } = gone
    const on = (kind: 'dragover' | 'dragleave' | 'drop', task: (event: DragEvent) => void): void =>
      addEventListener(kind, (event) => void (holdsFiles(event) && task(event)), { signal })
    on('dragover', ({ dataTransfer }) => {
      if (dataTransfer !== null) dataTransfer.dropEffect = 'copy'
      setOver(true)
    })
    on('dragleave', ({ relatedTarget }) => {
      // To nowhere: the pointer has left the window.
      if (relatedTarget === null) setOver(false)
    })
    on('drop', ({ dataTransfer }) => {
      setOver(false)
      onFiles([...(dataTransfer?.files ?? [])])
    })
    return () => gone.abort()
  }, [onFiles])
  return (
    over && (
      <div className="pointer-events-none fixed inset-3 z-10 flex items-center justify-center rounded-2xl border-2 border-dashed border-accent bg-accent-soft/90">
        <p className="flex items-center gap-2 text-lg font-medium">
          <Icon name="upload" className="size-6" />
          Let go to add the files to this conversation
        </p>
      </div>
    )
  )
}
