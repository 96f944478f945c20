import { type ReactNode, useEffect, useState } from 'react'
import { Home } from './home.tsx'
import { OperationsScreen } from './operations/operations-screen.tsx'
import { navigate, route } from './routing.ts'
import { SettingsScreen } from './settings/settings-screen.tsx'
import { Plain, ThreadScreen } from './thread/thread-screen.tsx'
import { ConnectionIndicator } from './threads/connection-indicator.tsx'
import { Sidebar } from './threads/sidebar.tsx'
import { Banner } from './ui/banner.tsx'
import { Button, IconButton } from './ui/button.tsx'
import { ErrorBoundary } from './ui/error-boundary.tsx'
import { Notices } from './ui/notices.tsx'
import { Sheet } from './ui/sheet.tsx'
import { useMedia, wideQuery } from './ui/use-media.ts'
import { useStore } from './ui/use-store.ts'

export function App(): ReactNode {
  const here = useStore(route)
  const wide = useMedia(wideQuery)
  const [drawer, setDrawer] = useState(false)
  // Where the reader goes, the focus goes: to the question of a thread, else to the beginning of what is new.
  const place = here.kind === 'thread' ? here.threadId : here.kind
  // biome-ignore lint/correctness/useExhaustiveDependencies: it happens once for each place
  useEffect(() => {
    const question = document.getElementById('question')
    if (question !== null && matchMedia('(pointer: fine)').matches) question.focus({ preventScroll: true })
    else document.getElementById('main')?.focus({ preventScroll: true })
  }, [place])
  return (
    <>
      <a
        href="#main"
        className="absolute -left-full z-40 rounded-lg bg-surface px-3 py-2 shadow-raised focus:top-2 focus:left-2"
      >
        Skip to the conversation
      </a>
      <div className="flex h-dvh flex-col">
        <Banner />
        {!wide && (
          <div className="flex shrink-0 items-center gap-2 border-b border-line bg-page py-1 pr-4 pl-1.5">
            <IconButton icon="menu" label="Conversations and settings" onClick={() => setDrawer(true)} />
            <span className="mr-auto font-semibold">Holdfast</span>
            <ConnectionIndicator />
          </div>
        )}
        <div className="flex min-h-0 flex-1">
          {wide && (
            <aside
              aria-label="Conversations and settings"
              className="w-68 shrink-0 border-r border-line bg-page"
            >
              <Sidebar />
            </aside>
          )}
          <main id="main" tabIndex={-1} className="min-w-0 flex-1 outline-none">
            <ErrorBoundary key={place} instead={<Broken />}>
              <Screen />
            </ErrorBoundary>
          </main>
        </div>
      </div>
      {drawer && !wide && (
        <Sheet title="Holdfast" place="left" onClose={() => setDrawer(false)}>
          <div className="-m-4 h-[calc(100%+2rem)]">
            <Sidebar onOpened={() => setDrawer(false)} />
          </div>
        </Sheet>
      )}
      <Notices />
    </>
  )
}

function Screen(): ReactNode {
  const here = useStore(route)
  switch (here.kind) {
    case 'home':
      return <Home />
    case 'thread':
      return <ThreadScreen threadId={here.threadId} />
    case 'settings':
      return <SettingsScreen />
    case 'operations':
      return <OperationsScreen />
    case 'unknown':
      return (
        <Plain title="There is nothing here" text="The address may have been cut off where it was copied.">
          <Button look="primary" onClick={() => navigate({ kind: 'home' })}>
            Ask something new
          </Button>
        </Plain>
      )
    default:
      return here satisfies never
  }
}

function Broken(): ReactNode {
  return (
    <Plain
      title="This part of the page does not work"
      text="The fault is the page’s own. What you asked and what was answered is safe on the server."
    >
      <Button look="primary" icon="retry" onClick={() => location.reload()}>
        Load the page again
      </Button>
    </Plain>
  )
}
