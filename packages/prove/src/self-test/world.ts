import { createHash } from 'node:crypto'
import {
  contract,
  type EpochId,
  HoldfastError,
  type NewEvent,
  type ProofScript,
  type Run,
  type RunId,
  readProofScript,
  type StoredEvent,
  systemIdMaker,
  type Thread,
  type ThreadId,
  type UserId,
} from '@holdfast/protocol'

/**
 * What the bundled server keeps, in memory and beyond a restart of it: the store of a Holdfast of a few hundred lines.
 * It exists so that faults can be put before something that is known to be well.
 */
export interface WorldThread {
  readonly thread: Thread
  readonly owner: UserId
  readonly log: StoredEvent[]
}

export interface WorldRun {
  run: Run
  readonly script: ProofScript
  readonly key: string | null
  readonly message: string
  readonly owner: UserId
  cancelled: boolean
}

export interface World {
  readonly makeId: ReturnType<typeof systemIdMaker>
  readonly epoch: EpochId
  readonly nodes: readonly string[]
  readonly users: Map<string, { readonly userId: UserId; readonly kind: 'simulated' }>
  readonly threads: Map<string, WorldThread>
  readonly runs: Map<string, WorldRun>
  readonly nonces: Set<string>
  readonly listeners: Set<(thread: ThreadId) => void>
  commit: string
}

export const contractText = JSON.stringify(contract())
export const contractHash = createHash('sha256').update(contractText).digest('hex')

export function createWorld(): World {
  const makeId = systemIdMaker()
  return {
    makeId,
    epoch: makeId('epoch'),
    nodes: [makeId('node'), makeId('node')],
    users: new Map(),
    threads: new Map(),
    runs: new Map(),
    nonces: new Set(),
    listeners: new Set(),
    commit: 'a'.repeat(40),
  }
}

const now = (): string => new Date().toISOString()

export function createThread(world: World, owner: UserId, title: string): Thread {
  const thread: Thread = { id: world.makeId('thread'), title, createdAt: now(), head: 0 as Thread['head'] }
  world.threads.set(thread.id, { thread, owner, log: [] })
  return thread
}

/** @throws {HoldfastError} not_found, for others' as for none */
export function threadOf(world: World, owner: UserId, id: string): WorldThread {
  const found = world.threads.get(id)
  if (found === undefined || found.owner !== owner)
    throw new HoldfastError('not_found', `There is no thread ${id}`)
  return found
}

/** @throws {HoldfastError} not_found */
export function runOf(world: World, owner: UserId, id: string): WorldRun {
  const found = world.runs.get(id)
  if (found === undefined || found.owner !== owner)
    throw new HoldfastError('not_found', `There is no run ${id}`)
  return found
}

function append(world: World, run: Run, ...events: readonly NewEvent[]): void {
  const thread = world.threads.get(run.threadId)
  if (thread === undefined) return
  for (const event of events) {
    const seq = (thread.log.length + 1) as StoredEvent['seq']
    const { threadId, id: runId, agent } = run
    thread.log.push({
      id: world.makeId('event'),
      seq,
      threadId,
      runId,
      agent,
      at: now(),
      ...event,
    } as StoredEvent)
  }
  for (const listener of world.listeners) listener(run.threadId)
}

/** @throws {HoldfastError} idempotency_conflict, bad_request */
export function submit(
  world: World,
  owner: UserId,
  thread: WorldThread,
  message: string,
  key: string | null,
): WorldRun {
  const before =
    key === null ? undefined : [...world.runs.values()].find((one) => one.owner === owner && one.key === key)
  if (before !== undefined) {
    if (before.message === message) return before
    throw new HoldfastError('idempotency_conflict', 'This Idempotency-Key was used with another request')
  }
  const script = readProofScript(message)
  if (script === null) throw new HoldfastError('bad_request', 'This is no script')
  const run: Run = {
    id: world.makeId('run') as RunId,
    threadId: thread.thread.id,
    agent: 'proof',
    model: 'offline',
    status: 'queued',
    attempt: 0,
    createdAt: now(),
    queuedAt: (thread.log.length + 1) as Run['queuedAt'],
  }
  const kept: WorldRun = { run, script, key, message, owner, cancelled: false }
  world.runs.set(run.id, kept)
  append(world, run, {
    type: 'run_queued',
    data: { message: { id: world.makeId('message'), text: message, files: [] }, policy: 'queue' },
  })
  return kept
}

/** Carries a run to its end, or until `stopped`: then another server's attempt goes on from the log. */
export async function carry(world: World, kept: WorldRun, stopped: () => boolean): Promise<void> {
  const { script } = kept
  const { makeId } = world
  const log = world.threads.get(kept.run.threadId)?.log ?? []
  const mine = (): readonly StoredEvent[] => log.filter(({ runId }) => runId === kept.run.id)
  const end = (status: Run['status'], event: NewEvent): void => {
    kept.run = { ...kept.run, status }
    append(world, kept.run, event)
  }
  kept.run = { ...kept.run, status: 'running', attempt: kept.run.attempt + 1 }
  append(world, kept.run, {
    type: 'agent_started',
    data: { attempt: kept.run.attempt, model: 'offline', offline: true },
  })
  await turn()
  let done = mine().filter(({ type }) => type === 'tool_completed').length
  const calls = script.do === 'tool_timeout' ? script.calls + 1 : script.calls
  while (done < calls) {
    if (stopped()) return
    const tool = done < script.calls ? 'proof_echo' : 'proof_stall'
    const open = mine().filter(({ type }) => type === 'tool_executing').length > done
    const last = mine().findLast((event) => event.type === 'tool_executing')
    const callId = open && last?.type === 'tool_executing' ? last.data.callId : makeId('call')
    if (!open)
      append(
        world,
        kept.run,
        { type: 'agent_thinking', data: { step: done + 1, text: 'Reading the script.' } },
        { type: 'tool_executing', data: { callId, tool, effect: 'pure', input: {} } },
      )
    if (!(await waited(kept, script.do === 'wait' ? script.waitMs : 0, stopped))) return
    const result = (ok: boolean, code: string): NewEvent => ({
      type: 'tool_completed',
      data: {
        callId,
        tool,
        ok,
        ...(ok
          ? { output: { nonce: script.nonce, next: 'answer', fill: 'x'.repeat(script.fillBytes) } }
          : { error: { code, message: 'As the script says' } }),
        durationMs: 1,
        artifacts: [],
      },
    })
    if (kept.cancelled) {
      append(world, kept.run, result(false, 'cancelled'))
      return end('cancelled', { type: 'agent_cancelled', data: { by: 'user' } })
    }
    const bad = script.do === 'tool_error' || tool === 'proof_stall'
    append(world, kept.run, result(!bad, tool === 'proof_stall' ? 'tool_timeout' : 'tool_failed'))
    done += 1
    await turn()
  }
  if (stopped()) return
  if (script.do === 'fail')
    return end('failed', {
      type: 'agent_failed',
      data: { code: 'tool_failed', message: 'As asked', retryable: false },
    })
  const messageId = makeId('message')
  append(world, kept.run, { type: 'message_delta', data: { messageId, text: script.nonce } })
  end('completed', {
    type: 'agent_completed',
    data: {
      outcome: 'answered',
      messageId,
      summary: script.nonce,
      durationMs: 1,
      usage: { inputTokens: 0, outputTokens: 0, steps: done },
    },
  })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** false: the server was stopped meanwhile. */
async function waited(kept: WorldRun, ms: number, stopped: () => boolean): Promise<boolean> {
  const until = performance.now() + ms
  while (performance.now() < until && !kept.cancelled) {
    if (stopped()) return false
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return !stopped()
}
