import { HoldfastHttpError } from '@holdfast/client'
import { createStore } from '../model/store.ts'
import { sentenceOf } from './api.ts'
import { goToSignIn } from './connection.ts'

export interface Notice {
  readonly id: number
  readonly kind: 'info' | 'error'
  readonly text: string
  /** One thing that can be done about it. */
  readonly action: { readonly label: string; readonly run: () => void } | null
}

/** What is shown at the edge of the page until it is dismissed or its time is over. */
export const notices = createStore<readonly Notice[]>([])
/** What a screen reader is told, newest last: each is added, so that none takes the place of one just before it. */
export const announcements = createStore<readonly { readonly id: number; readonly text: string }[]>([])
const mostAnnouncements = 8

let last = 0

export function announce(text: string): void {
  last += 1
  const id = last
  announcements.update((all) => [...all.slice(1 - mostAnnouncements), { id, text }])
}

/** @returns dismisses it */
export function notify(text: string, more: Partial<Pick<Notice, 'kind' | 'action'>> = {}): () => void {
  last += 1
  const id = last
  notices.update((all) => [...all.slice(-2), { id, kind: 'info', action: null, text, ...more }])
  return () => notices.update((all) => all.filter((notice) => notice.id !== id))
}

export const dismiss = (id: number): void => notices.update((all) => all.filter((notice) => notice.id !== id))

/** What an error of something the reader asked for leads to: signing in, or a sentence. */
export function report(error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return
  if (error instanceof HoldfastHttpError && error.status === 401) goToSignIn()
  else notify(sentenceOf(error), { kind: 'error' })
}

/** For handlers of events: an error of theirs is shown, not lost. */
export function act(task: () => Promise<void>): void {
  task().catch(report)
}
