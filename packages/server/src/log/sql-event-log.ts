import type { RunId, StoredEvent } from '@holdfast/protocol'
import { systemIdMaker } from '@holdfast/protocol'
import type { Kysely } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { Store, Tx } from '../store/store.ts'
import { createCommitListeners } from './commit-listeners.ts'
import type { EventLog, Fence } from './event-log.ts'
import { LeaseLostError, ThreadMissingError } from './event-log.ts'
import { openGroupCommit } from './group-commit.ts'
import { createLifecycleLog, type Noted } from './lifecycle-log.ts'
import type { PreparedCommand } from './prepare-command.ts'
import { prepareCommand } from './prepare-command.ts'
import { readEvents, readHeads, readRepeated, readRunEvents } from './read-statements.ts'
import { IdempotencyKeyTakenError, type RunCommand } from './run-change.ts'
import { type AppendOutcome, storeGroup } from './store-group.ts'

/** The log in a store's tables, beside the rows it must agree with. */
export interface SqlEventLog extends EventLog {
  /**
   * As the port has it, with the change of the run's row that the events tell (L3). Many at a time share one commit.
   * @throws {IdempotencyKeyTakenError} a submit under a key that is taken; nothing was written
   */
  append(command: RunCommand): Promise<readonly StoredEvent[]>
  /** All events of several runs, oldest first, in one query. */
  readRuns(runIds: readonly RunId[]): Promise<ReadonlyMap<RunId, readonly StoredEvent[]>>
  /**
   * For what has to look before it appends: both in one transaction, listeners told after its commit (L1). Inside
   * `work` only `tx` and its `append` may be used: an embedded store has one connection, and whoever asks it for
   * another waits for himself.
   *
   * Locks go thread, run, user everywhere: a change of a run's lease or status takes its thread's row first, by a
   * lock or by the append itself. Two transactions that store the same key at the same moment: one of them fails
   * with a unique violation, and may be tried again.
   */
  transact<T>(
    work: (tx: Tx, append: (command: RunCommand) => Promise<readonly StoredEvent[]>) => Promise<T>,
  ): Promise<T>
}

/**
 * Dispose of it before its store: it waits for what is being appended.
 * @param lifecycle whose listeners hear of notes; nobody's where it is left out
 */
export function createEventLog(
  { db, epoch }: Pick<Store, 'db' | 'epoch'>,
  lifecycle = createLifecycleLog({ db }),
): SqlEventLog {
  const makeId = systemIdMaker()
  const listeners = createCommitListeners()
  const tell = (outcomes: readonly AppendOutcome[], noted: readonly Noted[]): void => {
    for (const outcome of outcomes) if (outcome.kind === 'stored') listeners.tell(outcome.events)
    lifecycle.tell(noted)
  }
  const store = async (
    commands: readonly PreparedCommand[],
    locks: 'pass' | 'wait',
  ): Promise<readonly AppendOutcome[]> => {
    const { outcomes, noted } = await storeGroup(db, commands, locks)
    tell(outcomes, noted)
    return outcomes
  }
  const group = openGroupCommit((commands) => store(commands, 'pass'))
  const alone = new Set<Promise<unknown>>()
  /** Beside the groups: they do not wait for whoever holds the run's row. */
  const storeAlone = (prepared: PreparedCommand): Promise<AppendOutcome> => {
    const stored = store([prepared], 'wait').then(only)
    const over = (): void => void alone.delete(stored)
    alone.add(stored)
    stored.then(over, over)
    return stored
  }

  return {
    epoch,
    append: async (command) => {
      const prepared = prepareCommand(command, makeId)
      const outcome = await group.add(prepared)
      return eventsOf(db, prepared, outcome.kind === 'lease_busy' ? await storeAlone(prepared) : outcome)
    },
    transact: async (work) => {
      const appended: AppendOutcome[] = []
      const heads: Noted[] = []
      const result = await db.transaction().execute((tx) =>
        work(tx, async (command) => {
          const prepared = prepareCommand(command, makeId)
          const { outcomes, noted } = await storeGroup(tx, [prepared], 'wait')
          appended.push(...outcomes)
          heads.push(...noted)
          return eventsOf(tx, prepared, only(outcomes))
        }),
      )
      tell(appended, heads)
      return result
    },
    read: (threadId, after, limit) => readEvents(db, threadId, after, limit),
    readRun: async (runId) => (await readRunEvents(db, [runId])).get(runId) ?? [],
    readRuns: (runIds) => readRunEvents(db, runIds),
    heads: (threadIds) => readHeads(db, threadIds),
    onCommit: listeners.add,
    async [Symbol.asyncDispose]() {
      await group[Symbol.asyncDispose]()
      // What a group passed over is among them by now: it came back before the group's end.
      await Promise.allSettled(alone)
    },
  }
}

function only([outcome]: readonly AppendOutcome[]): AppendOutcome {
  if (outcome === undefined) throw new Error('The store answers every command')
  return outcome
}

async function eventsOf(
  db: Kysely<Schema>,
  { command }: PreparedCommand,
  outcome: AppendOutcome,
): Promise<readonly StoredEvent[]> {
  switch (outcome.kind) {
    case 'stored':
      return outcome.events
    case 'repeated':
      return readRepeated(db, command.runId, command.producerKey)
    case 'thread_missing':
      throw new ThreadMissingError(command.threadId)
    case 'key_taken':
      throw new IdempotencyKeyTakenError(`The owner of ${command.runId} has a run under its idempotency key`)
    case 'lease_busy':
      throw new Error('A command that waits for its run is never passed over')
    case 'lease_lost':
      throw new LeaseLostError(fenceOf(command))
  }
}

/** The lease a command was refused for: its own, or, of a claim, the one before. */
function fenceOf({ runId, fence, change }: RunCommand): Fence {
  if (change?.kind === 'claim') return { runId, leaseEpoch: change.leaseEpoch }
  if (fence === null) throw new Error('Only a command with a lease can lose one')
  return fence
}
