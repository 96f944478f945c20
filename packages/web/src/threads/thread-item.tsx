import type { ThreadActivity, ThreadSummary } from '@holdfast/protocol'
import * as Menu from '@radix-ui/react-dropdown-menu'
import { type MouseEvent, type ReactNode, useState } from 'react'
import { client } from '../live/connection.ts'
import { act } from '../live/notices.ts'
import { removeThread } from '../live/remove-thread.ts'
import { change } from '../live/thread-list.ts'
import { navigate, pathOf } from '../routing.ts'
import { Button } from '../ui/button.tsx'
import { Icon, type IconName } from '../ui/icon.tsx'
import { Sheet } from '../ui/sheet.tsx'

const states: Readonly<
  Record<ThreadActivity, readonly [text: string, icon: IconName | null, colour: string]>
> = {
  idle: ['Nothing asked yet', null, ''],
  queued: ['Waiting', 'clock', 'text-soft'],
  running: ['Running', 'spinner', 'text-accent'],
  answered: ['Answered', 'check', 'text-good'],
  partial: ['Partly answered', 'check', 'text-wait'],
  needs_data: ['Needs data', 'question', 'text-wait'],
  failed: ['Failed', 'alert', 'text-bad'],
  cancelled: ['Stopped', 'stop', 'text-soft'],
}

export function ThreadItem({
  thread,
  current,
  onOpened,
}: {
  readonly thread: ThreadSummary
  readonly current: boolean
  readonly onOpened: () => void
}): ReactNode {
  const [place, setPlace] = useState<HTMLLIElement | null>(null)
  const [renames, setRenames] = useState(false)
  const [text, icon, colour] = states[thread.activity]
  const title = thread.title === '' ? 'Untitled' : thread.title
  const route = { kind: 'thread', threadId: thread.id } as const
  const open = (event: MouseEvent): void => {
    // With a modifier the browser opens a tab or a window, as with any link.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    navigate(route)
    onOpened()
  }
  return (
    <li
      ref={setPlace}
      className={`group relative flex items-center rounded-lg ${current ? 'bg-accent-soft' : 'hover:bg-sunken focus-within:bg-sunken'}`}
    >
      <a
        href={pathOf(route)}
        aria-current={current ? 'page' : undefined}
        onClick={open}
        className="flex min-h-9 min-w-0 flex-1 items-center gap-2 rounded-lg px-2.5 py-1.5 text-sm"
      >
        <span className={`flex size-4 shrink-0 items-center ${colour}`}>
          {icon === null ? null : <Icon name={icon} className="size-4" />}
        </span>
        <span className="min-w-0 flex-1 truncate">{title}</span>
        <span className="sr-only">{text}</span>
      </a>
      <Menu.Root modal={false}>
        <Menu.Trigger
          aria-label={`More for ${title}`}
          className="absolute right-1 inline-flex size-7 bg-sunken items-center justify-center rounded-md text-soft opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 hover:bg-line data-[state=open]:opacity-100 pointer-coarse:static pointer-coarse:bg-transparent pointer-coarse:opacity-100"
        >
          <Icon name="more" className="size-[18px]" />
        </Menu.Trigger>
        {/* Beyond the list, which would cut it off; within the landmark it belongs to. */}
        <Menu.Portal container={place?.closest<HTMLElement>('aside, [role=dialog]') ?? null}>
          <Menu.Content
            align="end"
            className="z-30 min-w-36 rounded-lg border border-line bg-surface p-1 text-sm shadow-raised"
          >
            <MenuItem icon="pencil" text="Rename" onSelect={() => setRenames(true)} />
            <MenuItem icon="trash" text="Delete" onSelect={() => removeThread(thread, current)} />
          </Menu.Content>
        </Menu.Portal>
      </Menu.Root>
      {renames && <Rename thread={thread} onClose={() => setRenames(false)} />}
    </li>
  )
}

function MenuItem(props: {
  readonly icon: IconName
  readonly text: string
  readonly onSelect: () => void
}): ReactNode {
  return (
    <Menu.Item
      onSelect={props.onSelect}
      className="flex min-h-8 items-center gap-2 rounded-md px-2 outline-none data-[highlighted]:bg-sunken"
    >
      <Icon name={props.icon} className="size-4 text-soft" />
      {props.text}
    </Menu.Item>
  )
}

function Rename({
  thread,
  onClose,
}: {
  readonly thread: ThreadSummary
  readonly onClose: () => void
}): ReactNode {
  const [title, setTitle] = useState(thread.title)
  return (
    <Sheet title="Rename the conversation" place="middle" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          act(async () => {
            const { title: stored } = await client.renameThread(thread.id, title.trim())
            change(thread.id, { title: stored })
            onClose()
          })
        }}
        className="flex flex-col gap-4"
      >
        <label className="flex flex-col gap-1 text-sm">
          Title
          <input
            value={title}
            maxLength={200}
            required
            onChange={({ target }) => setTitle(target.value)}
            className="rounded-lg border border-edge bg-page px-3 py-2"
          />
        </label>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={title.trim() === ''}>
            Rename
          </Button>
        </div>
      </form>
    </Sheet>
  )
}
