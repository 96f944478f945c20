/**
 * The judge of what became of runs. Pure, like checker.ts: truth is the log as it stood afterwards; evidence is what
 * the driver was promised and what the tools did, written down outside of the house.
 */
import type { RunId, StoredEvent } from '@holdfast/protocol'
import type { TruthThread } from './checker.ts'
import type { Execution } from './executions.ts'

export const runViolations = [
  /** Accepted with 202 and not in the log. */
  'run lost',
  /** Not exactly one terminal event, or something after it (R4). */
  'terminal event missing or double',
  /** A tool that declares an effect was begun twice under one call (R3). */
  'effect executed twice',
  /** A call was run again by an attempt that began after it had completed (R3). */
  'completed call run again',
  /** A repeat under another idempotency key. */
  'key changed',
  /** Two processes wrote into one attempt: a lease that was lost still wrote (L4). */
  'two writers',
  /** A run stood still too long before another attempt began (R2). */
  'late hand-over',
  /** Another attempt, though the one before it lived (R2). */
  'taken over without cause',
] as const
export type RunViolation = (typeof runViolations)[number]

export interface RunsVerdict {
  readonly counts: Readonly<Record<RunViolation, number>>
  readonly examples: readonly string[]
  readonly runs: number
  readonly ended: Readonly<Record<'completed' | 'failed' | 'cancelled', number>>
  /** Calls that were closed as outcome_unknown, and asked about. */
  readonly outcomesUnknown: number
  readonly executions: number
  /** From a run's last event to the attempt that took it over, sorted. */
  readonly handOverMs: readonly number[]
}

const terminal = {
  agent_completed: 'completed',
  agent_failed: 'failed',
  agent_cancelled: 'cancelled',
} as const
const isTerminal = (type: string): type is keyof typeof terminal => type in terminal
const examplesPerClass = 5

export interface Expectations {
  /** Infinity: hand-overs are measured and not judged, where more than one server may be down. */
  readonly handOverWithinMs: number
  /** Nothing was done to any server: nobody has a reason to take anything over. */
  readonly undisturbed: boolean
}

export function judgeRuns(
  truth: readonly TruthThread[],
  accepted: readonly RunId[],
  executions: readonly Execution[],
  { handOverWithinMs, undisturbed }: Expectations,
): RunsVerdict {
  const counts = Object.fromEntries(runViolations.map((name) => [name, 0])) as Record<RunViolation, number>
  const examples: string[] = []
  const violate = (name: RunViolation, what: string): void => {
    if (counts[name] < examplesPerClass) examples.push(`${name}: ${what}`)
    counts[name] += 1
  }
  const runs = Map.groupBy(
    truth.flatMap(({ events }) => events),
    ({ runId }) => runId,
  )
  const done = Map.groupBy(executions, ({ runId }) => runId)
  const ended = { completed: 0, failed: 0, cancelled: 0 }
  const handOverMs: number[] = []
  let outcomesUnknown = 0

  for (const id of accepted) if (!runs.has(id)) violate('run lost', id)
  for (const [id, events] of runs) {
    const last = events.at(-1)
    if (
      last === undefined ||
      !isTerminal(last.type) ||
      events.filter(({ type }) => isTerminal(type)).length !== 1
    )
      violate('terminal event missing or double', id)
    else ended[terminal[last.type]] += 1
    const attempts = attemptsOf(events)
    for (const [index, attempt] of attempts.entries()) {
      if (attempt.lives.size > 1) violate('two writers', `${id}: ${[...attempt.lives].join(' and ')}`)
      if (index === 0) continue
      if (undisturbed) violate('taken over without cause', id)
      handOverMs.push(attempt.stoodStillMs)
      if (attempt.stoodStillMs > handOverWithinMs)
        violate('late hand-over', `${id} after ${attempt.stoodStillMs} ms`)
    }
    const completedAt = new Map<string, number>()
    for (const event of events) {
      if (event.type !== 'tool_completed') continue
      completedAt.set(event.data.callId, event.seq)
      if (event.data.error?.code === 'outcome_unknown') outcomesUnknown += 1
    }
    for (const [callId, times] of Map.groupBy(done.get(id) ?? [], (one) => one.callId)) {
      const [first] = times
      if (first === undefined) continue
      if (first.effect === 'effect' && times.length > 1)
        violate('effect executed twice', `${id} ${callId}, ${times.length} times`)
      if (times.some(({ key }) => key !== first.key)) violate('key changed', `${id} ${callId}`)
      const completed = completedAt.get(callId) ?? Number.POSITIVE_INFINITY
      // A process that was frozen may do what it had begun to do; one that begins afterwards knows better.
      const late = times.filter(({ life, atMs }) =>
        attempts.some((one) => one.lives.has(life) && one.startedAt > completed && one.startedMs < atMs),
      )
      if (late.length > 0) violate('completed call run again', `${id} ${callId} by ${late[0]?.life}`)
    }
  }
  return {
    counts,
    examples,
    runs: runs.size,
    ended,
    outcomesUnknown,
    executions: executions.length,
    handOverMs: handOverMs.toSorted((one, other) => one - other),
  }
}

interface Attempt {
  /** Place of its agent_started. */
  readonly startedAt: number
  readonly startedMs: number
  /** Since the event before it. */
  readonly stoodStillMs: number
  /** Of the processes whose thoughts it holds. */
  readonly lives: Set<string>
}

function attemptsOf(events: readonly StoredEvent[]): Attempt[] {
  const attempts: Attempt[] = []
  for (const [index, event] of events.entries()) {
    if (event.type === 'agent_started') {
      const startedMs = Date.parse(event.at)
      const stoodStillMs = startedMs - Date.parse(events[index - 1]?.at ?? event.at)
      attempts.push({ startedAt: event.seq, startedMs, stoodStillMs, lives: new Set() })
    }
    const life =
      event.type === 'agent_thinking' ? /^\d+ ([0-9a-f]{8}) /.exec(event.data.text)?.[1] : undefined
    if (life !== undefined) attempts.at(-1)?.lives.add(life)
  }
  return attempts
}
