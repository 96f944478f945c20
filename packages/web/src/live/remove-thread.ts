import type { Thread, ThreadId } from '@holdfast/protocol'
import { navigate } from '../routing.ts'
import { request } from './api.ts'
import { notify, report } from './notices.ts'
import { leaving } from './thread-list.ts'

/** How long a deletion can be taken back. The server's own is at once and for good. */
const undoMs = 8_000

const due = new Map<ThreadId, { readonly timer: ReturnType<typeof setTimeout> }>()

const unhide = (threadId: ThreadId): void =>
  leaving.update((all) => new Set([...all].filter((id) => id !== threadId)))

async function carryOut(threadId: ThreadId, keepalive: boolean): Promise<void> {
  due.delete(threadId)
  try {
    await request(`/v1/threads/${threadId}`, { method: 'DELETE', keepalive })
  } catch (error) {
    unhide(threadId)
    report(error)
  }
}

/** Out of sight at once, gone after some seconds, unless it is taken back. */
export function removeThread({ id, title }: Pick<Thread, 'id' | 'title'>, isOpen: boolean): void {
  leaving.update((all) => new Set([...all, id]))
  if (isOpen) navigate({ kind: 'home' })
  const dismiss = notify(`“${title === '' ? 'Untitled' : title}” is deleted.`, {
    action: {
      label: 'Undo',
      run() {
        clearTimeout(due.get(id)?.timer)
        due.delete(id)
        unhide(id)
        if (isOpen) navigate({ kind: 'thread', threadId: id })
      },
    },
  })
  const timer = setTimeout(() => {
    dismiss()
    void carryOut(id, false)
  }, undoMs)
  due.set(id, { timer })
}

// Whoever closes the page has not taken it back.
addEventListener('pagehide', () => {
  for (const [threadId, { timer }] of due) {
    clearTimeout(timer)
    void carryOut(threadId, true)
  }
})
