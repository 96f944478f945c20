import { type NewEvent, position, type StoredEvent, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import type { TruthThread } from './checker.ts'
import type { Execution } from './executions.ts'
import { judgeRuns, type RunViolation, runViolations } from './runs-checker.ts'

const makeId = systemIdMaker()
const runId = makeId('run')
const callId = makeId('call')
const beganMs = 1_000_000
const [first, second] = ['0000000a', '0000000b']

const queued: NewEvent = {
  type: 'run_queued',
  data: { message: { id: makeId('message'), text: 'go', files: [] }, policy: 'queue' },
}
const started = (attempt: number): NewEvent => ({
  type: 'agent_started',
  data: { attempt, model: 'numbers', offline: false },
})
const thought = (life: string): NewEvent => ({
  type: 'agent_thinking',
  data: { step: 1, text: `1 ${life} ${crypto.randomUUID()}` },
})
const executing: NewEvent = {
  type: 'tool_executing',
  data: { callId, tool: 'leg_effect', effect: 'effect', input: {} },
}
const completed: NewEvent = {
  type: 'tool_completed',
  data: { callId, tool: 'leg_effect', ok: true, output: {}, durationMs: 1, artifacts: [] },
}
const ended: NewEvent = { type: 'agent_cancelled', data: { by: 'user' } }

/** One a second; a number is so many milliseconds more until the next. */
function logOf(...told: readonly (NewEvent | number)[]): TruthThread {
  const id = makeId('thread')
  const events: StoredEvent[] = []
  let atMs = beganMs
  for (const one of told) {
    if (typeof one === 'number') atMs += one
    else {
      const seq = position(events.length + 1)
      const at = new Date(atMs).toISOString()
      events.push({ id: makeId('event'), seq, threadId: id, runId, agent: 'numbers', at, ...one })
      atMs += 1_000
    }
  }
  return { id, owner: makeId('user'), events }
}
const execution = (life: string, atMs: number, changed: Partial<Execution> = {}): Execution => ({
  effect: 'effect',
  runId,
  callId,
  key: 'key',
  life,
  atMs,
  ...changed,
})
const judge = (log: TruthThread, executions: readonly Execution[] = [], accepted = [runId]) =>
  judgeRuns([log], accepted, executions, { handOverWithinMs: 10_000, undisturbed: false })
const found = (...parameters: Parameters<typeof judge>): RunViolation[] => {
  const { counts } = judge(...parameters)
  return runViolations.filter((name) => counts[name] > 0)
}

describe('the judge of runs', () => {
  const takenOver = [
    queued,
    started(1),
    thought(first),
    executing,
    completed,
    3_000,
    started(2),
    thought(second),
  ]

  test('nothing is wrong where a run is taken over and ends once', () => {
    const verdict = judge(logOf(...takenOver, ended), [execution(first, beganMs + 3_500)])
    expect(runViolations.filter((name) => verdict.counts[name] > 0)).toEqual([])
    expect(verdict.handOverMs).toEqual([4_000])
    expect(verdict.ended).toEqual({ completed: 0, failed: 0, cancelled: 1 })
  })

  test('run lost: accepted, and not in the log', () => {
    expect(found(logOf(queued, started(1), ended), [], [runId, makeId('run')])).toEqual(['run lost'])
  })

  test('terminal event missing or double, or not the last', () => {
    const flaw: RunViolation[] = ['terminal event missing or double']
    expect(found(logOf(queued, started(1)))).toEqual(flaw)
    expect(found(logOf(queued, started(1), ended, ended))).toEqual(flaw)
    expect(found(logOf(queued, started(1), ended, thought(first)))).toEqual(flaw)
  })

  test('effect executed twice, while what is idempotent may be, under its key', () => {
    const log = logOf(queued, started(1), thought(first), executing, completed, ended)
    const twice = [execution(first, beganMs + 3_100), execution(second, beganMs + 3_200)]
    expect(found(log, twice)).toEqual(['effect executed twice'])
    const again = twice.map((one): Execution => ({ ...one, effect: 'idempotent' }))
    expect(found(log, again)).toEqual([])
    expect(
      found(
        log,
        again.map((one, index) => ({ ...one, key: `key ${index}` })),
      ),
    ).toEqual(['key changed'])
  })

  test('completed call run again, by an attempt that could read that it had completed', () => {
    const pure = { effect: 'pure' } as const
    const log = logOf(...takenOver, ended)
    const atMs = beganMs + 9_500
    expect(found(log, [execution(second, atMs, pure)])).toEqual(['completed call run again'])
    // The first process was frozen as it was about to begin: nothing can keep it from beginning when it wakes.
    expect(found(log, [execution(first, atMs, pure)])).toEqual([])
  })

  test('two writers: a lease that was lost still writes', () => {
    expect(found(logOf(...takenOver, thought(first), ended))).toEqual(['two writers'])
  })

  test('taken over without cause, where nothing was done to anybody', () => {
    const expectations = { handOverWithinMs: 10_000, undisturbed: true }
    const { counts } = judgeRuns([logOf(...takenOver, ended)], [], [], expectations)
    expect(counts['taken over without cause']).toBe(1)
  })

  test('late hand-over', () => {
    expect(found(logOf(queued, started(1), thought(first), 9_500, started(2), ended))).toEqual([
      'late hand-over',
    ])
    expect(found(logOf(queued, started(1), thought(first), 8_500, started(2), ended))).toEqual([])
  })
})
