import { createHash } from 'node:crypto'
import type { MakeId, NewEvent, ParsedSubmitRun, Run, RunId, StoredEvent, ThreadId } from '@holdfast/protocol'
import { HoldfastError, limits } from '@holdfast/protocol'
import type { Registry } from '../agents/registry.ts'
import { isKeyRace } from '../log/group-commit.ts'
import { IdempotencyKeyTakenError, type RunCommand } from '../log/run-change.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store, Tx } from '../store/store.ts'
import type { RunRow } from './run-row.ts'
import { runOf, stateOf } from './run-row.ts'
import { stepRun } from './run-state.ts'
import type { Runs } from './runs.ts'

type Append = (command: RunCommand) => Promise<readonly StoredEvent[]>

/**
 * Locks are taken in one order everywhere: the thread's row, then the run's, then the user's. The append itself
 * begins with the thread's row (L2), so the other order would deadlock with it. Where nothing has to be looked at
 * first, the append alone does it all, and shares its commit with others.
 */
export function createRuns(deps: {
  readonly store: Store
  readonly log: SqlEventLog
  readonly registry: Registry
  readonly makeId: MakeId
  /** A run is waiting: wakes the workers of this process. */
  readonly onQueued: () => void
  /** A running run shall end: reaches the worker of this process, should it be the one. */
  readonly onCancel: (runId: RunId) => void
}): Runs {
  const { store, log, registry, makeId } = deps

  const submit: Runs['submit'] = async (principal, threadId, request, idempotencyKey) => {
    const { agent, model } = checked(registry, principal, request)
    const { whenBusy } = request
    const requestHash = hashOf(threadId, request)
    const first = async (db: Store['db']): Promise<Submitted | null> => {
      const row = idempotencyKey === null ? undefined : await findByKey(db, principal, idempotencyKey)
      return row === undefined ? null : repeated(row, requestHash)
    }
    if (request.files.length > 0) {
      // A retry gets the answer of the first call, also when its files have gone since.
      const before = await first(store.db)
      if (before !== null) return before
      await requireFiles(store.db, principal, threadId, request)
    }
    const runId = makeId('run')
    const message = { id: makeId('message'), text: request.message, files: request.files }
    const queued: NewEvent = { type: 'run_queued', data: { message, policy: whenBusy } }
    const { userId } = principal
    const command: RunCommand = {
      threadId,
      runId,
      agent,
      events: [queued],
      producerKey: 'submit',
      fence: null,
      change: { kind: 'submit', owner: userId, model, idempotencyKey, requestHash },
      notes: [{ userId, note: { type: 'run_queued', threadId, runId, agent } }],
    }
    const superseded: RunId[] = []
    const append = async (): Promise<readonly StoredEvent[]> => {
      if (whenBusy === 'queue') return log.append(command)
      return log.transact(async (tx, appendIn) => {
        await lockThread(tx, principal, threadId)
        if ((await first(tx)) === null) superseded.push(...(await makeRoom(tx, appendIn, threadId, whenBusy)))
        return appendIn(command)
      })
    }
    try {
      const [stored] = await append()
      if (stored === undefined) throw new Error('The append of run_queued returned nothing')
      for (const id of superseded) deps.onCancel(id)
      deps.onQueued()
      const { seq: queuedAt, at: createdAt } = stored
      const run: Run = {
        id: runId,
        threadId,
        agent,
        model,
        status: 'queued',
        attempt: 0,
        createdAt,
        queuedAt,
      }
      return { run, created: true }
    } catch (error) {
      const isTaken = error instanceof IdempotencyKeyTakenError || isKeyRace(error)
      const before = isTaken ? await first(store.db) : null
      if (before === null) throw error
      return before
    }
  }

  const get: Runs['get'] = async (principal, runId) => runOf(await requireRun(store, principal, runId))

  const list: Runs['list'] = async (principal, threadId) => {
    const rows = await store.db
      .selectFrom('runs')
      .selectAll()
      .where('thread_id', '=', threadId)
      .where('owner', '=', principal.userId)
      .orderBy('queued_at_seq', 'desc')
      .limit(limits.pageItems)
      .execute()
    return rows.map(runOf)
  }

  const cancel: Runs['cancel'] = async (principal, runId) => {
    const { thread_id: threadId } = await requireRun(store, principal, runId)
    const run = await log.transact(async (tx, append) => {
      await lockThread(tx, principal, threadId)
      const row = await tx
        .selectFrom('runs')
        .selectAll()
        .where('id', '=', runId)
        .forUpdate()
        .executeTakeFirst()
      if (row === undefined) throw noRun(runId)
      return runOf(await requestEnd(tx, append, row, 'user'))
    })
    deps.onCancel(runId)
    return run
  }

  return { submit, get, list, cancel }
}

type Submitted = Awaited<ReturnType<Runs['submit']>>

/** @throws {HoldfastError} idempotency_conflict: the key was used with another request */
function repeated(row: RunRow, requestHash: string): Submitted {
  if (row.request_hash === requestHash) return { run: runOf(row), created: false }
  throw new HoldfastError(
    'idempotency_conflict',
    'This Idempotency-Key was used with another request; make a new key for a new request',
  )
}

/** Agent and model are known before anything is written; a typo is an answer, not a failed run. */
function checked(
  registry: Registry,
  principal: Principal,
  request: ParsedSubmitRun,
): { agent: string; model: string | null } {
  const agent = registry.agent(request.agent ?? null, principal)
  registry.models.resolve(request.model ?? null, agent.offlineRules)
  return { agent: agent.name, model: request.model ?? null }
}

function hashOf(threadId: ThreadId, request: ParsedSubmitRun): string {
  const { message, files, agent = null, model = null, whenBusy } = request
  return createHash('sha256')
    .update(JSON.stringify([threadId, message, files, agent, model, whenBusy]))
    .digest('hex')
}

async function lockThread(tx: Tx, principal: Principal, threadId: ThreadId): Promise<void> {
  const row = await tx
    .selectFrom('threads')
    .select('id')
    .where('id', '=', threadId)
    .where('owner', '=', principal.userId)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw new HoldfastError('not_found', `There is no thread ${threadId}`)
}

function findByKey(db: Store['db'], principal: Principal, key: string): Promise<RunRow | undefined> {
  return db
    .selectFrom('runs')
    .selectAll()
    .where('owner', '=', principal.userId)
    .where('idempotency_key', '=', key)
    .executeTakeFirst()
}

async function requireFiles(
  db: Store['db'],
  principal: Principal,
  threadId: ThreadId,
  request: ParsedSubmitRun,
): Promise<void> {
  const wanted = request.files
  const rows = await db
    .selectFrom('files')
    .select('id')
    .where('thread_id', '=', threadId)
    .where('owner', '=', principal.userId)
    .where('id', 'in', wanted)
    .execute()
  const found = new Set(rows.map(({ id }) => id))
  const missing = wanted.find((id) => !found.has(id))
  if (missing !== undefined)
    throw new HoldfastError('not_found', `There is no file ${missing} in this thread`)
}

/**
 * R5: what a second message does while runs of the thread are under way.
 * @returns the running ones, which their workers have to be told of
 */
async function makeRoom(
  tx: Tx,
  append: Append,
  threadId: ThreadId,
  whenBusy: 'reject' | 'interrupt',
): Promise<readonly RunId[]> {
  const busy = await tx
    .selectFrom('runs')
    .selectAll()
    .where('thread_id', '=', threadId)
    .where('status', 'in', ['queued', 'running'])
    .orderBy('queued_at_seq')
    .forUpdate()
    .execute()
  const [first] = busy
  if (first !== undefined && whenBusy === 'reject')
    throw new HoldfastError(
      'thread_busy',
      `Run ${first.id} of this thread is under way; wait for it, cancel it, or send with whenBusy queue or interrupt`,
    )
  for (const row of busy) await requestEnd(tx, append, row, 'superseded')
  return busy.filter(({ status }) => status === 'running').map(({ id }) => id)
}

/** A queued run ends here and now; a running one is told by cancel_by, which its worker reads (R6). */
async function requestEnd(tx: Tx, append: Append, row: RunRow, by: 'user' | 'superseded'): Promise<RunRow> {
  const end = stepRun(stateOf(row), { kind: 'end', outcome: 'cancelled' })
  if (!end.ok) return row
  if (row.status === 'queued') {
    const { owner: userId, thread_id: threadId, id: runId, agent } = row
    await append({
      threadId,
      runId,
      agent,
      events: [{ type: 'agent_cancelled', data: { by } }],
      producerKey: 'cancel',
      fence: null,
      change: { kind: 'end', status: 'cancelled' },
      notes: [{ userId, note: { type: 'run_ended', threadId, runId, status: 'cancelled' } }],
    })
  }
  return tx
    .updateTable('runs')
    .set({ cancel_by: row.cancel_by ?? by })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

async function requireRun(store: Store, principal: Principal, runId: RunId): Promise<RunRow> {
  const row = await store.db
    .selectFrom('runs')
    .selectAll()
    .where('id', '=', runId)
    .where('owner', '=', principal.userId)
    .executeTakeFirst()
  if (row === undefined) throw noRun(runId)
  return row
}

const noRun = (runId: RunId): HoldfastError => new HoldfastError('not_found', `There is no run ${runId}`)
