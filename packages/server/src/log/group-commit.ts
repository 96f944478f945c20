import { HoldfastError } from '@holdfast/protocol'
import { sqlFault } from '../store/sql-state.ts'
import type { PreparedCommand } from './prepare-command.ts'
import type { AppendOutcome } from './store-group.ts'

export const groupLimits = {
  /** Events of one statement. Past a few hundred a group gains no speed and costs its members time. */
  events: 256,
  /** How often a command is stored again after another writer stored one of its keys at the same moment. */
  keyRaces: 3,
} as const

export interface GroupCommit extends AsyncDisposable {
  add(prepared: PreparedCommand): Promise<AppendOutcome>
}

interface Waiting {
  readonly prepared: PreparedCommand
  readonly resolve: (outcome: AppendOutcome) => void
  readonly reject: (error: unknown) => void
}

type Settled =
  | { readonly ok: true; readonly outcome: AppendOutcome }
  | { readonly ok: false; readonly error: unknown }

/**
 * Group commit without a timer: while one group is on its way to the database, commands gather; when it returns,
 * they are the next. A command that comes alone is sent at once.
 *
 * @param store stores a group in one transaction; outcomes in the order of the group
 */
export function openGroupCommit(
  store: (group: readonly PreparedCommand[]) => Promise<readonly AppendOutcome[]>,
): GroupCommit {
  const queue: Waiting[] = []
  let running: Promise<void> | null = null
  let closed = false

  async function run(): Promise<void> {
    // Whatever is appended in the same turn of the event loop goes in the same group.
    await Promise.resolve()
    while (queue.length > 0) {
      const group = queue.splice(
        0,
        groupSize(
          queue.map(({ prepared }) => prepared),
          groupLimits.events,
        ),
      )
      const settled = await settle(
        store,
        group.map(({ prepared }) => prepared),
      )
      for (const [index, { resolve, reject }] of group.entries()) {
        const result = settled[index]
        if (result === undefined) throw new Error('Every command of a group has an outcome')
        if (result.ok) resolve(result.outcome)
        else reject(result.error)
      }
      // Those just answered come back with their next event now, and belong in the next group.
      await Promise.resolve()
    }
    running = null
  }

  return {
    add: (prepared) => {
      if (closed)
        return Promise.reject(new HoldfastError('not_ready', 'The log is closed; the server is stopping'))
      const { promise, resolve, reject } = Promise.withResolvers<AppendOutcome>()
      queue.push({ prepared, resolve, reject })
      running ??= run()
      return promise
    },
    [Symbol.asyncDispose]: async () => {
      closed = true
      await running
    },
  }
}

/**
 * How many commands from the head of the queue go together: at most `maxEvents` events, one command at least.
 * A second command under one of its keys waits for the next group, where it finds what the first one stored (L5).
 */
export function groupSize(queue: readonly PreparedCommand[], maxEvents: number): number {
  const keys = new Set<string>()
  let events = 0
  let size = 0
  for (const prepared of queue) {
    const own = keysOf(prepared)
    events += prepared.events.length
    if (size > 0 && (events > maxEvents || own.some((key) => keys.has(key)))) break
    for (const key of own) keys.add(key)
    size += 1
  }
  return size
}

/**
 * What no two commands of one statement may share: it judges all of them by the rows as they were before it, and so
 * would let two claims of one run pass. (A run has one writer, so nobody waits for this.)
 */
function keysOf({ command: { runId, producerKey, fence, change } }: PreparedCommand): readonly string[] {
  const keys = [`${runId} ${producerKey}`]
  if (fence !== null || change !== undefined) keys.push(runId)
  if (change?.kind === 'submit' && change.idempotencyKey !== null)
    keys.push(`${change.owner} ${change.idempotencyKey}`)
  return keys
}

/**
 * A group, or, where the database refuses the statement because of one command, each command by itself: a bad one
 * must not fail its neighbours. A failure that is not the commands' own (a lost connection) is everybody's.
 */
async function settle(
  store: (group: readonly PreparedCommand[]) => Promise<readonly AppendOutcome[]>,
  group: readonly PreparedCommand[],
): Promise<readonly Settled[]> {
  try {
    return (await store(group)).map((outcome) => ({ ok: true, outcome }))
  } catch (error) {
    if (!isOfCommand(error)) return group.map(() => ({ ok: false, error }))
    const results: Settled[] = []
    for (const prepared of group) results.push(await settleAlone(store, prepared))
    return results
  }
}

async function settleAlone(
  store: (group: readonly PreparedCommand[]) => Promise<readonly AppendOutcome[]>,
  prepared: PreparedCommand,
): Promise<Settled> {
  for (let race = 1; ; race += 1) {
    try {
      const [outcome] = await store([prepared])
      if (outcome === undefined) throw new Error('The store answers every command')
      return { ok: true, outcome }
    } catch (error) {
      // The other writer has committed, or there would be no violation: the next attempt finds its events.
      if (!isKeyRace(error) || race === groupLimits.keyRaces) return { ok: false, error }
    }
  }
}

/** Another writer stored one of the command's keys at the same moment. */
export const isKeyRace = (error: unknown): boolean =>
  ['events_producer', 'runs_idempotency'].includes(sqlFault(error)?.constraint ?? '')

/** Data that PostgreSQL cannot take (22), a constraint (23), a deadlock (40): nothing was written. */
function isOfCommand(error: unknown): boolean {
  const state = sqlFault(error)?.state
  return state !== undefined && ['22', '23', '40'].includes(state.slice(0, 2))
}
