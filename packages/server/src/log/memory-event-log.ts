import type { EpochId, MakeId, Position, RunId, StoredEvent, ThreadId } from '@holdfast/protocol'
import { HoldfastError, position, systemIdMaker } from '@holdfast/protocol'
import { createCommitListeners } from './commit-listeners.ts'
import type { EventLog } from './event-log.ts'
import { LeaseLostError, ThreadMissingError } from './event-log.ts'
import { eventBytes } from './event-size.ts'
import type { PreparedCommand } from './prepare-command.ts'
import { prepareCommand } from './prepare-command.ts'

/** A log for tests, with what the SQL log finds in the tables beside it. */
export interface MemoryEventLog extends EventLog {
  createThread(): ThreadId
  /** From here on the run is running under this lease; null: nobody holds it. */
  setLease(runId: RunId, leaseEpoch: number | null): void
}

/** Behaves as the SQL log does (event-log.contract.ts) and forgets everything when it goes. */
export function createMemoryEventLog(makeId: MakeId = systemIdMaker()): MemoryEventLog {
  const epoch: EpochId = makeId('epoch')
  const threads = new Map<ThreadId, StoredEvent[]>()
  const leases = new Map<RunId, number>()
  const firstWrites = new Map<string, readonly StoredEvent[]>()
  const listeners = createCommitListeners()
  let closed = false

  function store({ command, events: made }: PreparedCommand): readonly StoredEvent[] {
    const { threadId, runId, agent, producerKey, fence } = command
    const events = threads.get(threadId)
    if (events === undefined) throw new ThreadMissingError(threadId)
    if (fence !== null && leases.get(runId) !== fence.leaseEpoch) throw new LeaseLostError(fence)
    const key = `${runId} ${producerKey}`
    const first = firstWrites.get(key)
    if (first !== undefined) return first
    const at = new Date().toISOString()
    const stored = made.map(({ id, type, dataText }, index) => {
      const seq = position(events.length + index + 1)
      // The text, not the caller's object: what is stored does not change when the caller's does.
      return { id, seq, threadId, runId, agent, at, type, data: JSON.parse(dataText) } as StoredEvent
    })
    events.push(...stored)
    firstWrites.set(key, stored)
    listeners.tell(stored)
    return stored
  }

  return {
    epoch,
    append: async (command) => {
      const prepared = prepareCommand(command, makeId)
      // As far from the caller as a real commit is: nothing may rely on an append that is done when it returns.
      await Promise.resolve()
      if (closed) throw new HoldfastError('not_ready', 'The log is closed; the server is stopping')
      return store(prepared)
    },
    read: async (threadId, after, limit) => {
      const page: StoredEvent[] = []
      let bytes = 0
      for (const event of (threads.get(threadId) ?? []).slice(after, after + Math.max(limit.events, 1))) {
        bytes += eventBytes(event.agent, event.type, JSON.stringify(event.data))
        if (page.length > 0 && bytes > limit.bytes) break
        page.push(event)
      }
      return page
    },
    readRun: async (runId) => [...threads.values()].flat().filter((event) => event.runId === runId),
    heads: async (threadIds) =>
      new Map(
        threadIds.flatMap((threadId): [ThreadId, Position][] => {
          const events = threads.get(threadId)
          return events === undefined ? [] : [[threadId, position(events.length)]]
        }),
      ),
    onCommit: listeners.add,
    createThread: () => {
      const threadId = makeId('thread')
      threads.set(threadId, [])
      return threadId
    },
    setLease: (runId, leaseEpoch) => {
      if (leaseEpoch === null) leases.delete(runId)
      else leases.set(runId, leaseEpoch)
    },
    [Symbol.asyncDispose]: async () => {
      closed = true
    },
  }
}
