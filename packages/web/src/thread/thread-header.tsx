import type { ReactNode } from 'react'
import { threadList } from '../live/thread-list.ts'
import type { ThreadSession } from '../live/thread-session.ts'
import { count } from '../model/format.ts'
import { Button } from '../ui/button.tsx'
import { useStore } from '../ui/use-store.ts'

export function ThreadHeader({
  session,
  onFiles,
}: {
  readonly session: ThreadSession
  readonly onFiles: () => void
}): ReactNode {
  const listed = useStore(threadList, ({ items }) => items.find(({ id }) => id === session.threadId)?.title)
  const own = useStore(session.state, ({ thread }) => thread?.title)
  const files = useStore(session.state, (now) => now.files.length)
  const title = listed ?? own ?? ''
  return (
    <header className="flex h-12 shrink-0 items-center gap-3 border-b border-line px-3 sm:px-6">
      <h1 className="min-w-0 flex-1 truncate text-sm font-medium">
        {title === '' ? 'New conversation' : title}
      </h1>
      <Button look="quiet" icon="file" onClick={onFiles}>
        {files === 0 ? 'Files' : count(files, 'file')}
      </Button>
    </header>
  )
}
