import type { UserId } from '@holdfast/protocol'
import { HoldfastError, systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Principal } from '../principal.ts'
import type { ToolDefinition } from '../tools/define-tool.ts'
import { ann, ask, expectInOrder, gate, runsTrial, types } from './runs.test-support.ts'

const makeId = systemIdMaker()
const bob: Principal = { kind: 'local', userId: makeId('user') as UserId }

const trial = runsTrial()
const { house } = trial

describe('submit', () => {
  test('[L3] the run row and run_queued commit together, and the run goes to its end', async () => {
    await using h = await house([])
    const { run, created } = await h.runs.submit(ann, h.threadId, ask('hello'), null)
    expect(created).toBe(true)
    expect(run).toMatchObject({ status: 'queued', queuedAt: 1, agent: 'helper' })
    const events = await h.ended(run.id)
    expect(types(events)).toEqual(['run_queued', 'agent_started', 'message_delta', 'agent_completed'])
    expect(await h.runs.get(ann, run.id)).toMatchObject({ status: 'completed', attempt: 1 })
  })

  test('the same key with the same request is one run, also when both come at once', async () => {
    await using h = await house([])
    const both = await Promise.all([1, 2].map(() => h.runs.submit(ann, h.threadId, ask('hello'), 'key-1')))
    expect(both[0]?.run.id).toBe(both[1]?.run.id)
    expect(both.map(({ created }) => created).toSorted()).toEqual([false, true])
    expect(await h.runs.list(ann, h.threadId)).toHaveLength(1)
  })

  test('the same key with another request is refused', async () => {
    await using h = await house([])
    await h.runs.submit(ann, h.threadId, ask('hello'), 'key-2')
    await expect(h.runs.submit(ann, h.threadId, ask('goodbye'), 'key-2')).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
  })

  test.each([
    ['an agent there is none of', { agent: 'nobody' }, 'bad_request'],
    ['a model there is none of', { model: 'openai:gpt-5' }, 'bad_request'],
    ['a file that is not of the thread', { files: [makeId('file')] }, 'not_found'],
  ])('%s is refused before anything is written', async (_, more, code) => {
    await using h = await house([])
    await expect(h.runs.submit(ann, h.threadId, ask('hello', more), null)).rejects.toMatchObject({ code })
    expect(await h.runs.list(ann, h.threadId)).toEqual([])
  })

  test('[P1] to another user the thread, the run and its list do not exist', async () => {
    await using h = await house([])
    const { run } = await h.runs.submit(ann, h.threadId, ask('hello'), null)
    await expect(h.runs.submit(bob, h.threadId, ask('hello'), null)).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(h.runs.get(bob, run.id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(h.runs.cancel(bob, run.id)).rejects.toMatchObject({ code: 'not_found' })
    expect(await h.runs.list(bob, h.threadId)).toEqual([])
  })
})

describe('[R5] one run at a time per thread', () => {
  test('queue: the second starts after the first has ended', async () => {
    const { tool, reached, letGo, entered } = gate()
    await using h = await house([tool])
    const first = await h.runs.submit(ann, h.threadId, ask('one'), null)
    await reached()
    const second = await h.runs.submit(ann, h.threadId, ask('two'), null)
    expect((await h.runs.get(ann, second.run.id)).status).toBe('queued')
    letGo()
    const [one, two] = await Promise.all([h.ended(first.run.id), h.ended(second.run.id)])
    expect(one.at(-1)?.seq).toBeLessThan(two.find(({ type }) => type === 'agent_started')?.seq ?? 0)
    expect(entered.filter(({ threadId }) => threadId === h.threadId)).toHaveLength(2)
  })

  test('reject: the second is refused, and names the first', async () => {
    const { tool, reached, letGo } = gate()
    await using h = await house([tool])
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    await reached()
    await expect(
      h.runs.submit(ann, h.threadId, ask('two', { whenBusy: 'reject' }), null),
    ).rejects.toMatchObject({
      code: 'thread_busy',
      message: expect.stringContaining(run.id),
    })
    letGo()
    await h.ended(run.id)
  })

  test('interrupt: the first ends as superseded, its call closed, and the second runs', async () => {
    const { tool, reached, letGo, again } = gate()
    await using h = await house([tool])
    const first = await h.runs.submit(ann, h.threadId, ask('one'), null)
    await reached()
    again()
    const second = await h.runs.submit(ann, h.threadId, ask('two', { whenBusy: 'interrupt' }), null)
    const one = await h.ended(first.run.id)
    expectInOrder(one)
    expect(one.at(-1)?.data).toEqual({ by: 'superseded' })
    expect(one.at(-2)?.data).toMatchObject({ ok: false, error: { code: 'cancelled' } })
    await reached()
    letGo()
    expect((await h.ended(second.run.id)).at(-1)?.type).toBe('agent_completed')
  })
})

describe('[R6] cancel', () => {
  test('a running run: the tool is aborted, its call closed, agent_cancelled is last', async () => {
    const { tool, reached } = gate()
    await using h = await house([tool])
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    const { signal } = await reached()
    await h.runs.cancel(ann, run.id)
    const events = await h.ended(run.id)
    expectInOrder(events)
    expect(signal.aborted).toBe(true)
    expect(events.at(-1)).toMatchObject({ type: 'agent_cancelled', data: { by: 'user' } })
    expect(await h.runs.get(ann, run.id)).toMatchObject({ status: 'cancelled' })
  })

  test('a queued run ends at once, and an ended one stays as it is', async () => {
    await using h = await house([], { worker: false })
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    expect(await h.runs.cancel(ann, run.id)).toMatchObject({ status: 'cancelled' })
    expect(await h.runs.cancel(ann, run.id)).toMatchObject({ status: 'cancelled' })
    expect(types(await trial.log.readRun(run.id))).toEqual(['run_queued', 'agent_cancelled'])
  })
})

test('a run that takes too long is stopped and fails with run_timeout, its open call closed', async () => {
  const { tool, reached } = gate()
  await using h = await house([tool], { limits: { attemptMs: 300 } })
  const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
  const context = await reached()
  const events = await h.ended(run.id)
  expect(context.signal.aborted).toBe(true)
  expectInOrder(events)
  expect(events.slice(-2)).toMatchObject([
    { type: 'tool_completed', data: { ok: false, error: { code: 'outcome_unknown' } } },
    { type: 'agent_failed', data: { code: 'run_timeout', retryable: true } },
  ])
})

test.each([
  ['thrown here', new Error('password is hunter2')],
  ['told by a child process', new HoldfastError('internal', 'password is hunter2')],
])(
  '[R4] a fault of a tool, %s, fails the run once, and its message stays in the server',
  async (_, fault) => {
    const broken: ToolDefinition = {
      name: 'broken',
      description: 'Breaks.',
      effect: 'pure',
      input: z.unknown(),
      execute: async () => {
        throw fault
      },
    }
    await using h = await house([broken])
    const { run } = await h.runs.submit(ann, h.threadId, ask('one'), null)
    const events = await h.ended(run.id)
    expectInOrder(events)
    expect(events.at(-1)).toMatchObject({ type: 'agent_failed', data: { code: 'internal' } })
    expect(JSON.stringify(events)).not.toContain('hunter2')
  },
)
