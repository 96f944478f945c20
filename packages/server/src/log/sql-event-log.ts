import type { StoredEvent, UserId } from '@holdfast/protocol'
import { HoldfastError, systemIdMaker } from '@holdfast/protocol'
import type { Kysely } from 'kysely'
import type { Schema } from '../store/schema.ts'
import type { Store, Tx } from '../store/store.ts'
import type { AppendOutcome } from './append-statement.ts'
import { storeGroup } from './append-statement.ts'
import { createCommitListeners } from './commit-listeners.ts'
import type { AppendCommand, EventLog } from './event-log.ts'
import { LeaseLostError } from './event-log.ts'
import { openGroupCommit } from './group-commit.ts'
import { createLifecycleLog, type LifecycleNote, type Noted } from './lifecycle-log.ts'
import type { PreparedCommand } from './prepare-command.ts'
import { prepareCommand } from './prepare-command.ts'
import { readEvents, readHeads, readRepeated, readRunEvents } from './read-statements.ts'

/** The log in a store's tables, beside the rows it must agree with. */
export interface SqlEventLog extends EventLog {
  /**
   * The caller's change of state and the events that tell it, in one transaction (L3); listeners are told after
   * its commit (L1). Inside `work` only `tx` and its `append` may be used: an embedded store has one connection, and
   * whoever asks it for another waits for himself.
   *
   * Locks go thread, run, user everywhere: a change of a run's lease or status takes its thread's row first, by a
   * lock or by the append itself, and `note` (a row for user/me) comes last. Two transactions that store the same producer key at the same moment: one of them
   * fails with a unique violation, and may be tried again.
   */
  transact<T>(
    work: (
      tx: Tx,
      append: (command: AppendCommand) => Promise<readonly StoredEvent[]>,
      note: (userId: UserId, note: LifecycleNote) => Promise<void>,
    ) => Promise<T>,
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
  const store = async (
    commands: readonly PreparedCommand[],
    locks: 'pass' | 'wait',
  ): Promise<readonly AppendOutcome[]> => {
    const outcomes = await storeGroup(db, commands, locks)
    listeners.tell(outcomes.flatMap((outcome) => (outcome.kind === 'stored' ? outcome.events.slice(-1) : [])))
    return outcomes
  }
  const group = openGroupCommit((commands) => store(commands, 'pass'))

  return {
    epoch,
    append: async (command) => {
      const prepared = prepareCommand(command, makeId)
      const outcome = await group.add(prepared)
      if (outcome.kind !== 'lease_busy') return eventsOf(db, prepared, outcome)
      // By itself, beside the groups: they do not wait for whoever holds the run's row.
      return eventsOf(db, prepared, only(await store([prepared], 'wait')))
    },
    transact: async (work) => {
      const appended: StoredEvent[] = []
      const noted: Noted[] = []
      const result = await db.transaction().execute((tx) =>
        work(
          tx,
          async (command) => {
            const prepared = prepareCommand(command, makeId)
            const outcome = only(await storeGroup(tx, [prepared], 'wait'))
            if (outcome.kind === 'stored') appended.push(...outcome.events.slice(-1))
            return eventsOf(tx, prepared, outcome)
          },
          async (userId, note) => void noted.push(await lifecycle.note(tx, userId, note)),
        ),
      )
      listeners.tell(appended)
      lifecycle.tell(noted)
      return result
    },
    read: (threadId, after, limit) => readEvents(db, threadId, after, limit),
    readRun: (runId) => readRunEvents(db, runId),
    heads: (threadIds) => readHeads(db, threadIds),
    onCommit: listeners.add,
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
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
      throw new HoldfastError('not_found', `There is no thread ${command.threadId}`)
    case 'lease_busy':
      throw new Error('A command that waits for its run is never passed over')
    case 'lease_lost':
      if (command.fence === null) throw new Error('Only a command with a lease can lose one')
      throw new LeaseLostError(command.fence)
  }
}
