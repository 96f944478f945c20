import type { StoredEvent, UserId } from '@holdfast/protocol'
import { position } from '@holdfast/protocol'
import { CompiledQuery, type Kysely } from 'kysely'
import type { Schema } from '../store/schema.ts'
import { appendStatements } from './append-statement.ts'
import { type Noted, noteColumns } from './lifecycle-log.ts'
import type { PreparedCommand } from './prepare-command.ts'
import { eventKey } from './prepare-command.ts'
import type { RunChange } from './run-change.ts'

/** What became of one command of a group. */
export type AppendOutcome =
  | { readonly kind: 'stored'; readonly events: readonly StoredEvent[] }
  | { readonly kind: 'lease_lost' }
  /** Passed over: store it alone, and wait. */
  | { readonly kind: 'lease_busy' }
  | { readonly kind: 'thread_missing' }
  /** A first write under the same producer key is in the log (L5). */
  | { readonly kind: 'repeated' }
  /** The owner's run under the same idempotency key is there already. */
  | { readonly kind: 'key_taken' }

export interface GroupOutcome {
  /** In the order of the commands. */
  readonly outcomes: readonly AppendOutcome[]
  /** New heads of the users who were told something. */
  readonly noted: readonly Noted[]
}

interface OutcomeRow {
  readonly thread_found: boolean
  readonly lease_holds: boolean
  readonly lease_busy: boolean
  readonly key_taken: boolean
  readonly after: number | null
  readonly at: Date | null
  /** In the first row only. */
  readonly user_heads: Readonly<Record<UserId, number>> | null
}

/**
 * Stores a group of commands. No two of them may have the same run and producer key, or the same idempotency key. A
 * unique violation of events_producer or runs_idempotency means that another writer stored one of the keys at the
 * same time: nothing was stored, and the next attempt sees it.
 */
export async function storeGroup(
  db: Kysely<Schema>,
  group: readonly PreparedCommand[],
  locks: keyof typeof appendStatements,
): Promise<GroupOutcome> {
  const { rows } = await db.executeQuery<OutcomeRow>(
    CompiledQuery.raw(appendStatements[locks], [...appendParameters(group)]),
  )
  return {
    outcomes: group.map((prepared, n) => outcomeOf(prepared, rows[n])),
    noted: Object.entries(rows[0]?.user_heads ?? {}).map(([userId, head]) => ({
      userId: userId as UserId,
      seq: position(head),
    })),
  }
}

/** What the statement takes: the commands, their events, and their notes. */
export function appendParameters(group: readonly PreparedCommand[]): readonly [string, string, string] {
  const commands = group.map(({ command }, n) => ({
    n,
    thread_id: command.threadId,
    run_id: command.runId,
    agent: command.agent,
    first_key: eventKey(command.producerKey, 0),
    lease_epoch: command.fence?.leaseEpoch ?? null,
    size: command.events.length,
    ...changeColumns(command.change),
  }))
  const rows = group.flatMap(({ command, events }, n) =>
    events.map(({ id, type, dataText }, index) => ({
      n,
      i: index + 1,
      id,
      type,
      data: dataText,
      key: eventKey(command.producerKey, index),
    })),
  )
  const notes = group.flatMap(({ command }, n) =>
    (command.notes ?? []).map(({ userId, note }, i) => ({ n, i, user_id: userId, ...noteColumns(note) })),
  )
  return [JSON.stringify(commands), JSON.stringify(rows), JSON.stringify(notes)]
}

/** What a change needs of its columns; those it leaves out are null. */
function changeColumns(change: RunChange | undefined) {
  switch (change?.kind) {
    case undefined:
      return {}
    case 'submit': {
      const { kind, owner, model, idempotencyKey: key, requestHash: hash } = change
      return { change: kind, owner, model, key, hash }
    }
    case 'claim': {
      const { kind, node, leaseEpoch, leaseMs } = change
      return { change: kind, node, lease_epoch: leaseEpoch, lease_ms: leaseMs }
    }
    case 'end':
      return { change: change.kind, status: change.status }
  }
}

function outcomeOf(prepared: PreparedCommand, row: OutcomeRow | undefined): AppendOutcome {
  if (row === undefined) throw new Error('The append statement answers every command')
  if (!row.thread_found) return { kind: 'thread_missing' }
  if (row.lease_busy) return { kind: 'lease_busy' }
  if (!row.lease_holds) return { kind: 'lease_lost' }
  if (row.key_taken) return { kind: 'key_taken' }
  const { after, at } = row
  if (after === null || at === null) return { kind: 'repeated' }
  return { kind: 'stored', events: storedEvents(prepared, after, at) }
}

function storedEvents({ command, events }: PreparedCommand, after: number, at: Date): readonly StoredEvent[] {
  const { threadId, runId, agent } = command
  return events.map(({ id, type, data }, index) => {
    const event = {
      id,
      seq: position(after + index + 1),
      threadId,
      runId,
      agent,
      at: at.toISOString(),
      type,
      data,
    }
    // Type and data come from one NewEvent; the compiler has lost that they belong together.
    return event as StoredEvent
  })
}
