import { createHash } from 'node:crypto'
import type { MakeId, NewEvent, ParsedSubmitRun, RunId, ThreadId } from '@holdfast/protocol'
import { HoldfastError, limits } from '@holdfast/protocol'
import type { Registry } from '../agents/registry.ts'
import type { AppendCommand } from '../log/event-log.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import type { Principal } from '../principal.ts'
import type { Store, Tx } from '../store/store.ts'
import type { RunRow } from './run-row.ts'
import { runOf, stateOf } from './run-row.ts'
import { stepRun } from './run-state.ts'
import type { Runs } from './runs.ts'

type Append = (command: AppendCommand) => Promise<unknown>
type Note = Parameters<Parameters<SqlEventLog['transact']>[0]>[2]

/**
 * Locks are taken in one order everywhere: the thread's row, then the run's, then the user's (note). The append
 * itself begins with the thread's row (L2), so the other order would deadlock with it.
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
    const { agent, model } = checked(registry, request)
    const requestHash = hashOf(threadId, request)
    const superseded: RunId[] = []
    const outcome = await log.transact(async (tx, append, note) => {
      await lockThread(tx, principal, threadId)
      const first = idempotencyKey === null ? undefined : await findByKey(tx, principal, idempotencyKey)
      if (first !== undefined) {
        if (first.request_hash === requestHash) return { run: runOf(first), created: false }
        throw new HoldfastError(
          'idempotency_conflict',
          'This Idempotency-Key was used with another request; make a new key for a new request',
        )
      }
      await requireFiles(tx, principal, threadId, request)
      const room = await makeRoom(tx, append, threadId, request.whenBusy)
      superseded.push(...room.running)

      const runId = makeId('run')
      const message = { id: makeId('message'), text: request.message, files: request.files }
      const queued: NewEvent = { type: 'run_queued', data: { message, policy: request.whenBusy } }
      const [stored] = await append({
        threadId,
        runId,
        agent,
        events: [queued],
        producerKey: 'submit',
        fence: null,
      })
      if (stored === undefined) throw new Error('The append of run_queued returned nothing')
      const row = await tx
        .insertInto('runs')
        .values({
          id: runId,
          thread_id: threadId,
          owner: principal.userId,
          agent,
          model,
          status: 'queued',
          idempotency_key: idempotencyKey,
          request_hash: requestHash,
          queued_at_seq: stored.seq,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      for (const ended of room.ended) await noteCancelled(note, ended)
      await note(principal.userId, { type: 'run_queued', threadId, runId, agent })
      return { run: runOf(row), created: true }
    })
    for (const runId of superseded) deps.onCancel(runId)
    if (outcome.created) deps.onQueued()
    return outcome
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
    const run = await log.transact(async (tx, append, note) => {
      await lockThread(tx, principal, threadId)
      const row = await tx
        .selectFrom('runs')
        .selectAll()
        .where('id', '=', runId)
        .forUpdate()
        .executeTakeFirst()
      if (row === undefined) throw noRun(runId)
      const after = await requestEnd(tx, append, row, 'user')
      if (after.status !== row.status) await noteCancelled(note, after)
      return runOf(after)
    })
    deps.onCancel(runId)
    return run
  }

  return { submit, get, list, cancel }
}

/** Agent and model are known before anything is written; a typo is an answer, not a failed run. */
function checked(registry: Registry, request: ParsedSubmitRun): { agent: string; model: string | null } {
  const agent = registry.agent(request.agent ?? null)
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

function findByKey(tx: Tx, principal: Principal, key: string): Promise<RunRow | undefined> {
  return tx
    .selectFrom('runs')
    .selectAll()
    .where('owner', '=', principal.userId)
    .where('idempotency_key', '=', key)
    .executeTakeFirst()
}

async function requireFiles(
  tx: Tx,
  principal: Principal,
  threadId: ThreadId,
  request: ParsedSubmitRun,
): Promise<void> {
  const wanted = request.files
  if (wanted.length === 0) return
  const rows = await tx
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

/** A queued run that ended here and now; a running one is noted by its worker, when it has. */
function noteCancelled(note: Note, { owner, thread_id: threadId, id }: RunRow): Promise<void> {
  return note(owner, { type: 'run_ended', threadId, runId: id, status: 'cancelled' })
}

/** R5: what a second message does while a run of the thread is under way. */
async function makeRoom(
  tx: Tx,
  append: Append,
  threadId: ThreadId,
  whenBusy: 'queue' | 'reject' | 'interrupt',
): Promise<{ readonly running: readonly RunId[]; readonly ended: readonly RunRow[] }> {
  const empty = { running: [], ended: [] }
  if (whenBusy === 'queue') return empty
  const busy = await tx
    .selectFrom('runs')
    .selectAll()
    .where('thread_id', '=', threadId)
    .where('status', 'in', ['queued', 'running'])
    .orderBy('queued_at_seq')
    .forUpdate()
    .execute()
  if (busy.length === 0) return empty
  if (whenBusy === 'reject')
    throw new HoldfastError(
      'thread_busy',
      `Run ${busy[0]?.id} of this thread is under way; wait for it, cancel it, or send with whenBusy queue or interrupt`,
    )
  for (const row of busy) await requestEnd(tx, append, row, 'superseded')
  return {
    running: busy.filter(({ status }) => status === 'running').map(({ id }) => id),
    ended: busy.filter(({ status }) => status === 'queued'),
  }
}

/** A queued run ends here and now; a running one is told by cancel_by, which its worker reads (R6). */
async function requestEnd(tx: Tx, append: Append, row: RunRow, by: 'user' | 'superseded'): Promise<RunRow> {
  const end = stepRun(stateOf(row), { kind: 'end', outcome: 'cancelled' })
  if (!end.ok) return row
  if (row.status === 'queued') {
    await append({
      threadId: row.thread_id,
      runId: row.id,
      agent: row.agent,
      events: [{ type: 'agent_cancelled', data: { by } }],
      producerKey: 'cancel',
      fence: null,
    })
    return updateRun(tx, row.id, { status: 'cancelled', cancel_by: by })
  }
  return updateRun(tx, row.id, { cancel_by: row.cancel_by ?? by })
}

function updateRun(
  tx: Tx,
  runId: RunId,
  change: { status?: 'cancelled'; cancel_by: 'user' | 'superseded' },
): Promise<RunRow> {
  return tx.updateTable('runs').set(change).where('id', '=', runId).returningAll().executeTakeFirstOrThrow()
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
