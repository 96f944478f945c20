import type { ThreadId } from '@holdfast/protocol'
import { createContext, use } from 'react'
import type { ThreadSession } from '../live/thread-session.ts'
import type { Turn } from '../model/turn.ts'

/** What the parts of an open thread can do. */
export interface ThreadActions {
  readonly threadId: ThreadId
  readonly session: ThreadSession
  /** A run is under way or waits. */
  readonly busy: boolean
  /** Asks with the files that were added. */
  ask(text: string): void
  /** The same question with the same files. */
  askAgain(turn: Turn): void
  stop(turn: Turn): void
  addFiles(files: readonly File[]): void
}

export const ThreadContext = createContext<ThreadActions | null>(null)

export function useThread(): ThreadActions {
  const actions = use(ThreadContext)
  if (actions === null) throw new Error('This part belongs into a thread')
  return actions
}
