import type { FileInfo } from '@holdfast/protocol'
import { type ReactNode, useState } from 'react'
import { client } from '../live/connection.ts'
import { act, notify } from '../live/notices.ts'
import { preferences } from '../live/preferences.ts'
import type { ThreadSession } from '../live/thread-session.ts'
import { uploads } from '../live/uploads.ts'
import { formatAgo, formatBytes } from '../model/format.ts'
import { IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { useStore } from '../ui/use-store.ts'
import { FileContent } from './file-content.tsx'

/** What the thread holds, and what is in it. */
export function FilesPanel({
  session,
  onClose,
}: {
  readonly session: ThreadSession
  readonly onClose: () => void
}): ReactNode {
  const files = useStore(session.state, (now) => now.files)
  return (
    <Sheet title="Files of this conversation" onClose={onClose}>
      {files.length === 0 && (
        <p className="text-sm text-soft">
          There are none yet. Drop some on the page, or add them to your question.
        </p>
      )}
      <ul className="divide-y divide-line">
        {files.map((file) => (
          <FileRow key={file.id} file={file} session={session} startsOpen={files.length === 1} />
        ))}
      </ul>
    </Sheet>
  )
}

function FileRow({
  file,
  session,
  startsOpen,
}: {
  readonly file: FileInfo
  readonly session: ThreadSession
  readonly startsOpen: boolean
}): ReactNode {
  const [open, setOpen] = useState(startsOpen)
  const timeZone = useStore(preferences, (all) => all.timeZone)
  const { id, name, kind, bytes, createdAt } = file
  const remove = (): void =>
    act(async () => {
      await client.deleteFile(id)
      uploads.update((all) => all.filter(({ state }) => state.kind !== 'done' || state.file.id !== id))
      await session.refreshFiles()
      notify(`${name} is deleted. Answers that used it keep what they said.`)
    })
  return (
    <li className="py-2">
      <div className="flex items-center gap-2">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-h-10 min-w-0 flex-1 items-center gap-2 rounded-lg px-1.5 text-left hover:bg-sunken"
        >
          <Icon
            name="chevron"
            className={`size-3.5 text-soft transition-transform ${open ? 'rotate-90' : ''}`}
          />
          <span className="min-w-0 flex-1">
            <span className="block truncate text-sm font-medium">{name}</span>
            <span className="block text-xs text-soft">
              {kind}, {formatBytes(bytes)}, added {formatAgo(createdAt, Date.now(), timeZone)}
            </span>
          </span>
        </button>
        <IconButton icon="trash" label={`Delete ${name}`} onClick={remove} />
      </div>
      {open && <FileContent fileId={id} name={name} />}
    </li>
  )
}
