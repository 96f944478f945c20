import { HoldfastHttpError } from '@holdfast/client'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { sentenceOf } from './live/api.ts'
import { client, goToSignIn } from './live/connection.ts'
import { report } from './live/notices.ts'
import { session } from './live/session.ts'
import { followThreads } from './live/thread-list.ts'
import { whenReachable } from './live/when-reachable.ts'
import { refuseStrayDrops } from './thread/file-drop.tsx'
import './style.css'

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no place for itself')

/** While there is no page yet to show it on. */
function say(place: HTMLElement, sentence: string): void {
  const text = document.createElement('p')
  text.role = 'status'
  text.className = 'p-6'
  text.textContent = sentence
  place.replaceChildren(text)
}

async function begin(place: HTMLElement): Promise<void> {
  // Nothing is drawn for somebody who is not signed in.
  session.set(
    await whenReachable(() => client.session(), {
      onWait: (error) => say(place, `${sentenceOf(error)} This page tries by itself.`),
    }),
  )
  refuseStrayDrops()
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
  followThreads().catch(report)
}

begin(root).catch((error: unknown) => {
  if (error instanceof HoldfastHttpError && error.status === 401) return goToSignIn()
  say(root, `${sentenceOf(error)} Reload the page to try again.`)
})
