import { Position, RunId, ThreadId, UserId } from '@holdfast/protocol'
import type { Hint } from './bus.ts'

/**
 * Hints as text, for buses between processes: `thread:thr_…:17 user:usr_…:4 queued cancel:run_… revoked:usr_…`.
 * Ids and numbers only (B2), so that nothing of anybody's data passes here; all of it ASCII, one byte a character.
 */
export function hintText(hint: Hint): string {
  switch (hint.kind) {
    case 'thread':
      return `thread:${hint.threadId}:${hint.head}`
    case 'user':
      return `user:${hint.userId}:${hint.head}`
    case 'queued':
      return 'queued'
    case 'cancel':
      return `cancel:${hint.runId}`
    case 'revoked':
      return `revoked:${hint.userId}`
    default:
      return hint satisfies never
  }
}

/** As few payloads as hold all hints, none larger than `mostBytes`. */
export function packHints(hints: Iterable<Hint>, mostBytes: number): readonly string[] {
  const payloads: string[] = []
  let payload = ''
  for (const hint of hints) {
    const text = hintText(hint)
    if (payload === '') payload = text
    else if (payload.length + 1 + text.length <= mostBytes) payload += ` ${text}`
    else {
      payloads.push(payload)
      payload = text
    }
  }
  return payload === '' ? payloads : [...payloads, payload]
}

/** What can be understood of it. The rest is of another version, or of nobody of ours, and a hint lost (B1). */
export function unpackHints(payload: string): readonly Hint[] {
  return payload.split(' ').flatMap((text) => readHint(text) ?? [])
}

function readHint(text: string): Hint | null {
  const [kind = '', id, digits] = text.split(':')
  switch (kind as Hint['kind']) {
    case 'thread': {
      const [threadId, head] = [ThreadId.safeParse(id), readHead(digits)]
      return threadId.success && head !== null ? { kind: 'thread', threadId: threadId.data, head } : null
    }
    case 'user': {
      const [userId, head] = [UserId.safeParse(id), readHead(digits)]
      return userId.success && head !== null ? { kind: 'user', userId: userId.data, head } : null
    }
    case 'queued':
      return { kind: 'queued' }
    case 'cancel': {
      const runId = RunId.safeParse(id)
      return runId.success ? { kind: 'cancel', runId: runId.data } : null
    }
    case 'revoked': {
      const userId = UserId.safeParse(id)
      return userId.success ? { kind: 'revoked', userId: userId.data } : null
    }
    default:
      return null
  }
}

function readHead(digits = ''): Position | null {
  const head = /^\d{1,16}$/.test(digits) ? Position.safeParse(Number(digits)) : null
  return head?.success === true ? head.data : null
}
