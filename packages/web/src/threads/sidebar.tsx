import { type ReactNode, useEffect, useState } from 'react'
import { act } from '../live/notices.ts'
import { session } from '../live/session.ts'
import { leaving, loadMoreThreads, searchThreads, threadList } from '../live/thread-list.ts'
import { navigate, pathOf, route } from '../routing.ts'
import { Button } from '../ui/button.tsx'
import { Icon, type IconName } from '../ui/icon.tsx'
import { useStore } from '../ui/use-store.ts'
import { ConnectionIndicator } from './connection-indicator.tsx'
import { ThreadItem } from './thread-item.tsx'

/** Milliseconds without a key until what is written is looked for. */
const searchAfterMs = 200

/** The threads, and the way to everything else. */
export function Sidebar({ onOpened = () => {} }: { readonly onOpened?: () => void }): ReactNode {
  const { items, next, phase, search } = useStore(threadList)
  const hidden = useStore(leaving)
  const here = useStore(route)
  const who = useStore(session)
  const [wanted, setWanted] = useState(search)
  useEffect(() => {
    if (wanted.trim() === threadList.get().search) return
    const timer = setTimeout(() => act(() => searchThreads(wanted)), searchAfterMs)
    return () => clearTimeout(timer)
  }, [wanted])
  const shown = items.filter(({ id }) => !hidden.has(id))
  const go = (to: 'home' | 'settings' | 'operations') => () => {
    navigate({ kind: to })
    onOpened()
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 p-3">
        <Button look="primary" icon="plus" className="w-full" onClick={go('home')}>
          New question
        </Button>
        <label className="relative block">
          <span className="sr-only">Search conversations</span>
          <Icon name="search" className="pointer-events-none absolute top-2.5 left-2.5 size-4 text-soft" />
          <input
            type="search"
            value={wanted}
            maxLength={200}
            placeholder="Search"
            onChange={({ target }) => setWanted(target.value)}
            className="w-full rounded-lg border border-edge/60 bg-surface py-1.5 pr-2 pl-8 text-sm placeholder:text-soft"
          />
        </label>
      </div>
      <nav aria-label="Conversations" className="min-h-0 flex-1 overflow-y-auto px-2 pb-2">
        <ul className="flex flex-col gap-0.5">
          {shown.map((thread) => (
            <ThreadItem
              key={thread.id}
              thread={thread}
              current={here.kind === 'thread' && here.threadId === thread.id}
              onOpened={onOpened}
            />
          ))}
        </ul>
        {phase === 'ready' && shown.length === 0 && (
          <p className="px-2.5 py-3 text-sm text-soft">
            {search === '' ? 'Your conversations will stand here.' : `Nothing holds “${search}”.`}
          </p>
        )}
        {next !== null && (
          <Button look="quiet" className="mt-1 w-full" onClick={() => act(loadMoreThreads)}>
            Older conversations
          </Button>
        )}
      </nav>
      <div className="flex flex-col gap-0.5 border-t border-line p-2">
        {who?.scopes.includes('admin') === true && (
          <NavLink
            to="operations"
            icon="gauge"
            text="Operations"
            current={here.kind === 'operations'}
            onGo={go('operations')}
          />
        )}
        <NavLink
          to="settings"
          icon="settings"
          text="Settings"
          current={here.kind === 'settings'}
          onGo={go('settings')}
        />
        <div className="px-2.5 pt-1.5 pb-1">
          <ConnectionIndicator />
        </div>
      </div>
    </div>
  )
}

function NavLink(props: {
  readonly to: 'settings' | 'operations'
  readonly icon: IconName
  readonly text: string
  readonly current: boolean
  readonly onGo: () => void
}): ReactNode {
  return (
    <a
      href={pathOf({ kind: props.to })}
      aria-current={props.current ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        props.onGo()
      }}
      className={`flex min-h-9 items-center gap-2 rounded-lg px-2.5 text-sm ${props.current ? 'bg-accent-soft' : 'hover:bg-sunken'}`}
    >
      <Icon name={props.icon} className="size-4 text-soft" />
      {props.text}
    </a>
  )
}
