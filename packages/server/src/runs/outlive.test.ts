/** What becomes of a run whose worker dies, leaves, loses the store, or was never the right one. */
import { systemIdMaker } from '@holdfast/protocol'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createThreads } from '../log/create-threads.ts'
import type { SqlEventLog } from '../log/sql-event-log.ts'
import { StoreAwayError } from '../store/store-fault.ts'
import type { ToolDefinition } from '../tools/define-tool.ts'
import { runLimits } from './run-limits.ts'
import { createRunWriter } from './run-writer.ts'
import { ann, ask, expectInOrder, gate, runsTrial, types } from './runs.test-support.ts'

const makeId = systemIdMaker()

const trial = runsTrial()
const { house } = trial

describe('[R3] [L4] a run outlives its worker', () => {
  const tools: readonly ToolDefinition[] = ['first', 'second'].map((name) => ({
    name,
    description: name,
    effect: 'pure',
    input: z.unknown(),
    execute: async () => ({ output: name }),
  }))

  test('a worker that died after a tool call: the next one goes on behind it, and the dead one can write no more', async () => {
    await using before = await house(tools, { worker: false })
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    const [claim] = await trial.claimAny()
    if (claim === undefined) throw new Error('nothing to claim')
    const writer = createRunWriter(trial.log, claim, await trial.log.readRun(run.id))
    const call = { callId: makeId('call'), tool: 'first', effect: 'pure' as const, input: {} }
    await writer.write([{ type: 'tool_executing', data: call }])
    await writer.write([
      {
        type: 'tool_completed',
        data: { callId: call.callId, tool: 'first', ok: true, output: 'kept', durationMs: 1, artifacts: [] },
      },
    ])

    // The store is of one process, so a new worker knows that every lease it finds is void.
    await using after = await house(tools)
    const events = await after.ended(run.id)
    expectInOrder(events)
    expect(events.filter(({ type }) => type === 'agent_started').map(({ data }) => data)).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
    ])
    const completed = events.filter((event) => event.type === 'tool_completed')
    expect(completed.map(({ data }) => [data.tool, data.output])).toEqual([
      ['first', 'kept'],
      ['second', 'second'],
    ])
    await expect(
      writer.write([{ type: 'agent_thinking', data: { step: 9, text: 'I was only asleep.' } }]),
    ).rejects.toThrow(/taken over/)
  })

  test('a lease that holds is not taken', async () => {
    await using h = await house(tools, { worker: false })
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    expect((await trial.claimAny()).map(({ row }) => row.id)).toEqual([run.id])
    expect(await trial.claimAny()).toEqual([])
    await h.runs.cancel(ann, run.id)
  })

  test('[R2] an attempt that was given back politely is not one that died', async () => {
    const { tool, reached, letGo, again } = gate()
    const { run } = await (async () => {
      await using first = await house([tool])
      const submitted = await first.runs.submit(ann, first.threadId, ask('one'), null)
      await reached()
      return submitted
    })()
    for (let release = 1; release <= runLimits.attempts; release += 1) {
      again()
      await using next = await house([tool])
      await reached()
      expect((await next.runs.get(ann, run.id)).attempt).toBe(release + 1)
    }
    again()
    await using last = await house([tool])
    await reached()
    letGo()
    expect((await last.ended(run.id)).at(-1)?.type).toBe('agent_completed')
  })

  test('after its attempts are used up it fails with attempts_exhausted', async () => {
    await using before = await house(tools, { worker: false })
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    await sql`update runs set interrupted = ${runLimits.attempts} where id = ${run.id}`.execute(
      trial.store.db,
    )
    await using after = await house(tools)
    expect((await after.ended(run.id)).at(-1)).toMatchObject({
      type: 'agent_failed',
      data: { code: 'attempts_exhausted' },
    })
  })

  test('a drained worker gives its run back, and the next one finishes it', async () => {
    const { tool, reached, letGo, again } = gate()
    const before = await house([tool])
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    await reached()
    again()
    await before.worker.drain()
    expect((await before.runs.get(ann, run.id)).status).toBe('queued')
    await using after = await house([tool])
    await reached()
    letGo()
    const events = await after.ended(run.id)
    expectInOrder(events)
    expect(events.at(-1)?.type).toBe('agent_completed')
  })
})

test('[R2] a run that a fault of the store left behind is taken up again by the only worker there is', async () => {
  let faults = 1
  const workerLog: SqlEventLog = {
    ...trial.log,
    readRuns: async (runIds) => {
      if (runIds.length > 0 && faults > 0) {
        faults -= 1
        throw new Error('the connection is gone')
      }
      return trial.log.readRuns(runIds)
    },
  }
  await using here = await house([], { workerLog })
  const { run } = await here.runs.submit(ann, here.threadId, ask('what?'), null)
  const events = await here.ended(run.id)
  expect(types(events)).toEqual([
    'run_queued',
    'agent_started',
    'agent_started',
    'message_delta',
    'agent_completed',
  ])
})

test.each([
  ['committed before the answer was lost', true],
  ['not committed', false],
])(
  '[R2] [R3] [R4] a write of which the database did not say what became, %s, ends the attempt and not the run',
  async (_, committed) => {
    let faults = 1
    const workerLog: SqlEventLog = {
      ...trial.log,
      append: async (command) => {
        if (faults === 0 || !command.events.some(({ type }) => type === 'tool_completed'))
          return trial.log.append(command)
        faults -= 1
        if (committed) await trial.log.append(command)
        throw new StoreAwayError('away')
      },
    }
    const once: ToolDefinition = {
      name: 'once',
      description: 'Does something.',
      effect: 'pure',
      input: z.unknown(),
      execute: async () => ({ output: {} }),
    }
    await using here = await house([once], { workerLog })
    const { run } = await here.runs.submit(ann, here.threadId, ask('what?'), null)
    const events = await here.ended(run.id)
    expectInOrder(events)
    expect(events.flatMap((event) => (event.type === 'agent_started' ? event.data.attempt : []))).toEqual([
      1, 2,
    ])
    expect(types(events).filter((type) => type === 'tool_completed')).toHaveLength(1)
    expect(events.at(-1)?.type).toBe('agent_completed')
  },
)

test('[R3] [R4] a tool that meets a database that is away ends the attempt, and is no answer to the model', async () => {
  let calls = 0
  const reading: ToolDefinition = {
    name: 'reading',
    description: 'Reads something.',
    effect: 'pure',
    input: z.unknown(),
    execute: async () => {
      calls += 1
      if (calls === 1) throw new StoreAwayError('away')
      return { output: { rows: 7 } }
    },
  }
  await using here = await house([reading])
  const { run } = await here.runs.submit(ann, here.threadId, ask('what?'), null)
  const events = await here.ended(run.id)
  expectInOrder(events)
  expect(events.flatMap((event) => (event.type === 'tool_completed' ? event.data.ok : []))).toEqual([true])
  expect(events.at(-1)?.type).toBe('agent_completed')
})

describe('a run that cannot be carried out where it was claimed', () => {
  test.each([
    ['an agent', { agent: 'gone' }, /There is no agent "gone".*same agents and models/],
    ['a model', { model: 'openai:gone' }, /There is no model "openai:gone".*same agents and models/],
  ])('%s that this node does not have fails the run, and the others go on', async (_, has, message) => {
    await using before = await house([], { worker: false })
    const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
    await trial.store.db.updateTable('runs').set(has).where('id', '=', run.id).execute()
    const other = await createThreads(trial.store).create(ann)
    const well = await before.runs.submit(ann, other.id, ask('two'), null)

    await using after = await house([])
    const events = await after.ended(run.id)
    expectInOrder(events)
    expect(types(events)).toEqual(['run_queued', 'agent_started', 'agent_failed'])
    expect(events.at(-1)?.data).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(message),
    })
    expect((await after.ended(well.run.id)).at(-1)?.type).toBe('agent_completed')
  })
})

test('[R6] a cancel that the node before could not carry out is the first thing the next one does', async () => {
  const { tool, entered, letGo } = gate()
  await using before = await house([tool], { worker: false })
  const { run } = await before.runs.submit(ann, before.threadId, ask('one'), null)
  expect((await trial.claimAny()).map(({ row }) => row.id)).toEqual([run.id])
  await before.runs.cancel(ann, run.id)
  letGo()

  await using after = await house([tool])
  const events = await after.ended(run.id)
  expectInOrder(events)
  expect(types(events)).toEqual(['run_queued', 'agent_started', 'agent_started', 'agent_cancelled'])
  expect(events.at(-1)?.data).toEqual({ by: 'user' })
  expect(entered).toEqual([])
})

test('[R3] [R6] a cancel of a call with an effect says that nobody knows whether it took place', async () => {
  const { tool, reached } = gate()
  await using h = await house([{ ...tool, effect: 'effect' }])
  const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
  await reached()
  await h.runs.cancel(ann, run.id)
  expect((await h.ended(run.id)).at(-2)?.data).toMatchObject({
    error: { code: 'cancelled', message: expect.stringContaining('whether it took effect is not known') },
  })
})
