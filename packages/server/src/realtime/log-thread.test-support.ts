import {
  HoldfastError,
  type MakeId,
  type Position,
  position,
  systemIdMaker,
  type ThreadId,
} from '@holdfast/protocol'
import type { EventLog } from '../log/event-log.ts'
import { createMemoryEventLog } from '../log/memory-event-log.ts'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import { createSources, type Sources } from './sources.ts'

export interface LogThread extends AsyncDisposable {
  readonly log: EventLog
  readonly threads: Pick<Threads, 'get'>
  readonly sources: Sources
  readonly id: ThreadId
  readonly owner: Principal
  readonly stranger: Principal
  readonly makeId: MakeId
  append(events: number, text?: string): Promise<void>
  head(): Promise<Position>
}

/** The memory log with one thread in it, and who owns that. */
export async function openLogThread(): Promise<LogThread> {
  const makeId = systemIdMaker()
  const log = createMemoryEventLog(makeId)
  const id = log.createThread()
  const owner: Principal = { kind: 'local', userId: makeId('user') }
  const runId = makeId('run')
  const head = async (): Promise<Position> => (await log.heads([id])).get(id) ?? position(0)
  let appended = 0
  return {
    log,
    id,
    owner,
    sources: createSources(log, {
      read: async () => [],
      heads: async () => new Map(),
      onCommit: () => () => {},
    }),
    stranger: { kind: 'user', userId: makeId('user') },
    makeId,
    head,
    threads: {
      async get({ userId }, threadId) {
        if (threadId !== id || userId !== owner.userId) throw new HoldfastError('not_found', 'No such thread')
        return { id, title: '', createdAt: '2026-11-23T10:00:00.000Z', head: await head() }
      },
    },
    async append(count, text = 'x') {
      if (count === 0) return
      appended += 1
      const events = Array.from({ length: count }, (_, step) => ({
        type: 'agent_thinking' as const,
        data: { step: step + 1, text },
      }))
      await log.append({
        threadId: id,
        runId,
        agent: 'test',
        events,
        producerKey: String(appended),
        fence: null,
      })
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}
